import CLossKitHost
import LossKitDevice

/// The persistent homology over Z/2 of a Vietoris-Rips filtration, reduced on the host.
package struct VietorisRips: Sendable {
    /// A class, by the edges i < j that appear last in the simplex that begins it (a vertex has none) and in the one that ends it.
    package struct Class: Sendable {
        package let birth: (Int, Int)?
        package let death: (Int, Int)?
    }

    /// By dimension: of dimension 0 those that end, of others those that live for some time.
    package let classes: [[Class]]

    /// The most bytes that the reduction held at a time.
    package let peakBytes: Int

    package static let highestDimension = Int(losskit_rips_dimensions)

    /// The most points whose simplices can be numbered.
    package static func mostPoints(maximumDimension: Int) -> Int {
        var (low, high) = (0, 65536)
        while high - low > 1 {
            let middle = (low + high) / 2
            if losskit_rips_fits(Int64(middle), Int32(maximumDimension)) != 0 { low = middle } else { high = middle }
        }
        return low
    }

    /// The classes of dimensions up to `maximumDimension` of `n` points by the distances [n, n] above the diagonal, up to `threshold`.
    ///
    /// There are at most ``mostPoints(maximumDimension:)``. Classes do not depend on how many threads there are. What the reduction holds
    /// counts against the CPU's memory limit, less what is alive when it begins.
    package init(distances: [Float], n: Int, maximumDimension: Int, threshold: Float, limit: Int? = nil) throws {
        let memory = Device.cpu.memory
        let limit = Int64(max(1, min(limit ?? .max, memory.limit - memory.live)))
        guard let rips = losskit_rips_create(Int64(n), distances, threshold, Int32(max(1, maximumDimension)), limit) else {
            throw Self.outOfMemory(16 * n * n)
        }
        defer { losskit_rips_destroy(rips) }
        var classes = [try Self.found(losskit_rips_components(rips), in: rips)]
        let shared = Shared(rips)
        for dimension in 1..<max(1, maximumDimension + 1) {
            ThreadPool.forEach(Int(losskit_rips_pieces)) { losskit_rips_collect(shared.value, Int32(dimension), Int64($0)) }
            classes.append(try Self.found(losskit_rips_reduce(rips, Int32(dimension)), in: rips))
        }
        self.classes = classes
        peakBytes = Int(losskit_rips_peak_bytes(rips))
    }

    private static func found(_ count: Int64, in rips: OpaquePointer) throws -> [Class] {
        guard count >= 0 else { throw outOfMemory(Int(losskit_rips_peak_bytes(rips))) }
        func edge(_ ends: (Int32, Int32)) -> (Int, Int)? { ends.0 < 0 ? nil : (Int(ends.0), Int(ends.1)) }
        let pairs = UnsafeBufferPointer(start: losskit_rips_pairs(rips), count: Int(count))
        return pairs.map { Class(birth: edge($0.birth), death: edge($0.death)) }
    }

    private static func outOfMemory(_ bytes: Int) -> DeviceError {
        let now = Device.cpu.memory
        return .outOfMemory(device: "cpu", requested: bytes, inUse: now.live, cached: now.cached, limit: now.limit)
    }
}
