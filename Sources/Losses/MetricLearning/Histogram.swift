import LossKitOps

/// Histogram loss: how often a negative pair is more alike than a positive one, from soft histograms of their cosines.
///
/// `sum_r h-_r sum_{q <= r} h+_q`, h the shares of pairs at the nodes `-1 + 2 r / bins`, each pair split between its two neighbouring nodes
/// in proportion. Gradient: piecewise constant in each cosine.
///
/// - Parameters:
///   - embeddings: [n, d]; their cosines are compared.
///   - labels: [n], integers.
///   - bins: At least 1.
/// - Returns: A scalar in 0...1; 0 where there is no positive or no negative pair.
/// - Throws: Shape and type mismatches, a number of bins below 1.
/// - Note: A function of all pairs' cosines: memory grows with n^2, time with n^2 bins. `HistogramLoss` of pytorch-metric-learning.
///   Ustinova and Lempitsky, Learning Deep Embeddings with Histogram Loss, 2016.
public func histogramLoss(embeddings: Tensor, labels: Tensor, bins: Int = 100) throws -> Tensor {
    try require(bins >= 1, "histogramLoss", "a bin or more", bins)
    let pairs = try EmbeddingPairs(embeddings, labels, distance: .squaredEuclidean, "histogramLoss")
    // From alike to unlike, as 1 - cos is half the squared distance: of near pairs that keeps every digit.
    let place = (pairs.far * (Double(bins) / 4)).clamped(max: Double(bins))
    let nodes = try Tensor.arange(to: Double(bins + 1), dtype: .float32, on: embeddings.device).reshaped([bins + 1, 1, 1])
    let share = (1 - (place - nodes).absolute()).relu()
    func histogram(_ mask: Tensor) throws -> Tensor {
        let counts = try Tensor.select(mask, share, place.constant(0)).sum(axes: [1, 2])
        return try counts / mask.asType(place.dtype).sum().clamped(min: 1)
    }
    let nearer = try histogram(pairs.isNegative).cumulativeSum()
    return try (histogram(pairs.isPositive) * nearer).sum().asType(embeddings.dtype)
}

extension LossDescription {
    static let histogramLossLoss = LossDescription(
        "histogramLoss", .metricLearning, "How often a negative pair is more alike than a positive one",
        reference: "Ustinova and Lempitsky, Learning Deep Embeddings with Histogram Loss, 2016", inputs: Input.labelledBatch,
        options: [.integer("bins", 100)]
    ) { try histogramLoss(embeddings: $0["embeddings"], labels: $0["labels"], bins: $0.integer("bins")) }
}
