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
/// - Throws: See ``minimumSpanningTree(_:metric:)``.
/// - Note: T-REGS: Minimum Spanning Tree Regularization for Self-Supervised Learning, 2025; the paper's weights are the defaults.
public func mstLengthRegularizer(_ points: Tensor, gamma: Double = 0.2, lambda: Double = 8e-4) throws -> Tensor {
    try requireShape(points, [nil, nil], "points", "mstLengthRegularizer")
    let n = Double(points.shape[0])
    let spread = try minimumSpanningTree(points).lengths.sum()
    let sphere = try (points.norm(axes: [1]) - 1).square().sum()
    return spread * (-gamma / n) + sphere * (lambda / n)
}

extension LossDescription {
    static let mstLengthRegularizerLoss = LossDescription(
        "mstLengthRegularizer", .topology, "Spreads embeddings out by the length of their spanning tree (T-REG)",
        reference: "T-REGS: Minimum Spanning Tree Regularization for Self-Supervised Learning, 2025",
        inputs: [.init("points", ["n", "d"])],
        options: [.number("gamma", 0.2), .number("lambda", 8e-4)],
        catalogue: ["t-regs-minimum-spanning-tree-regularization-for-self-supervised"]
    ) { try mstLengthRegularizer($0["points"], gamma: $0.number("gamma"), lambda: $0.number("lambda")) }
}
