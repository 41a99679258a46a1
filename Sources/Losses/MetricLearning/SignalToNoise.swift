import LossKitOps

/// Signal-to-noise contrastive loss: the contrastive loss of the distance `var(x_a - x_b) / var(x_a)`.
///
/// As ``contrastive(embeddings:labels:references:positiveMargin:negativeMargin:distance:miner:reducer:)``, and
/// ``EmbeddingDistance/signalToNoise``, which serves every loss that takes a distance.
///
/// - Parameters:
///   - embeddings: [n, d].
///   - labels: [n], integers.
///   - positiveMargin: In units of the distance.
///   - negativeMargin: In units of the distance.
///   - reducer: Over pairs.
/// - Returns: A scalar; a kind of which there is no pair adds 0.
/// - Throws: Shape and type mismatches.
/// - Note: Yuan et al., Signal-to-Noise Ratio: A Robust Distance Metric for Deep Metric Learning, 2019.
public func signalToNoiseContrastive(
    embeddings: Tensor, labels: Tensor, positiveMargin: Double = 0, negativeMargin: Double = 1, reducer: Reducer = .nonZeroMean
) throws -> Tensor {
    try contrastive(
        embeddings: embeddings, labels: labels, positiveMargin: positiveMargin, negativeMargin: negativeMargin, distance: .signalToNoise,
        reducer: reducer)
}

extension LossDescription {
    static let signalToNoiseContrastiveLoss = LossDescription(
        "signalToNoiseContrastive", .metricLearning, "The contrastive loss of signal-to-noise distances",
        reference: "Yuan et al., Signal-to-Noise Ratio: A Robust Distance Metric for Deep Metric Learning, 2019",
        inputs: Input.labelledBatch,
        options: [.number("positiveMargin", 0), .number("negativeMargin", 1), .reducer(.nonZeroMean)]
    ) {
        try signalToNoiseContrastive(
            embeddings: $0["embeddings"], labels: $0["labels"], positiveMargin: $0.number("positiveMargin"),
            negativeMargin: $0.number("negativeMargin"), reducer: $0.reducer())
    }
}
