import LossKitKernels

/// The single-linkage hierarchy of points: which clusters are joined, in what order and at what height.
public struct SingleLinkage: Sendable {
    /// [n - 1, 2] int64: the clusters a < b that each step joins. Those below n are points; step k makes cluster n + k.
    public let merges: Tensor
    /// [n - 1]: the distance at which each step joins, ascending; differentiable with respect to the points where
    /// ``minimumSpanningTree(_:metric:)`` is.
    public let heights: Tensor
    /// [n - 1] int64: how many points each step's cluster has.
    public let sizes: Tensor

    /// How many points there are.
    public var count: Int { heights.count + 1 }

    /// The hierarchy that a spanning tree of `n` points describes.
    init(edges: [Int], lengths: Tensor) throws {
        let n = lengths.count + 1
        var parent = Array(0..<2 * n - 1)
        var size = [Int](repeating: 1, count: 2 * n - 1)
        func root(_ start: Int) -> Int {
            var node = start
            while parent[node] != node {
                parent[node] = parent[parent[node]]
                node = parent[node]
            }
            return node
        }
        var merges: [Int64] = []
        for step in 0..<n - 1 {
            let (a, b) = (root(edges[2 * step]), root(edges[2 * step + 1]))
            merges += [Int64(min(a, b)), Int64(max(a, b))]
            (parent[a], parent[b]) = (n + step, n + step)
            size[n + step] = size[a] + size[b]
        }
        self.merges = try Tensor(merges, shape: [n - 1, 2], on: lengths.device)
        heights = lengths
        sizes = try Tensor(size[n...].map { Int64($0) }, on: lengths.device)
    }

    /// [n - 1, 4] float64 on the CPU: SciPy's `linkage` format, each step's clusters, height and size.
    public func linkageMatrix() throws -> Tensor {
        let (ends, heights, sizes): ([Double], [Double], [Double]) = (
            try merges.array(), try stopGradient(heights).array(), try sizes.array()
        )
        return try Tensor(
            heights.indices.flatMap { [ends[2 * $0], ends[2 * $0 + 1], heights[$0], sizes[$0]] }, shape: [heights.count, 4], on: .cpu)
    }

    /// The clusters that are left when nothing is joined above a height.
    ///
    /// - Returns: [n] int64, numbered by their first points. SciPy's `fcluster(criterion="distance")`, which numbers them in another order.
    public func clusters(atHeight height: Double) throws -> Tensor {
        try labels(steps: stopGradient(heights).array(of: Double.self).filter { $0 <= height }.count)
    }

    /// So many clusters; where heights are equal by the order of steps.
    ///
    /// - Returns: [n] int64, numbered by their first points.
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` unless there are as many points.
    public func clusters(count: Int) throws -> Tensor {
        guard 1...self.count ~= count else {
            throw TensorError.invalidArgument(operation: "clusters", expected: "a count in 1...\(self.count)", actual: "\(count)")
        }
        return try labels(steps: self.count - count)
    }

    private func labels(steps: Int) throws -> Tensor {
        let ends = try merges.array(of: Int.self)
        var top = Array(0..<count + steps)
        for step in (0..<steps).reversed() {
            for cluster in ends[2 * step...2 * step + 1] { top[cluster] = top[count + step] }
        }
        var names: [Int: Int64] = [:]
        let labels = (0..<count).map { point -> Int64 in
            let name = names[top[point]] ?? Int64(names.count)
            names[top[point]] = name
            return name
        }
        return try Tensor(labels, on: heights.device)
    }
}

/// The single-linkage hierarchy of points, by their minimum spanning tree.
///
/// - Parameters:
///   - points: [n, d] with n >= 2, floating point, finite.
///   - metric: See ``minimumSpanningTree(_:metric:)``.
/// - Throws: See ``minimumSpanningTree(_:metric:)``.
/// - Note: J. Gower, G. Ross, Minimum spanning trees and single linkage cluster analysis, 1969.
public func singleLinkage(_ points: Tensor, metric: Metric = .euclidean) throws -> SingleLinkage {
    guard try points.checked().rank == 2 else {
        throw TensorError.shapeMismatch(operation: "singleLinkage", expected: "points [n, d]", actual: [points.shape])
    }
    let tree = try minimumSpanningTree(points, metric: metric)
    return try SingleLinkage(edges: tree.edges.array(of: Int.self), lengths: tree.lengths)
}

/// The single-linkage hierarchy of a matrix of distances.
///
/// - Parameter distances: See ``minimumSpanningTree(distances:)``; every point is connected to every other one.
/// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` where infinite distances leave several components; see
///   ``minimumSpanningTree(distances:)``.
public func singleLinkage(distances: Tensor) throws -> SingleLinkage {
    let tree = try minimumSpanningTree(distances: distances)
    let n = distances.shape[0], components = n - tree.lengths.count
    guard components == 1 else {
        throw TensorError.invalidArgument(
            operation: "singleLinkage", expected: "distances that connect all points", actual: "\(components) components")
    }
    return try SingleLinkage(edges: tree.edges.array(of: Int.self), lengths: tree.lengths)
}
