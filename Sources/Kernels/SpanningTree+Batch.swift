import CLossKitHost
import LossKitDevice

/// The minimum spanning trees of many clouds of equally many points, each as ``SpanningTree`` has it.
package struct SpanningTrees: Sendable {
    /// The ends i < j of each of the n - 1 edges of each cloud, in order.
    package let edges: [Int32]
    /// The edges' lengths, ascending in each cloud.
    package let lengths: [Float]

    /// Of more points single trees are found by all threads together.
    private static let mostPoints = 2048

    /// The trees of float32 points [clouds, n, d], all finite.
    package init(_ metric: SpanningTree.Metric, clouds: Int, n: Int, d: Int, points: BufferSlice, on device: Device) throws {
        guard n > 1, clouds > 0 else {
            (edges, lengths) = ([], [])
            return
        }
        guard clouds > 1 && n <= Self.mostPoints || metric == .given && !device.isOpenCL else {
            let trees = try (0..<clouds).map { cloud in
                try SpanningTree(metric, n: n, d: d, points: points.advanced(by: cloud * n * d), on: device)
            }
            (edges, lengths) = (trees.flatMap(\.edges), trees.flatMap(\.lengths))
            return
        }
        (edges, lengths) = try device.run(
            "spanning_trees", shape: [clouds, n, d], reads: [points], bytes: 4 * clouds * n * d, flops: 3 * clouds * n * n * d,
            numbers: { $0.0.map { Double($0) } + $0.1.map { Double($0) } },
            host: { try Self.host(metric, clouds: clouds, n: n, d: d, points: $0.read(0)) },
            openCL: { try openCL(metric, clouds: clouds, n: n, d: d, points: points, on: $0) })
    }
}

extension SpanningTrees {
    /// Each tree by one thread.
    static func host(
        _ metric: SpanningTree.Metric, clouds: Int, n: Int, d: Int, points: UnsafePointer<Float>
    ) throws -> ([Int32], [Float]) {
        let scratchBytes = 4 * Int(losskit_small_trees_floats(Int64(n), Int64(d)))
        let pieces = min(clouds, 4 * ThreadPool.threadCount)
        let memory = try Buffer(byteCount: pieces * scratchBytes, on: .cpu)
        guard let scratch = memory.hostPointer else { return ([], []) }
        defer { withExtendedLifetime(memory) {} }
        var edges = [Int32](repeating: 0, count: 2 * clouds * (n - 1))
        var lengths = [Float](repeating: 0, count: clouds * (n - 1))
        edges.withUnsafeMutableBufferPointer { edges in
            lengths.withUnsafeMutableBufferPointer { lengths in
                let shared = Shared((points: points, edges: edges.baseAddress, lengths: lengths.baseAddress, scratch: scratch))
                ThreadPool.forEach(pieces) { piece in
                    losskit_small_trees(
                        metric.rawValue, Int64(n), Int64(d), shared.points, Int64(clouds * piece / pieces),
                        Int64(clouds * (piece + 1) / pieces), shared.edges, shared.lengths,
                        (shared.scratch + piece * scratchBytes).assumingMemoryBound(to: Float.self))
                }
            }
        }
        return (edges, lengths)
    }
}

private func openCL(
    _ metric: SpanningTree.Metric, clouds: Int, n: Int, d: Int, points: BufferSlice, on encoder: OpenCLEncoder
) throws -> ([Int32], [Float]) {
    func scratch(_ count: Int) throws -> KernelArgument { .buffer(BufferSlice(try encoder.scratch(byteCount: 4 * count), elementSize: 4)) }
    let edges = try encoder.scratch(byteCount: 12 * clouds * (n - 1))
    var group = 1
    if !encoder.traits.isCPU { while group < n && 2 * group <= min(128, encoder.traits.maxWorkGroupSize) { group *= 2 } }
    try encoder.launch(
        "tree_small", in: "spanning_tree", defines: ["TREE_GROUP=\(group)"],
        arguments: [
            .buffer(points), scratch(clouds * n * d), scratch(clouds * n), scratch(clouds * n),
            .buffer(BufferSlice(edges, elementSize: 4)), .int32(metric.rawValue), .count(n), .count(d),
        ], global: [clouds * group], local: [group])
    var slots = [Int32](repeating: 0, count: 3 * clouds * (n - 1))
    try slots.withUnsafeMutableBytes { try edges.download(into: $0) }
    var ends = [Int32](repeating: 0, count: 2 * clouds * (n - 1))
    var lengths = [Float](repeating: 0, count: clouds * (n - 1))
    for slot in lengths.indices {
        (ends[2 * slot], ends[2 * slot + 1]) = (slots[3 * slot], slots[3 * slot + 1])
        let sum = Float(bitPattern: UInt32(bitPattern: slots[3 * slot + 2]))
        lengths[slot] = metric == .euclidean ? sum.squareRoot() : sum
    }
    var (otherEnds, otherLengths) = ([Int32](repeating: 0, count: 2 * n), [Float](repeating: 0, count: n))
    ends.withUnsafeMutableBufferPointer { ends in
        lengths.withUnsafeMutableBufferPointer { lengths in
            guard let ends = ends.baseAddress, let lengths = lengths.baseAddress else { return }
            for cloud in 0..<clouds {
                losskit_tree_sort(
                    Int64(n - 1), ends + 2 * cloud * (n - 1), lengths + cloud * (n - 1), &otherEnds, &otherLengths)
            }
        }
    }
    return (ends, lengths)
}
