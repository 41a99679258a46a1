import LossKitOps

/// Margin loss: positives nearer than a boundary less a margin, negatives farther than it and a margin.
///
/// Over all triplets, the sum of `max(0, d_ap - beta_a + margin) + max(0, beta_a - d_an + margin)`, divided by how many of these terms are
/// above 0.
///
/// - Parameters:
///   - embeddings: [n, d].
///   - labels: [n], integers.
///   - boundaries: [n], learned: beta of each anchor, such as its class's; `beta` for all where nil. Add `nu boundaries.mean()` to hold
///     them down.
///   - margin: In units of the distance.
///   - beta: In units of the distance.
///   - distance: Between embeddings; for similarities the signs are the other way round.
/// - Returns: A scalar; 0 where there is no triplet.
/// - Throws: Shape and type mismatches.
/// - Note: A pair stands in as many triplets as its anchor has pairs of the other kind, so that triplets are counted, not formed: memory
///   grows with n^2. `MarginLoss` of pytorch-metric-learning. Wu et al., Sampling Matters in Deep Embedding Learning, 2017.
public func marginLoss(
    embeddings: Tensor, labels: Tensor, boundaries: Tensor? = nil, margin: Double = 0.2, beta: Double = 1.2,
    distance: EmbeddingDistance = .euclidean
) throws -> Tensor {
    let pairs = try EmbeddingPairs(embeddings, labels, distance: distance, "marginLoss")
    if let boundaries {
        try requireShape(boundaries, [embeddings.shape[0]], "boundaries", "marginLoss")
        try requireFloatingPoint(boundaries, "marginLoss")
    }
    let boundary = try (boundaries?.widened.expandedDimensions(at: 1) ?? pairs.far.constant(beta)) * distance.sign
    let zero = try pairs.far.constant(0)
    let near = Tensor.select(pairs.isPositive, (pairs.far - boundary + margin).relu(), zero)
    let far = Tensor.select(pairs.isNegative, (boundary - pairs.far + margin).relu(), zero)
    func counted(_ mask: Tensor) throws -> Tensor { try mask.asType(zero.dtype).sum(axes: [1], keepDimensions: true) }
    let (positives, negatives) = (try counted(pairs.isPositive), try counted(pairs.isNegative))
    let sum = try (near.sum(axes: [1], keepDimensions: true) * negatives + far.sum(axes: [1], keepDimensions: true) * positives).sum()
    let active = try (counted(near .> 0) * negatives + counted(far .> 0) * positives).sum()
    return (sum / active.clamped(min: 1)).asType(embeddings.dtype)
}

extension LossDescription {
    static let marginLossLoss = LossDescription(
        "marginLoss", .metricLearning, "Positives and negatives on their sides of a learned boundary",
        reference: "Wu et al., Sampling Matters in Deep Embedding Learning, 2017",
        inputs: Input.labelledBatch + [.init("boundaries", ["n"], .real(0.5...1.5), isOptional: true)],
        options: [.number("margin", 0.2), .number("beta", 1.2)] + Option.distance(.euclidean)
    ) {
        try marginLoss(
            embeddings: $0["embeddings"], labels: $0["labels"], boundaries: $0.optional("boundaries"), margin: $0.number("margin"),
            beta: $0.number("beta"), distance: $0.distance())
    }
}
