import LossKitOps

/// Multi-similarity loss: soft thresholds on an anchor's positives and negatives, weighted by all other pairs of the anchor.
///
/// `1/alpha log(1 + sum_p exp(-alpha (s_ap - base))) + 1/beta log(1 + sum_n exp(beta (s_an - base)))`. Gradient, the pairs' weights:
/// `-exp(-alpha (s_ap - base)) / (1 + sum_p ...)` at positives, `exp(beta (s_an - base)) / (1 + sum_n ...)` at negatives.
///
/// - Parameters:
///   - embeddings: [n, d].
///   - labels: [n], integers.
///   - references: Embeddings to compare with in place of the batch itself.
///   - alpha: Above 0, the exponent of positives.
///   - beta: Above 0, the exponent of negatives; 40 in the authors' code.
///   - base: The threshold.
///   - distance: Between embeddings; for distances the signs are the other way round.
///   - miner: Which pairs count; the authors use ``PairMiner/multiSimilarity(epsilon:)`` with 0.1.
///   - reducer: Over anchors.
/// - Returns: A scalar; an anchor without pairs that count has loss 0, and counts in the mean.
/// - Throws: Shape and type mismatches, options out of range.
/// - Note: O(n d) memory. `MultiSimilarityLoss` of pytorch-metric-learning. Wang et al., Multi-Similarity Loss with General Pair Weighting
///   for Deep Metric Learning, 2019.
public func multiSimilarity(
    embeddings: Tensor, labels: Tensor, references: References? = nil, alpha: Double = 2, beta: Double = 50, base: Double = 0.5,
    distance: EmbeddingDistance = .cosine, miner: PairMiner = .all, reducer: Reducer = .mean
) throws -> Tensor {
    try require(alpha > 0 && beta > 0, "multiSimilarity", "alpha and beta above 0", (alpha, beta))
    let batch = try PairBatch(embeddings, labels, references: references, distance: distance, miner: miner, "multiSimilarity")
    let elements = try batch.perAnchor { pairs in
        let apart = pairs.far - pairs.sign * base
        let near = try (apart * alpha).logSumExp(where: pairs.isPositive).softplus() / alpha
        let far = try (apart * -beta).logSumExp(where: pairs.isNegative).softplus() / beta
        return near + far
    }
    return try batch.reduce(elements, reducer)
}

extension LossDescription {
    static let multiSimilarityLoss = LossDescription(
        "multiSimilarity", .metricLearning, "Soft thresholds on an anchor's positives and negatives, weighted by its other pairs",
        reference: "Wang et al., Multi-Similarity Loss with General Pair Weighting for Deep Metric Learning, 2019",
        inputs: Input.labelledBatch + Input.references,
        options: [.number("alpha", 2), .number("beta", 50), .number("base", 0.5)] + Option.distance(.cosine) + Option.miner
            + [.reducer(.mean)],
        catalogue: ["multi-similarity-loss-with-general-pair-weighting-for-deep"]
    ) {
        try multiSimilarity(
            embeddings: $0["embeddings"], labels: $0["labels"], references: $0.references(), alpha: $0.number("alpha"),
            beta: $0.number("beta"), base: $0.number("base"), distance: $0.distance(), miner: $0.miner(), reducer: $0.reducer())
    }
}
