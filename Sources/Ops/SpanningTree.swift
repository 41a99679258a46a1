import LossKitKernels

/// The minimum spanning tree of points, those of many clouds, or the forest of a graph.
public struct MinimumSpanningTree: Sendable {
    /// [n - 1, 2] int32, of many clouds [..., n - 1, 2]: the ends i < j of each edge, the shortest edge first, edges of equal length by
    /// their indices.
    public let edges: Tensor
    /// [n - 1], of many clouds [..., n - 1]: the edges' lengths, ascending, differentiable with respect to the points; at length 0 the
    /// derivative is 0.
    ///
    /// They are also the deaths of the points' zero-dimensional persistent homology (all births are 0).
    public let lengths: Tensor
}

/// The minimum spanning tree of points [n, d], computed in float32 on the implicit complete graph: no matrix of distances is stored.
///
/// Edges are ordered by (length, i, j), so the tree is unique and equal on every device, bit for bit.
/// The gradient of the lengths is that of the chosen edges: a subgradient where the tree changes.
/// - Parameters:
///   - points: [n, d] with n >= 2, or many clouds [..., n, d], floating point, finite.
///   - metric: What a length is; ``Metric/dot`` is none, and ``Metric/cosine`` needs points other than the origin.
/// - Returns: For many clouds edges [..., n - 1, 2], which count within each cloud, and lengths [..., n - 1].
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` for anything but [..., n, d] with n >= 2,
///   ``TensorError/invalidArgument(operation:expected:actual:)`` naming the first point that is not finite, or an edge too long for
///   float32.
/// - Note: Boruvka's algorithm, on the CPU with a hierarchy of boxes in low dimensions, O(n d) memory; many clouds of up to 2,048 points
///   each by Prim's, all in one launch. From 16,384 points on, in up to 8 dimensions, the CPU's for OpenCL devices too: they would look at
///   all pairs.
public func minimumSpanningTree(_ points: Tensor, metric: Metric = .euclidean) throws -> MinimumSpanningTree {
    let operation = "minimumSpanningTree"
    guard try points.checked().rank >= 2, points.shape[points.rank - 2] >= 2, points.dtype.isFloatingPoint else {
        throw TensorError.shapeMismatch(
            operation: operation, expected: "at least 2 floating-point points [..., n, d]", actual: [points.shape])
    }
    let (n, d, lead) = (points.shape[points.rank - 2], points.shape[points.rank - 1], Array(points.shape.dropLast(2)))
    guard n <= SpanningTree.mostPoints else {
        throw TensorError.invalidArgument(operation: operation, expected: "at most \(SpanningTree.mostPoints) points", actual: "\(n)")
    }
    let clouds = lead.reduce(1, *)
    func name(_ row: Int) -> String { lead.isEmpty ? "point \(row)" : "point \(row % n) of cloud \(row / n)" }
    let rows = try points.reshaped([clouds * n, d])
    let single = try stopGradient(rows).asType(.float32).packed().evaluated()
    if let row = try single.isFinite().all(axes: [1]).booleans().firstIndex(of: false) {
        throw TensorError.invalidArgument(operation: operation, expected: "finite coordinates", actual: "\(name(row)) is not")
    }
    let kernel = try metric.treeMetric()
    let measured = metric == .cosine ? try single.unitVectors(operation) : single
    let trees = try SpanningTrees(kernel, clouds: clouds, n: n, d: d, points: measured.slice(), on: single.device)
    if let edge = trees.lengths.firstIndex(where: { !$0.isFinite }) {
        let place = lead.isEmpty ? "" : " of cloud \(edge / (n - 1))"
        throw TensorError.invalidArgument(
            operation: operation, expected: "distances that float32 can hold",
            actual: "an infinite one between points \(trees.edges[2 * edge]) and \(trees.edges[2 * edge + 1])\(place)")
    }
    // Half the squared distance of unit vectors is one minus their cosine, without its cancellation.
    let lengths = metric == .cosine ? trees.lengths.map { $0 / 2 } : trees.lengths
    let edges = try Tensor(trees.edges, shape: lead + [n - 1, 2], on: points.device)
    let value = try Tensor(lengths, shape: lead + [n - 1], on: points.device).asType(points.dtype)
    return MinimumSpanningTree(
        edges: edges,
        lengths: Tensor.record("treeLengths", inputs: [points], output: value) { pullback in
            let cotangent = try pullback.cotangent.reshaped([value.count])
            return [
                try gradient(at: points) { points in
                    let ends = try points.edgeEnds(edges)
                    return try (metric.lengths(ends.0, ends.1) * cotangent).sum()
                }
            ]
        })
}

/// The minimum spanning tree of points by mutual reachability, on which HDBSCAN works.
///
/// An edge's length is `max(core_i, core_j, d_ij)`, core_i the distance of point i to the k-th nearest other one; edges are ordered by
/// (length, i, j).
///
/// - Parameters:
///   - points: [n, d] with n >= 2, floating point, finite.
///   - minimumSamples: k, in 1...n - 1.
///   - metric: See ``minimumSpanningTree(_:metric:)``.
/// - Returns: Edges, and lengths without a gradient.
/// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for k; see ``minimumSpanningTree(_:metric:)``.
/// - Note: The same tree on every device, bit for bit; on the CPU with a hierarchy of boxes in low dimensions. O(n d) memory, on OpenCL
///   devices O(n (d + k)).
public func mutualReachabilityTree(_ points: Tensor, minimumSamples: Int, metric: Metric = .euclidean) throws -> MinimumSpanningTree {
    let operation = "mutualReachabilityTree"
    guard try points.checked().rank == 2, points.shape[0] >= 2, points.dtype.isFloatingPoint else {
        throw TensorError.shapeMismatch(operation: operation, expected: "at least 2 floating-point points [n, d]", actual: [points.shape])
    }
    let (n, d) = (points.shape[0], points.shape[1])
    guard n <= SpanningTree.mostPoints else {
        throw TensorError.invalidArgument(operation: operation, expected: "at most \(SpanningTree.mostPoints) points", actual: "\(n)")
    }
    guard 1...n - 1 ~= minimumSamples else {
        throw TensorError.invalidArgument(
            operation: operation, expected: "minimumSamples in 1...\(n - 1) for \(n) points", actual: "\(minimumSamples)")
    }
    let single = try stopGradient(points).asType(.float32).packed().evaluated()
    if let row = try single.isFinite().all(axes: [1]).booleans().firstIndex(of: false) {
        throw TensorError.invalidArgument(operation: operation, expected: "finite coordinates", actual: "point \(row) is not")
    }
    let measured = metric == .cosine ? try single.unitVectors(operation) : single
    let tree = try SpanningTree(
        metric.treeMetric(), n: n, d: d, neighbors: minimumSamples, points: measured.slice(), on: single.device)
    if let edge = tree.lengths.firstIndex(where: { !$0.isFinite }) {
        throw TensorError.invalidArgument(
            operation: operation, expected: "distances that float32 can hold",
            actual: "an infinite one between points \(tree.edges[2 * edge]) and \(tree.edges[2 * edge + 1])")
    }
    let lengths = metric == .cosine ? tree.lengths.map { $0 / 2 } : tree.lengths
    return MinimumSpanningTree(
        edges: try Tensor(tree.edges, shape: [n - 1, 2], on: points.device),
        lengths: try Tensor(lengths, on: points.device).asType(points.dtype))
}

extension Tensor {
    /// The points at both ends of edges [..., m, 2] between points [..., n, d] of the same leading axes, each [clouds m, d].
    ///
    /// Gradient: a point gets the sum of the cotangents of its edges' ends. The indices are taken on trust.
    package func edgeEnds(_ edges: Tensor) throws -> (Tensor, Tensor) {
        let (n, d) = (shape[rank - 2], shape[rank - 1])
        let clouds = shape.dropLast(2).reduce(1, *)
        let rows = try reshaped([clouds * n, d])
        let offsets = try Tensor.arange(to: Double(clouds * n), by: Double(n), on: device).reshaped([clouds, 1])
        func places(_ end: Int) throws -> Tensor {
            let places = try edges.slice(axis: -1, from: end, to: end + 1).asType(.int64).reshaped([clouds, edges.shape[edges.rank - 2]])
            return try (places + offsets).flattened().packed().evaluated()
        }
        return (try rows.gatheredRows(places(0)), try rows.gatheredRows(places(1)))
    }
}

extension Metric {
    fileprivate func treeMetric() throws -> SpanningTree.Metric {
        switch self {
        case .squaredEuclidean, .cosine: .squaredEuclidean
        case .euclidean: .euclidean
        case .manhattan: .manhattan
        case .chebyshev: .chebyshev
        case .dot:
            throw TensorError.invalidArgument(operation: "minimumSpanningTree", expected: "a distance", actual: "the similarity dot")
        }
    }

    /// The distances of the rows of two matrices, in operations that can be differentiated.
    fileprivate func lengths(_ a: Tensor, _ b: Tensor) throws -> Tensor {
        switch self {
        case .squaredEuclidean, .dot: try (a - b).square().sum(axes: [1])
        case .euclidean: try (a - b).norm(axes: [1])
        case .manhattan: try (a - b).absolute().sum(axes: [1])
        case .chebyshev: try (a - b).absolute().max(axes: [1])
        case .cosine:
            try (a / a.norm(axes: [1], keepDimensions: true) - b / b.norm(axes: [1], keepDimensions: true)).square().sum(axes: [1]) * 0.5
        }
    }
}

extension Tensor {
    /// Rows of length 1, by the same roundings on every device.
    func unitVectors(_ operation: String) throws -> Tensor {
        let (n, d) = (shape[0], shape[1])
        var values = try array(of: Float.self)
        for i in 0..<n {
            let norm = values[i * d..<(i + 1) * d].reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            guard norm > 0 else {
                throw TensorError.invalidArgument(
                    operation: operation, expected: "points other than the origin for cosine", actual: "point \(i)")
            }
            for k in i * d..<(i + 1) * d { values[k] = Float(Double(values[k]) / norm) }
        }
        return try Tensor(values, shape: [n, d], on: device)
    }
}
