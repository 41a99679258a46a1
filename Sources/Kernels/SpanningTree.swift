import CLossKitHost
import LossKitDevice

/// The minimum spanning tree of the complete graph on points, found by Boruvka's algorithm in O(n d) memory.
///
/// Edges are ordered by (length, smaller index, larger index), the length as it is returned: so the tree is unique and the same on every
/// device. Lengths are summed coordinate by coordinate without fusing, which gives the same bits everywhere.
package struct SpanningTree: Sendable {
    /// What a length is.
    package enum Metric: Int32, Sendable {
        case squaredEuclidean = 0, euclidean, manhattan, chebyshev
        /// Points are the rows of a matrix of lengths [n, n], of which those above the diagonal count.
        case given
    }

    /// From here on, in the dimensions in which there is one, the host's hierarchy takes less time than a device's look at all pairs.
    package static let leastForHierarchy = 1 << 14

    /// The most points whose indices can be told apart.
    package static let mostPoints = Int(Int32.max) - 65

    /// The ends i < j of each of the n - 1 edges, in order.
    package let edges: [Int32]
    /// The edges' lengths, ascending.
    package let lengths: [Float]

    /// The tree of float32 points [n, d], all finite.
    ///
    /// With `neighbors`, in 1..<n, by mutual reachability: an edge is no shorter than its ends' distances to their nearest others of that
    /// number.
    package init(_ metric: Metric, n: Int, d: Int, neighbors: Int = 0, points: BufferSlice, on device: Device) throws {
        guard n > 1 else {
            (edges, lengths) = ([], [])
            return
        }
        try Self.check(n)
        self = try device.run(
            "spanning_tree", shape: [n, d], reads: [points], bytes: 4 * n * d, flops: 3 * n * n * d / 2,
            numbers: { tree in tree.edges.map { Double($0) } + tree.lengths.map { Double($0) } },
            host: {
                let points: UnsafePointer<Float> = $0.read(0)
                return Self(
                    unsorted: metric == .given
                        ? try SpanningTrees.host(metric, clouds: 1, n: n, d: d, points: points)
                        : try host(metric, n: n, d: d, neighbors: neighbors, points: points))
            },
            openCL: { encoder in
                guard metric != .given, d <= losskit_tree_axes, n >= Self.leastForHierarchy else {
                    return Self(unsorted: try openCL(metric, n: n, d: d, neighbors: neighbors, points: points, on: encoder))
                }
                var tree: ([Int32], [Float]) = ([], [])
                try encoder.withHostAccess(to: [points]) { pointers in
                    tree = try host(
                        metric, n: n, d: d, neighbors: neighbors, points: UnsafePointer(pointers[0].assumingMemoryBound(to: Float.self)))
                }
                return Self(unsorted: tree)
            })
    }

    private init(unsorted tree: (edges: [Int32], lengths: [Float])) {
        var (edges, lengths) = tree
        var (otherEdges, otherLengths) = tree
        losskit_tree_sort(Int64(lengths.count), &edges, &lengths, &otherEdges, &otherLengths)
        (self.edges, self.lengths) = (edges, lengths)
    }
}

// MARK: - CPU

private func host(
    _ metric: SpanningTree.Metric, n: Int, d: Int, neighbors: Int, points: UnsafePointer<Float>
) throws -> ([Int32], [Float]) {
    var tree = losskit_tree()
    (tree.metric, tree.n, tree.d, tree.is_mutual) = (metric.rawValue, Int64(n), Int64(d), neighbors > 0 ? 1 : 0)
    // From here on boxes save more pairs than they cost (measured on uniform points; clustered ones gain more).
    tree.levels = n >= 1000 && d <= losskit_tree_axes ? Int32(Int.bitWidth - ((n - 1) / 32).leadingZeroBitCount) : 0
    // Stands first, since what a tree takes ends anywhere.
    let scratchBytes = 4 * neighbors * ThreadPool.threadCount * 4
    let memory = try Buffer(
        byteCount: Int(losskit_tree_bytes(tree.n, tree.d, tree.levels, tree.is_mutual)) + scratchBytes, on: .cpu)
    defer { withExtendedLifetime(memory) {} }
    guard let bytes = memory.hostPointer else { return ([], []) }
    losskit_tree_place(&tree, bytes + scratchBytes)
    losskit_tree_fill(&tree, points)
    let shared = Shared(tree)
    for level in 0..<Int(tree.levels) {
        ThreadPool.forEach(1 << level) { place in
            withUnsafePointer(to: shared.value) { losskit_tree_split($0, Int64(1 << level + place)) }
        }
    }
    losskit_tree_finish(&tree)
    if neighbors > 0 { findCores(shared, neighbors, bytes) }
    var edges = [Int32](repeating: 0, count: 2 * (n - 1))
    var lengths = [Float](repeating: 0, count: n - 1)
    var found: Int64 = 0
    while found < n - 1 {
        WorkProgress.report(Int(found), of: n - 1, "edges")
        if found == 0, tree.levels > 0, neighbors == 0 {
            forEachChunk(of: 1 << Int(tree.levels), minimum: 8, shared) { losskit_tree_first($0, $1, $2) }
        } else if tree.levels > 0 {
            forEachChunk(of: n, minimum: 64, shared) { losskit_tree_search($0, $1, $1 + losskit_tree_collect($0, $1, $2)) }
        } else {
            // Every query costs a look at all points.
            let queries = Int(losskit_tree_collect(&tree, 0, Int64(n)))
            forEachChunk(of: queries, minimum: 16, shared) { losskit_tree_search($0, $1, $2) }
        }
        forEachChunk(of: n, minimum: 2048, shared) { losskit_tree_pick($0, $1, $2) }
        found = losskit_tree_join(&tree, &edges, &lengths, found)
        forEachChunk(of: n, minimum: 4096, shared) { losskit_tree_relabel($0, $1, $2) }
        forEachChunk(of: n, minimum: 2048, shared) { losskit_tree_advance($0, $1, $2) }
        if tree.levels > 0 { losskit_tree_label(&tree) }
    }
    return (edges, lengths)
}

private func forEachChunk(
    of count: Int, minimum: Int, _ tree: Shared<losskit_tree>,
    _ work: @escaping @Sendable (UnsafePointer<losskit_tree>, _ begin: Int64, _ end: Int64) -> Void
) {
    ThreadPool.forEachChunk(of: count, minimumPerChunk: minimum) { chunk in
        withUnsafePointer(to: tree.value) { work($0, Int64(chunk.lowerBound), Int64(chunk.upperBound)) }
    }
}

private func findCores(_ tree: Shared<losskit_tree>, _ neighbors: Int, _ scratch: UnsafeMutableRawPointer) {
    let n = Int(tree.value.n), pieces = min(n, 4 * ThreadPool.threadCount)
    let shared = Shared((tree: tree.value, scratch: scratch))
    ThreadPool.forEach(pieces) { piece in
        withUnsafePointer(to: shared.value.tree) {
            losskit_tree_cores(
                $0, Int64(neighbors), Int64(n * piece / pieces), Int64(n * (piece + 1) / pieces),
                (shared.value.scratch + 4 * neighbors * piece).assumingMemoryBound(to: Float.self))
        }
    }
    withUnsafePointer(to: shared.value.tree) { losskit_tree_share_cores($0) }
}

extension SpanningTree {
    private static func check(_ n: Int) throws {
        guard n <= mostPoints else {
            throw DeviceError.invalidLaunch(kernel: "spanning_tree", problem: "\(n) points, \(mostPoints) at most")
        }
    }
}

// MARK: - OpenCL

/// All rounds are queued at once; those after the last merge find one component left and do nothing.
private func openCL(
    _ metric: SpanningTree.Metric, n: Int, d: Int, neighbors: Int, points: BufferSlice, on encoder: OpenCLEncoder
) throws -> ([Int32], [Float]) {
    func scratch(_ count: Int) throws -> KernelArgument { .buffer(BufferSlice(try encoder.scratch(byteCount: 4 * count), elementSize: 4)) }
    let (columns, component, partner, lower) = (try scratch(n * d), try scratch(n), try scratch(n), try scratch(n))
    let (best, low, high) = (try scratch(n), try scratch(n), try scratch(n))
    let (parent, remaining) = (try scratch(n), try scratch(1))
    let edges = try encoder.scratch(byteCount: 12 * n)
    let edgeArgument = KernelArgument.buffer(BufferSlice(edges, elementSize: 4))
    let count = KernelArgument.count(n)
    var group = 1
    while 2 * group <= min(128, encoder.traits.maxWorkGroupSize) { group *= 2 }
    func launch(_ kernel: String, _ arguments: [KernelArgument], global: Int = n, local: Int? = nil) throws {
        try encoder.launch(
            kernel, in: "spanning_tree", defines: ["TREE_GROUP=\(group)"], arguments: arguments, global: [global],
            local: [local ?? min(64, group)])
    }
    try launch(
        "tree_begin",
        [.buffer(points), columns, component, partner, lower, best, low, high, edgeArgument, remaining, .int32(metric.rawValue), count, .count(d)])
    let cores = neighbors > 0 ? try scratch(n) : lower
    if neighbors > 0 {
        let sizes = [.int32(metric.rawValue), count, .count(d), KernelArgument.count(neighbors)]
        try launch("tree_cores", [columns, scratch(n * neighbors), cores] + sizes)
    }
    let rounds = Int.bitWidth - (n - 1).leadingZeroBitCount
    for _ in 0..<rounds {
        try launch("tree_best", [component, partner, lower, best, count])
        let search = [
            columns, cores, component, partner, lower, best, remaining, .int32(neighbors > 0 ? 1 : 0), .int32(metric.rawValue), count,
            .count(d),
        ]
        if encoder.traits.isCPU {
            try launch("tree_search", search, local: min(8, group))
        } else {
            try launch("tree_search", search, global: n * group, local: group)
        }
        try launch("tree_low", [component, partner, lower, best, low, count])
        try launch("tree_high", [component, partner, lower, best, low, high, count])
        try launch("tree_join", [component, best, low, high, parent, edgeArgument, remaining, count])
        try launch("tree_relabel", [parent, component, best, low, high, count])
    }
    var slots = [Int32](repeating: 0, count: 3 * n)
    try slots.withUnsafeMutableBytes { try edges.download(into: $0) }
    let taken = (0..<n).filter { slots[3 * $0] >= 0 }
    let lengths = taken.map { slot in
        let sum = Float(bitPattern: UInt32(bitPattern: slots[3 * slot + 2]))
        return metric == .euclidean ? sum.squareRoot() : sum
    }
    return (taken.flatMap { [slots[3 * $0], slots[3 * $0 + 1]] }, lengths)
}
