import LossKitOps

/// Ranked list loss: an anchor's positives within a ball, its negatives beyond a larger one, the worst weighted most.
///
/// `(1 - imbalance) P + imbalance N`: P the mean of `d - (alpha - margin)` over positives beyond `alpha - margin`, weighted by
/// `exp(positiveTemperature (d - alpha + margin))`; N that of `alpha - d` over negatives within alpha, weighted by
/// `exp(negativeTemperature (alpha - d))`. Gradient: through the weights, too.
///
/// - Parameters:
///   - embeddings: [n, d].
///   - labels: [n], integers.
///   - margin: Between the two balls.
///   - negativeTemperature: Tn; 0 weights all alike.
///   - imbalance: In 0...1.
///   - alpha: The radius negatives should keep; `1 + margin / 2` where nil.
///   - positiveTemperature: Tp; 0 weights all alike.
///   - distance: Between embeddings, no similarity.
///   - reducer: Over anchors.
/// - Returns: A scalar; a kind of which an anchor has nothing out of place adds 0.
/// - Throws: Shape and type mismatches, options out of range.
/// - Note: O(n d) memory. Weights are normalised as a softmax, without the 1e-5 that pytorch-metric-learning's `RankedListLoss` adds to
///   each. Wang et al., Ranked List Loss for Deep Metric Learning, 2019.
public func rankedList(
    embeddings: Tensor, labels: Tensor, margin: Double = 0.4, negativeTemperature: Double = 10, imbalance: Double = 0.5,
    alpha: Double? = nil, positiveTemperature: Double = 0, distance: EmbeddingDistance = .euclidean, reducer: Reducer = .mean
) throws -> Tensor {
    try require((0...1).contains(imbalance), "rankedList", "imbalance in 0...1", imbalance)
    try require(!distance.isSimilarity, "rankedList", "a distance", distance.measure)
    let batch = try PairBatch(embeddings, labels, distance: distance, "rankedList")
    let radius = alpha ?? 1 + margin / 2
    @Sendable func weighted(_ excess: Tensor, _ mask: Tensor, temperature: Double) throws -> Tensor {
        let counted = mask .&& (excess .> 0)
        let scores = excess * temperature
        let total = try scores.logSumExp(where: counted)
        let weights = try Tensor.select(counted, scores - total, excess.constant(-1e30)).exp()
        return try (weights * excess).sum(axes: [1])
    }
    let elements = try batch.perAnchor { pairs in
        let near = try weighted(pairs.far - (radius - margin), pairs.isPositive, temperature: positiveTemperature)
        let far = try weighted(radius - pairs.far, pairs.isNegative, temperature: negativeTemperature)
        return near * (1 - imbalance) + far * imbalance
    }
    return try batch.reduce(elements, reducer)
}

extension LossDescription {
    static let rankedListLoss = LossDescription(
        "rankedList", .metricLearning, "Positives within a ball, negatives beyond a larger one, the worst weighted most",
        reference: "Wang et al., Ranked List Loss for Deep Metric Learning, 2019", inputs: Input.labelledBatch,
        options: [
            .number("margin", 0.4), .number("negativeTemperature", 10), .number("imbalance", 0.5), .number("alpha", nil),
            .number("positiveTemperature", 0),
        ] + Option.distance(.euclidean) + [.reducer(.mean)]
    ) {
        try rankedList(
            embeddings: $0["embeddings"], labels: $0["labels"], margin: $0.number("margin"),
            negativeTemperature: $0.number("negativeTemperature"), imbalance: $0.number("imbalance"), alpha: $0.optionalNumber("alpha"),
            positiveTemperature: $0.number("positiveTemperature"), distance: $0.distance(), reducer: $0.reducer())
    }
}
