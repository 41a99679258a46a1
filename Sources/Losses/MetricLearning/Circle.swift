import LossKitOps

/// Circle loss: every similarity weighted by how far it is from its optimum, which bends the decision boundary into a circle.
///
/// `softplus(log sum_n exp(gamma alpha_n (s_n - margin)) + log sum_p exp(-gamma alpha_p (s_p - 1 + margin)))` with `alpha_p = max(0, 1 +
/// margin - s_p)` and `alpha_n = max(0, s_n + margin)`, which are held. Gradient, with Z = 1 - exp(-L): `Z softmax_n gamma alpha_n` at
/// negatives, `-Z softmax_p gamma alpha_p` at positives.
///
/// - Parameters:
///   - embeddings: [n, d]; their cosines are compared.
///   - labels: [n], integers.
///   - references: Embeddings to compare with in place of the batch itself.
///   - margin: The relaxation m, in 0 ..< 1: 0.25 for faces and persons, 0.4 for fine-grained retrieval.
///   - gamma: The scale, above 0: 256 for faces, 128 for persons, 80 for retrieval.
///   - miner: Which pairs count.
///   - reducer: Over anchors.
/// - Returns: A scalar; an anchor without a positive or without a negative has loss 0.
/// - Throws: Shape and type mismatches, options out of range.
/// - Note: O(n d) memory. `CircleLoss` of pytorch-metric-learning. Sun et al., Circle Loss: A Unified Perspective of Pair Similarity
///   Optimization, 2020.
public func circle(
    embeddings: Tensor, labels: Tensor, references: References? = nil, margin: Double = 0.4, gamma: Double = 80, miner: PairMiner = .all,
    reducer: Reducer = .nonZeroMean
) throws -> Tensor {
    let options = try CircleOptions(margin: margin, gamma: gamma, "circle")
    let batch = try PairBatch(embeddings, labels, references: references, distance: .cosine, miner: miner, "circle")
    let elements = try batch.perAnchor { pairs in
        let near = try options.positive(-pairs.far).logSumExp(where: pairs.isPositive)
        let far = try options.negative(-pairs.far).logSumExp(where: pairs.isNegative)
        return (near + far).softplus()
    }
    return try batch.reduce(elements, reducer)
}

/// Circle loss of class weights: a row's cosine with its own class against those with all others.
///
/// As ``circle(embeddings:labels:references:margin:gamma:miner:reducer:)`` with the one positive `cos(x, w_y)` and the negatives `cos(x,
/// w_k)`.
///
/// - Parameters:
///   - embeddings: [n, d].
///   - weights: [C, d], a direction for each class, C >= 2.
///   - targets: [n], integers.
///   - margin: In 0 ..< 1.
///   - gamma: Above 0.
///   - reduction: Over rows.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches; options out of
///   range.
/// - Note: Sun et al., Circle Loss: A Unified Perspective of Pair Similarity Optimization, 2020.
public func classCircle(
    embeddings: Tensor, weights: Tensor, targets: Tensor, margin: Double = 0.25, gamma: Double = 256, reduction: Reduction = .mean
) throws -> Tensor {
    let options = try CircleOptions(margin: margin, gamma: gamma, "classCircle")
    try requireShape(embeddings, [nil, nil], "embeddings", "classCircle")
    try requireFloatingPoint(embeddings, "classCircle")
    try requireShape(weights, [nil, embeddings.shape[1]], "class weights", "classCircle")
    try requireFloatingPoint(weights, "classCircle")
    let cosines = try EmbeddingDistance.cosine(embeddings, weights)
    let rows = try ClassTargets(targets, beside: cosines, "classCircle")
    let others = try rows.others(options.negative(cosines), own: -1e30).logSumExp(axes: [1])
    return try reduction((others + options.positive(rows.pick(cosines))).softplus()).asType(embeddings.dtype)
}

/// The two scaled, self-weighted deviations of the circle loss.
private struct CircleOptions: Sendable {
    let margin: Double
    let gamma: Double

    init(margin: Double, gamma: Double, _ operation: String) throws {
        try require((0..<1).contains(margin), operation, "margin in 0 ..< 1", margin)
        try require(gamma > 0, operation, "gamma > 0", gamma)
        (self.margin, self.gamma) = (margin, gamma)
    }

    func positive(_ similarity: Tensor) -> Tensor {
        let weight = (1 + margin - stopGradient(similarity)).relu() * -gamma
        return weight * (similarity - (1 - margin))
    }

    func negative(_ similarity: Tensor) -> Tensor {
        let weight = (stopGradient(similarity) + margin).relu() * gamma
        return weight * (similarity - margin)
    }
}

extension LossDescription {
    private static let circlePaper = "Sun et al., Circle Loss: A Unified Perspective of Pair Similarity Optimization, 2020"
    private static let circleRow = ["circle-loss-a-unified-perspective-of-pair-similarity-optimization"]

    static let circleLoss = LossDescription(
        "circle", .metricLearning, "Similarities weighted by how far they are from their optimum", reference: circlePaper,
        inputs: Input.labelledBatch + Input.references,
        options: [.number("margin", 0.4), .number("gamma", 80)] + Option.miner + [.reducer(.nonZeroMean)], catalogue: circleRow
    ) {
        try circle(
            embeddings: $0["embeddings"], labels: $0["labels"], references: $0.references(), margin: $0.number("margin"),
            gamma: $0.number("gamma"), miner: $0.miner(), reducer: $0.reducer())
    }

    static let classCircleLoss = LossDescription(
        "classCircle", .metricLearning, "The circle loss of cosines with class weights", reference: circlePaper,
        inputs: [.init("embeddings", ["n", "d"]), .init("weights", ["classes", "d"]), .init("targets", ["n"], .classes("classes"))],
        options: [.number("margin", 0.25), .number("gamma", 256), .reduction], catalogue: circleRow
    ) {
        try classCircle(
            embeddings: $0["embeddings"], weights: $0["weights"], targets: $0["targets"], margin: $0.number("margin"),
            gamma: $0.number("gamma"), reduction: $0.reduction())
    }
}
