import CLossKitHost
import LossKitDevice

/// Persistent homology over Z/2 of a filtration of a given simplicial complex, on the host.
package struct SimplicialPersistence: Sendable {
    /// A class, by the vertices of the simplices whose values its birth and its death are; nil where it never dies.
    package struct Class: Sendable {
        package let dimension: Int
        package let birth: [Int32]
        package let death: [Int32]?
    }

    /// Those that live for some time, in each dimension by their deaths.
    package let classes: [Class]

    /// The most vertices of which there may be simplices.
    package static let mostVertices = 1 << 26

    /// Simplices [count, size], rows of which may repeat a vertex, with all their faces and all vertices; each appears with the last of its
    /// vertices.
    package init(lowerStarOf values: [Float], simplices: [Int32], size: Int) throws {
        classes = try Self.classes(of: values.count, simplices: simplices, size: size) { losskit_complex_lower_star($0, values) }
    }

    /// The cells of the Delaunay triangulation of points [n, d] in 2 or 3 dimensions with all their faces; each appears at the square of the
    /// radius of the smallest empty sphere through its vertices. Of points in one place the first takes part.
    package init(alphaComplexOf points: [Float], d: Int) throws {
        let n = points.count / d
        var copies = [Int32](repeating: 0, count: n)
        var rank: Int32 = 0
        var cells: UnsafeMutablePointer<Int32>?
        let count = losskit_delaunay(Int64(n), Int32(d), points, &copies, &rank, &cells)
        defer { cells?.deallocate() }
        guard count >= 0 else { throw Self.outOfMemory(64 * n) }
        let places = (0..<n).filter { copies[$0] == $0 }
        var numbers = [Int32](repeating: 0, count: n)
        for (number, place) in places.enumerated() { numbers[place] = Int32(number) }
        let simplices = UnsafeBufferPointer(start: cells, count: Int(count) * (Int(rank) + 1)).map { numbers[Int($0)] }
        let distinct = places.count == n ? points : places.flatMap { points[$0 * d..<($0 + 1) * d] }
        classes = try Self.classes(of: places.count, simplices: simplices, size: Int(rank) + 1) {
            losskit_complex_alpha($0, Int32(d), distinct)
        }.map { found in
            func original(_ vertices: [Int32]) -> [Int32] { vertices.map { Int32(places[Int($0)]) } }
            return Class(dimension: found.dimension, birth: original(found.birth), death: found.death.map(original))
        }
    }

    private static func classes(
        of n: Int, simplices: [Int32], size: Int, appearing: (OpaquePointer) -> Int32
    ) throws -> [Class] {
        let memory = Device.cpu.memory
        let limit = Int64(max(1, memory.limit - memory.live))
        let bytes = 64 * (n + simplices.count)
        guard let complex = losskit_complex_create(Int64(n), Int32(size), Int64(simplices.count / size), simplices, limit) else {
            throw outOfMemory(bytes)
        }
        defer { losskit_complex_destroy(complex) }
        guard appearing(complex) != 0 else { throw outOfMemory(bytes) }
        let count = losskit_complex_reduce(complex)
        guard count >= 0 else { throw outOfMemory(bytes) }
        func vertices(_ tuple: (Int32, Int32, Int32, Int32)) -> [Int32] { [tuple.0, tuple.1, tuple.2, tuple.3].filter { $0 >= 0 } }
        return UnsafeBufferPointer(start: losskit_complex_pairs(complex), count: Int(count)).map { pair in
            let death = vertices(pair.death)
            return Class(dimension: Int(pair.dimension), birth: vertices(pair.birth), death: death.isEmpty ? nil : death)
        }
    }

    private static func outOfMemory(_ bytes: Int) -> DeviceError {
        let now = Device.cpu.memory
        return .outOfMemory(device: "cpu", requested: bytes, inUse: now.live, cached: now.cached, limit: now.limit)
    }
}

/// The smallest sphere through one to four points of [n, d].
package struct Circumsphere: Sendable {
    /// The square of its radius.
    package let square: Double
    package let center: [Double]
    /// The centre as weights of the points, whose sum is 1.
    package let weights: [Double]

    package init(through vertices: [Int32], of points: [Float], d: Int) {
        var (center, weights) = ([Double](repeating: 0, count: 3), [Double](repeating: 0, count: 4))
        square = losskit_circumsphere(Int32(d), points, Int32(vertices.count), vertices, &center, &weights)
        self.center = Array(center[..<d])
        self.weights = Array(weights[..<vertices.count])
    }
}
