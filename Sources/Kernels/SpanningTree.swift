import CLossKitHost
import LossKitDevice

/// The minimum spanning tree of the complete graph on float32 points [n, d], in O(n) memory.
///
/// Edges are ordered by (squared length, smaller index, larger index), so the tree is unique and the same on every device.
package enum SpanningTree {
    /// The n - 1 edges (i < j), sorted by that order.
    package static func edges(n: Int, d: Int, points: BufferSlice, on device: Device) throws -> [(Int32, Int32)] {
        guard n > 1 else { return [] }
        return try device.run(
            "spanning_tree", shape: [n, d], reads: [points], bytes: 4 * n * d, flops: 3 * n * n * d / 2,
            numbers: { edges in edges.sorted { $0 < $1 }.flatMap { [Double($0.0), Double($0.1)] } },
            host: { prim(n: n, d: d, points: $0.read(0)) }, openCL: { try boruvka(n: n, d: d, points: points, on: $0) })
    }

    private static func prim(n: Int, d: Int, points: UnsafePointer<Float>) -> [(Int32, Int32)] {
        // By coordinates, so that distances to many points at a time are contiguous.
        let pointsTransposed = [Float](unsafeUninitializedCapacity: n * d) { transposed, count in
            for k in 0..<d { for i in 0..<n { transposed[k * n + i] = points[i * d + k] } }
            count = n * d
        }
        var lengths = [Float](repeating: 0, count: 2 * n)
        var indices = [Int32](repeating: 0, count: 2 * n)
        var pairs = [Int32](repeating: 0, count: 2 * (n - 1))
        losskit_spanning_tree(pointsTransposed, Int64(n), Int64(d), &lengths, &indices, &pairs)
        return (0..<n - 1).map { (pairs[2 * $0], pairs[2 * $0 + 1]) }
    }

    /// Rounds of: every point's first edge to another component on the device, every component's first edge and the merging on the host.
    private static func boruvka(n: Int, d: Int, points: BufferSlice, on encoder: OpenCLEncoder) throws -> [(Int32, Int32)] {
        var component = (0..<n).map { Int32($0) }
        let (componentBuffer, lengthBuffer, neighbourBuffer) = (
            try encoder.scratch(byteCount: 4 * n), try encoder.scratch(byteCount: 4 * n), try encoder.scratch(byteCount: 4 * n)
        )
        var length = [Float](repeating: 0, count: n)
        var neighbour = [Int32](repeating: 0, count: n)
        var edges: [(Int32, Int32)] = []
        while edges.count < n - 1 {
            try component.withUnsafeBytes { try componentBuffer.upload($0) }
            try encoder.launch(
                "nearest_foreign", in: "spanning_tree",
                arguments: [
                    .buffer(points), .buffer(BufferSlice(componentBuffer, elementSize: 4)), .buffer(BufferSlice(lengthBuffer, elementSize: 4)),
                    .buffer(BufferSlice(neighbourBuffer, elementSize: 4)), .count(n), .count(d),
                ], global: [n], local: nil)
            try length.withUnsafeMutableBytes { try lengthBuffer.download(into: $0) }
            try neighbour.withUnsafeMutableBytes { try neighbourBuffer.download(into: $0) }
            let found = merge(&component, length: length, neighbour: neighbour)
            guard !found.isEmpty else { break }
            edges += found
        }
        return edges
    }

    private static func merge(_ component: inout [Int32], length: [Float], neighbour: [Int32]) -> [(Int32, Int32)] {
        func key(_ i: Int) -> (Float, Int32, Int32) { (length[i], min(Int32(i), neighbour[i]), max(Int32(i), neighbour[i])) }
        var best: [Int32: Int] = [:]
        for i in component.indices where neighbour[i] >= 0 {
            if let current = best[component[i]], key(current) <= key(i) { continue }
            best[component[i]] = i
        }
        var parent: [Int32: Int32] = [:]
        func root(_ start: Int32) -> Int32 {
            var node = start
            while let next = parent[node] { node = next }
            return node
        }
        var found: [(Int32, Int32)] = []
        for i in best.values.sorted() {
            let (a, b) = (root(component[i]), root(component[Int(neighbour[i])]))
            guard a != b else { continue }
            parent[max(a, b)] = min(a, b)
            found.append((min(Int32(i), neighbour[i]), max(Int32(i), neighbour[i])))
        }
        for i in component.indices { component[i] = root(component[i]) }
        return found
    }
}
