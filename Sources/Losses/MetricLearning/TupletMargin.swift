import LossKitOps

/// Tuplet margin loss: a positive's cosine, its angle eased by a margin, above those of all negatives together.
///
/// Over positive pairs `log(1 + sum_n exp(scale (cos theta_an - cos(theta_ap - margin))))`. Gradient: a softmax over the negatives.
///
/// - Parameters:
///   - embeddings: [n, d]; their cosines are compared.
///   - labels: [n], integers.
///   - margin: In degrees.
///   - scale: Above 0.
///   - miner: Which pairs count.
///   - reducer: Over positive pairs, both orders of each.
/// - Returns: A scalar; a pair without negatives has loss 0.
/// - Throws: Shape and type mismatches, a scale of 0 or below.
/// - Note: O(n d) memory. Sines are taken from the lengths of sums and differences, so that no angle is formed and derivatives stay finite
///   at 0. `TupletMarginLoss` of pytorch-metric-learning. Yu and Tao, Deep Metric Learning with Tuplet Margin Loss, 2019.
public func tupletMargin(
    embeddings: Tensor, labels: Tensor, margin: Double = 5.73, scale: Double = 64, miner: PairMiner = .all, reducer: Reducer = .mean
) throws -> Tensor {
    try require(scale > 0, "tupletMargin", "scale > 0", scale)
    let batch = try PairBatch(embeddings, labels, distance: .cosine, miner: miner, "tupletMargin")
    return try batch.reduce(reducer) { pairs in
        let chord = try pairwiseDistance(pairs.anchors, pairs.others)
        // 1 less the cosine, and the sine.
        let (gap, sine) = (chord.square() * 0.5, try chord * pairwiseDistance(pairs.anchors, -pairs.others) * 0.5)
        let angle = try chord.constant(margin * .pi / 180)
        let eased = gap * angle.cos() - sine * angle.sin() + (angle * 0.5).sin().square() * 2
        let others = try (gap * -scale).logSumExp(where: pairs.isNegative)
        return [((others + eased * scale).softplus(), where: pairs.isPositive)]
    }
}

extension LossDescription {
    static let tupletMarginLoss = LossDescription(
        "tupletMargin", .metricLearning, "A positive's cosine, eased by an angle, above those of all negatives",
        reference: "Yu and Tao, Deep Metric Learning with Tuplet Margin Loss, 2019", inputs: Input.labelledBatch,
        options: [.number("margin", 5.73), .number("scale", 64)] + Option.miner + [.reducer(.mean)]
    ) {
        try tupletMargin(
            embeddings: $0["embeddings"], labels: $0["labels"], margin: $0.number("margin"), scale: $0.number("scale"),
            miner: $0.miner(), reducer: $0.reducer())
    }
}
