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
/// - Note: O(n d) memory. Qin et al., Meta-optimized Contrastive Learning for Sequential Recommendation, 2023.
public func metaContrastive(
    first: Tensor, second: Tensor, temperature: Double = 1, regularization: Double = 0.1
) throws -> Tensor {
    try requireViews(first, second, rows: 2, "metaContrastive")
    try require(temperature > 0, "metaContrastive", "temperature > 0", temperature)
    let n = first.shape[0]
    let z = try Tensor.concatenate([first.inArithmetic(), second.inArithmetic()])
    // Of each row its contrast, by how much its partner exceeds the hardest of the others, and what others lack.
    let terms = try RowBlocks(rows: 2 * n, columns: 2 * n, beside: z).joined([z], [z]) { range, rows, columns in
        let similarity = try rows[0].matmul(columns[0].transposed()) / temperature
        let places = try Tensor.places(range, columns: 2 * n, beside: z)
        let apart = places.row - places.column
        let isOwn = apart .== 0
        let isPartner = (apart .== Double(n)) .|| (apart .== -Double(n))
        let (isPair, zero, nothing) = (isOwn .|| isPartner, try similarity.constant(0), try similarity.constant(-.infinity))
        let partners = try Tensor(range.map { ($0 + n) % (2 * n) }, on: z.device)
        let contrast = try crossEntropy(logits: Tensor.select(isOwn, nothing, similarity), targets: partners, reduction: .none)
        let own = try Tensor.select(isPartner, similarity, zero).sum(axes: [1], keepDimensions: true)
        let hardest = try Tensor.select(isPair, nothing, similarity).max(axes: [1], keepDimensions: true)
        let below = Tensor.select(isPair, zero, Tensor.maximum(own, hardest) - similarity).relu()
        return try Tensor.concatenate(
            [contrast.expandedDimensions(at: 1), own - Tensor.minimum(own, hardest), below.mean(axes: [1], keepDimensions: true)], axis: 1)
    }.mean(axes: [0])
    let spread = terms[2] * (Double(2 * n) / Double(2 * n - 2))
    return (terms[0] + (terms[1] + spread) * regularization).asType(first.dtype)
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
