import CLossKitHost
import LossKitDevice

/// The persistent homology over Z/2 of a Vietoris-Rips filtration, reduced on the host.
package struct VietorisRips: Sendable {
    /// A class, by the edges i < j that appear last in the simplex that begins it (a vertex has none) and in the one that ends it.
    package struct Class: Sendable {
        package let birth: (Int, Int)?
        package let death: (Int, Int)?
        /// The vertices of the simplices of a representative cocycle, one after another, where they were asked for.
        package let cocycle: [Int32]
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
    /// counts against the CPU's memory limit, less what is alive when it begins. `columns` are those of a device that has the distances as its
    /// cloud `cloud`; without them the reduction finds its own.
    package init(
        distances: ArraySlice<Float>, columns: RipsColumns? = nil, cloud: Int = 0, n: Int, maximumDimension: Int, threshold: Float,
        withCocycles: Bool = false, limit: Int? = nil
    ) throws {
        let memory = Device.cpu.memory
        let limit = Int64(max(1, min(limit ?? .max, memory.limit - memory.live)))
        let created = distances.withUnsafeBufferPointer { distances in
            losskit_rips_create(Int64(n), distances.baseAddress, threshold, Int32(max(1, maximumDimension)), limit)
        }
        guard let rips = created else { throw Self.outOfMemory(16 * n * n) }
        defer { losskit_rips_destroy(rips) }
        var classes = [try Self.found(losskit_rips_components(rips), in: rips)]
        let shared = Shared(rips)
        for dimension in 1..<max(1, maximumDimension + 1) {
            WorkProgress.report(dimension, of: maximumDimension + 1, "dimensions")
            switch (dimension, columns) {
            case (1, let columns?): losskit_rips_take(rips, 1, columns.edges[cloud], Int64(columns.edges[cloud].count))
            case (2, let columns?):
                let triangles = try columns.triangles(ofCloud: cloud, cleared: Self.cleared(rips))
                losskit_rips_take(rips, 2, triangles, Int64(triangles.count))
            default: ThreadPool.forEach(Int(losskit_rips_pieces)) { losskit_rips_collect(shared.value, Int32(dimension), Int64($0)) }
            }
            losskit_rips_begin(rips)
            ThreadPool.forEach(ThreadPool.threadCount) { _ in losskit_rips_reduce(shared.value, Int32(dimension)) }
            let count = losskit_rips_end(rips, Int32(dimension))
            classes.append(try Self.found(count, in: rips, cocyclesOf: withCocycles ? dimension : nil))
        }
        self.classes = classes
        peakBytes = Int(losskit_rips_peak_bytes(rips))
    }

    /// Those of many clouds by their distances [clouds, n, n], each up to its own threshold; clouds share the threads.
    package static func all(
        distances: [Float], columns: RipsColumns?, n: Int, maximumDimension: Int, thresholds: [Float], withCocycles: Bool
    ) throws -> [VietorisRips] {
        let clouds = thresholds.count, memory = Device.cpu.memory
        let limit = (memory.limit - memory.live) / max(1, min(clouds, ThreadPool.threadCount))
        var found = [Result<VietorisRips, any Error>?](repeating: nil, count: clouds)
        found.withUnsafeMutableBufferPointer { found in
            let shared = Shared(found)
            @Sendable func find(_ cloud: Int) {
                shared.value[cloud] = Result {
                    try VietorisRips(
                        distances: distances[cloud * n * n..<(cloud + 1) * n * n], columns: columns, cloud: cloud, n: n,
                        maximumDimension: maximumDimension, threshold: thresholds[cloud], withCocycles: withCocycles, limit: limit)
                }
            }
            // A single one's reduction has the threads for itself.
            if clouds == 1 { find(0) } else { ThreadPool.forEach(clouds, find) }
        }
        return try found.compactMap { try $0?.get() }
    }

    /// The triangles that end loops, as ``RipsColumns`` numbers them.
    private static func cleared(_ rips: OpaquePointer) -> [Int64] {
        var triangles = [Int64](repeating: 0, count: Int(losskit_rips_cleared(rips, nil)))
        losskit_rips_cleared(rips, &triangles)
        return triangles
    }

    private static func found(_ count: Int64, in rips: OpaquePointer, cocyclesOf dimension: Int? = nil) throws -> [Class] {
        guard count >= 0 else { throw outOfMemory(Int(losskit_rips_peak_bytes(rips))) }
        func edge(_ ends: (Int32, Int32)) -> (Int, Int)? { ends.0 < 0 ? nil : (Int(ends.0), Int(ends.1)) }
        func cocycle(_ column: Int64) -> [Int32] {
            guard let dimension else { return [] }
            let simplices = losskit_rips_cocycle(rips, Int32(dimension), column, nil)
            var vertices = [Int32](repeating: 0, count: Int(simplices) * (dimension + 1))
            losskit_rips_cocycle(rips, Int32(dimension), column, &vertices)
            return vertices
        }
        let pairs = UnsafeBufferPointer(start: losskit_rips_pairs(rips), count: Int(count))
        return pairs.map { Class(birth: edge($0.birth), death: edge($0.death), cocycle: cocycle($0.column)) }
    }

    private static func outOfMemory(_ bytes: Int) -> DeviceError {
        let now = Device.cpu.memory
        return .outOfMemory(device: "cpu", requested: bytes, inUse: now.live, cached: now.cached, limit: now.limit)
    }
}
