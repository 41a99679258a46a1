import LossKitKernels

/// The minimum spanning tree of points under Euclidean distance.
public struct MinimumSpanningTree: Sendable {
    /// [n - 1, 2] int32: the ends i < j of each edge, the shortest edge first.
    public let edges: Tensor
    /// [n - 1]: the edges' lengths, differentiable with respect to the points; at length 0 the derivative is 0.
    ///
    /// They are also the deaths of the points' zero-dimensional persistent homology (all births are 0).
    public let lengths: Tensor
}

/// The minimum spanning tree of points [n, d], computed in float32 on the implicit complete graph: no matrix of distances is stored.
///
/// Ties are broken by the edges' indices, so the tree is unique and equal on every device.
/// The gradient of the lengths is that of the chosen edges: a subgradient where the tree changes.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` for anything but [n, d] with n >= 2,
///   ``TensorError/invalidArgument(operation:expected:actual:)`` naming the first point that is not finite.
public func minimumSpanningTree(_ points: Tensor) throws -> MinimumSpanningTree {
    guard try points.checked().rank == 2, points.shape[0] >= 2, points.dtype.isFloatingPoint else {
        throw TensorError.shapeMismatch(
            operation: "minimumSpanningTree", expected: "at least 2 floating-point points [n, d]", actual: [points.shape])
    }
    let (n, d) = (points.shape[0], points.shape[1])
    let single = try stopGradient(points).asType(.float32).packed().evaluated()
    if let row = try single.isFinite().all(axes: [1]).booleans().firstIndex(of: false) {
        throw TensorError.invalidArgument(operation: "minimumSpanningTree", expected: "finite coordinates", actual: "point \(row) is not")
    }
    let found = try SpanningTree.edges(n: n, d: d, points: single.slice(), on: single.device)
    let values = try single.array(of: Float.self)
    func squaredLength(_ edge: (Int32, Int32)) -> Float {
        (0..<d).reduce(0) { sum, k in
            let difference = values[Int(edge.0) * d + k] - values[Int(edge.1) * d + k]
            return sum + difference * difference
        }
    }
    let sorted = found.map { (squaredLength($0), $0.0, $0.1) }.sorted { $0 < $1 }
    let edges = try Tensor(sorted.flatMap { [$0.1, $0.2] }, shape: [sorted.count, 2], on: points.device)
    let ends = try [0, 1].map { end in try points.rows(at: edges.slice(axis: 1, from: end, to: end + 1).squeezed(axes: [1])) }
    return MinimumSpanningTree(edges: edges, lengths: try (ends[0] - ends[1]).norm(axes: [1]))
}
