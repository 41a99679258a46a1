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
/// - Note: A pair stands in as many triplets as its anchor has pairs of the other kind, so that triplets are counted, not formed: O(n d)
///   memory. `MarginLoss` of pytorch-metric-learning. Wu et al., Sampling Matters in Deep Embedding Learning, 2017.
public func marginLoss(
    embeddings: Tensor, labels: Tensor, boundaries: Tensor? = nil, margin: Double = 0.2, beta: Double = 1.2,
    distance: EmbeddingDistance = .euclidean
) throws -> Tensor {
    let batch = try PairBatch(embeddings, labels, distance: distance, "marginLoss")
    if let boundaries {
        try requireShape(boundaries, [embeddings.shape[0]], "boundaries", "marginLoss")
        try requireFloatingPoint(boundaries, "marginLoss")
    }
    let boundary = try boundaries?.inArithmetic().expandedDimensions(at: 1) ?? .full([embeddings.shape[0], 1], beta, on: embeddings.device)
    func counted(_ numbers: [Int]) throws -> Tensor {
        try Tensor(numbers.map { Float($0) }, shape: [numbers.count, 1], on: embeddings.device)
    }
    let positives = batch.labels.positives
    let negatives = batch.labels.classes.map { batch.labels.count - batch.labels.counts[$0] }
    // The sum, and how many terms it has.
    let parts = try batch.added([boundary * distance.sign, counted(positives), counted(negatives)]) { pairs in
        let (boundary, positives, negatives) = (pairs.ofAnchors[0], pairs.ofAnchors[1], pairs.ofAnchors[2])
        let zero = try pairs.far.constant(0)
        let near = Tensor.select(pairs.isPositive, (pairs.far - boundary + margin).relu() * negatives, zero)
        let far = Tensor.select(pairs.isNegative, (boundary - pairs.far + margin).relu() * positives, zero)
        let active = Tensor.select(near .> 0, negatives, zero) + Tensor.select(far .> 0, positives, zero)
        return try Tensor.stack([(near + far).sum(), active.sum()])
    }
    return (parts[0] / parts[1].clamped(min: 1)).asType(embeddings.dtype)
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
