import LossKitKernels

/// The minimum spanning tree of points.
public struct MinimumSpanningTree: Sendable {
    /// [n - 1, 2] int32: the ends i < j of each edge, the shortest edge first, edges of equal length by their indices.
    public let edges: Tensor
    /// [n - 1]: the edges' lengths, ascending, differentiable with respect to the points; at length 0 the derivative is 0.
    ///
    /// They are also the deaths of the points' zero-dimensional persistent homology (all births are 0).
    public let lengths: Tensor
}

/// The minimum spanning tree of points [n, d], computed in float32 on the implicit complete graph: no matrix of distances is stored.
///
/// Edges are ordered by (length, i, j), so the tree is unique and equal on every device, bit for bit.
/// The gradient of the lengths is that of the chosen edges: a subgradient where the tree changes.
/// - Parameters:
///   - points: [n, d] with n >= 2, floating point, finite.
///   - metric: What a length is; ``Metric/dot`` is none, and ``Metric/cosine`` needs points other than the origin.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` for anything but [n, d] with n >= 2,
///   ``TensorError/invalidArgument(operation:expected:actual:)`` naming the first point that is not finite, or an edge too long for float32.
/// - Note: Boruvka's algorithm; on the CPU with a hierarchy of boxes in up to eight dimensions. O(n d) memory.
public func minimumSpanningTree(_ points: Tensor, metric: Metric = .euclidean) throws -> MinimumSpanningTree {
    guard try points.checked().rank == 2, points.shape[0] >= 2, points.dtype.isFloatingPoint else {
        throw TensorError.shapeMismatch(
            operation: "minimumSpanningTree", expected: "at least 2 floating-point points [n, d]", actual: [points.shape])
    }
    let (n, d) = (points.shape[0], points.shape[1])
    let single = try stopGradient(points).asType(.float32).packed().evaluated()
    if let row = try single.isFinite().all(axes: [1]).booleans().firstIndex(of: false) {
        throw TensorError.invalidArgument(operation: "minimumSpanningTree", expected: "finite coordinates", actual: "point \(row) is not")
    }
    let kernel = try metric.treeMetric()
    let measured = metric == .cosine ? try single.unitVectors("minimumSpanningTree") : single
    let tree = try SpanningTree(kernel, n: n, d: d, points: measured.slice(), on: single.device)
    if let edge = tree.lengths.firstIndex(where: { !$0.isFinite }) {
        throw TensorError.invalidArgument(
            operation: "minimumSpanningTree", expected: "distances that float32 can hold",
            actual: "an infinite one between points \(tree.edges[2 * edge]) and \(tree.edges[2 * edge + 1])")
    }
    // Half the squared distance of unit vectors is one minus their cosine, without its cancellation.
    let lengths = metric == .cosine ? tree.lengths.map { $0 / 2 } : tree.lengths
    let ends = (0...1).map { end in stride(from: end, to: tree.edges.count, by: 2).map { Int(tree.edges[$0]) } }
    let value = try Tensor(lengths, on: points.device).asType(points.dtype)
    return MinimumSpanningTree(
        edges: try Tensor(tree.edges, shape: [n - 1, 2], on: points.device),
        lengths: Tensor.record("treeLengths", inputs: [points], output: value) { pullback in
            let cotangent = pullback.cotangent
            let places = try ends.map { try Tensor($0, on: points.device) }
            return [
                try gradient(at: points) { points in
                    try (metric.lengths(points.gatheredRows(places[0]), points.gatheredRows(places[1])) * cotangent).sum()
                }
            ]
        })
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
