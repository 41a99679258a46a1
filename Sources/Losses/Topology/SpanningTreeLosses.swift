import LossKitOps

/// Minus the length of the points' minimum spanning tree per point, with a soft pull to the unit sphere: a regulariser that spreads embeddings out (T-REG).
///
/// `-(gamma / n) sum over edges |x_i - x_j| + (lambda / n) sum_i (|x_i| - 1)^2`. The tree's length is the total zero-dimensional persistence.
/// Gradient: `-(gamma / n)` times the unit vectors along each point's edges, plus `(2 lambda / n) (1 - 1 / |x_i|) x_i`; the tree is held fixed.
///
/// - Parameters:
///   - points: [n, d] with n >= 2, floating point, finite.
///   - gamma: Weight of the spread.
///   - lambda: Weight of the sphere.
/// - Throws: See ``minimumSpanningTree(_:)``.
/// - Note: T-REGS: Minimum Spanning Tree Regularization for Self-Supervised Learning, 2025; the paper's weights are the defaults.
public func mstLengthRegularizer(_ points: Tensor, gamma: Double = 0.2, lambda: Double = 8e-4) throws -> Tensor {
    let n = Double(try points.checked().shape.first ?? 0)
    let spread = try minimumSpanningTree(points).lengths.sum()
    let sphere = try (points.norm(axes: [1]) - 1).square().sum()
    return spread * (-gamma / n) + sphere * (lambda / n)
}

/// The length of the points' minimum spanning tree, each edge to a power: the total persistence of their connected components.
///
/// `sum over edges |x_i - x_j|^power`; gradient `power |x_i - x_j|^(power - 2) (x_i - x_j)` along each edge, the tree held fixed.
///
/// - Parameters:
///   - points: [n, d] with n >= 2, floating point, finite.
///   - power: At least 1.
/// - Throws: See ``minimumSpanningTree(_:)``.
public func mstLength(_ points: Tensor, power: Double = 1) throws -> Tensor {
    try require(power >= 1, "mstLength", "power >= 1", power)
    let lengths = try minimumSpanningTree(points).lengths
    return try (power == 1 ? lengths : lengths.power(power)).sum()
}

/// Topological signature loss between a space and its embedding: the edges that connect either one should have the same length in the other.
///
/// `1/2 sum over MST(X) (|x_i - x_j| - |z_i - z_j|)^2 + 1/2 sum over MST(Z) (same)`; the trees are held fixed.
///
/// - Parameters:
///   - inputs: [n, d] with n >= 2, floating point, finite.
///   - embeddings: [n, e].
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` where the numbers of points differ; see ``minimumSpanningTree(_:)``.
/// - Note: Moor, Horn, Rieck and Borgwardt, Topological Autoencoders, 2020, equations 3 and 4.
public func topologicalAutoencoder(inputs: Tensor, embeddings: Tensor) throws -> Tensor {
    guard try inputs.checked().rank == 2, try embeddings.checked().rank == 2, inputs.shape[0] == embeddings.shape[0] else {
        throw TensorError.shapeMismatch(
            operation: "topologicalAutoencoder", expected: "inputs [n, d] and embeddings [n, e]", actual: [inputs.shape, embeddings.shape])
    }
    func mismatch(_ edges: Tensor) throws -> Tensor {
        func lengths(_ points: Tensor) throws -> Tensor {
            let ends = try [0, 1].map { try points.rows(at: edges.slice(axis: 1, from: $0, to: $0 + 1).squeezed(axes: [1])) }
            return try (ends[0] - ends[1]).norm(axes: [1])
        }
        return try (lengths(inputs) - lengths(embeddings)).square().sum() * 0.5
    }
    return try mismatch(minimumSpanningTree(inputs).edges) + mismatch(minimumSpanningTree(embeddings).edges)
}
