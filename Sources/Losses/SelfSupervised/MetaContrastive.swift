import LossKitOps

/// MCLRec's contrast of two views with its margin regulariser.
///
/// Of all 2n rows z of both views and `s = z_i . z_j / temperature`, each row picks its partner among all but itself (NT-Xent over plain
/// products). Of row r's partner's similarity p and its others', the largest of which is m, the regulariser adds
/// `mean max(0, p - min(p, m)) + mean max(0, max(p, m) - others)`. Subgradients flow through both.
///
/// - Parameters:
///   - first: [n, d], floating point, n >= 2.
///   - second: [n, d].
///   - temperature: Above 0.
///   - regularization: Weight of the regulariser.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Qin et al., Meta-optimized Contrastive Learning for Sequential Recommendation, 2023.
public func metaContrastive(
    first: Tensor, second: Tensor, temperature: Double = 1, regularization: Double = 0.1
) throws -> Tensor {
    try requireViews(first, second, rows: 2, "metaContrastive")
    try require(temperature > 0, "metaContrastive", "temperature > 0", temperature)
    let n = first.shape[0]
    let z = try Tensor.concatenate([first.widened, second.widened])
    let similarity = try z.matmul(z.swappingAxes(0, 1)) / temperature
    let rows = try Tensor.arange(to: Double(2 * n), on: z.device)
    let partners = try Tensor.concatenate([rows[n..<2 * n], rows[0..<n]])
    let isOwn = try rows.expandedDimensions(at: 1) .== rows
    let isPartner = try partners.expandedDimensions(at: 1) .== rows
    let nothing = try similarity.constant(-.infinity)
    let contrast = try crossEntropy(logits: Tensor.select(isOwn, nothing, similarity), targets: partners)
    let own = try Tensor.select(isPartner, similarity, similarity.constant(0)).sum(axes: [1], keepDimensions: true)
    let isOther = isOwn .|| isPartner
    let hardest = try Tensor.select(isOther, nothing, similarity).max(axes: [1], keepDimensions: true)
    let above = try (own - Tensor.minimum(own, hardest)).mean()
    let below = try Tensor.select(isOther, similarity.constant(0), Tensor.maximum(own, hardest) - similarity).relu().sum()
    let spread = below / Double(2 * n * (2 * n - 2))
    return (contrast + (above + spread) * regularization).asType(first.dtype)
}

extension LossDescription {
    static let metaContrastiveLoss = LossDescription(
        "metaContrastive", .selfSupervised, "MCLRec: product contrast of two views with a margin regulariser",
        reference: "Qin et al., Meta-optimized Contrastive Learning for Sequential Recommendation, 2023",
        inputs: [.init("first", ["n", "d"]), .init("second", ["n", "d"])],
        options: [.number("temperature", 1), .number("regularization", 0.1)],
        catalogue: ["meta-optimized-contrastive-learning-for-sequential-recommendation"]
    ) {
        try metaContrastive(
            first: $0["first"], second: $0["second"], temperature: $0.number("temperature"),
            regularization: $0.number("regularization"))
    }
}
