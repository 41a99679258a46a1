import LossKitOps

/// Two views of a batch that agree and whose spanning trees are long: self-supervised learning by spanning trees (T-REGS).
///
/// `beta (1 / n) sum_i |z_i - z'_i|^2 + T(z) + T(z')`, T being ``mstLengthRegularizer(_:gamma:lambda:)``.
///
/// - Parameters:
///   - first: [n, d] with n >= 2, embeddings of one view.
///   - second: [n, d], of the other.
///   - beta: Weight of the agreement.
///   - gamma: Weight of the trees.
///   - lambda: Weight of the sphere.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``; see ``minimumSpanningTree(_:metric:)``.
/// - Note: T-REGS: Minimum Spanning Tree Regularization for Self-Supervised Learning, 2025; the paper's weights are the defaults.
public func tregs(first: Tensor, second: Tensor, beta: Double = 10, gamma: Double = 0.2, lambda: Double = 8e-4) throws -> Tensor {
    try requireEqualShapes(first, second, "tregs")
    try requireShape(first, [nil, nil], "embeddings", "tregs")
    let agreement = try (first - second).square().sum() * (beta / Double(max(1, first.shape[0])))
    return try agreement + mstLengthRegularizer(first, gamma: gamma, lambda: lambda)
        + mstLengthRegularizer(second, gamma: gamma, lambda: lambda)
}

extension LossDescription {
    static let tregsLoss = LossDescription(
        "tregs", .topology, "Two views that agree and are spread out by the length of their spanning trees (T-REGS)",
        reference: "T-REGS: Minimum Spanning Tree Regularization for Self-Supervised Learning, 2025",
        inputs: [.init("first", ["n", "d"]), .init("second", ["n", "d"])],
        options: [.number("beta", 10), .number("gamma", 0.2), .number("lambda", 8e-4)],
        catalogue: ["t-regs-minimum-spanning-tree-regularization-for-self-supervised"]
    ) {
        try tregs(
            first: $0["first"], second: $0["second"], beta: $0.number("beta"), gamma: $0.number("gamma"), lambda: $0.number("lambda"))
    }
}
