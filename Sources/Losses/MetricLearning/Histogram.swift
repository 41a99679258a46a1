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
/// - Note: O(n d + bins) memory, time that grows with n^2 bins. `HistogramLoss` of pytorch-metric-learning. Ustinova and Lempitsky,
///   Learning Deep Embeddings with Histogram Loss, 2016.
public func histogramLoss(embeddings: Tensor, labels: Tensor, bins: Int = 100) throws -> Tensor {
    try require(bins >= 1, "histogramLoss", "a bin or more", bins)
    let batch = try PairBatch(embeddings, labels, distance: .squaredEuclidean, "histogramLoss")
    let nodes = try Tensor.arange(to: Double(bins + 1), dtype: .float32, on: embeddings.device).reshaped([bins + 1, 1, 1])
    let counts = try batch.added { pairs in
        // From alike to unlike, as 1 - cos is half the squared distance: of near pairs that keeps every digit.
        let place = (pairs.far * (Double(bins) / 4)).clamped(max: Double(bins))
        let share = (1 - (place - nodes).absolute()).relu()
        func histogram(_ mask: Tensor) throws -> Tensor { try Tensor.select(mask, share, place.constant(0)).sum(axes: [1, 2]) }
        return try Tensor.stack([histogram(pairs.isPositive), histogram(pairs.isNegative)])
    }
    let (positives, negatives) = batch.labels.pairCounts
    let nearer = try (counts[1] / Double(max(1, negatives))).cumulativeSum()
    return try (counts[0] / Double(max(1, positives)) * nearer).sum().asType(embeddings.dtype)
}

extension LossDescription {
    static let histogramLossLoss = LossDescription(
        "histogramLoss", .metricLearning, "How often a negative pair is more alike than a positive one",
        reference: "Ustinova and Lempitsky, Learning Deep Embeddings with Histogram Loss, 2016", inputs: Input.labelledBatch,
        options: [.integer("bins", 100)]
    ) { try histogramLoss(embeddings: $0["embeddings"], labels: $0["labels"], bins: $0.integer("bins")) }
}
