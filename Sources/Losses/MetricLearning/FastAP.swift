import LossKitOps

/// FastAP: the average precision of ranking a batch by distance from each anchor, from soft histograms.
///
/// `1 - 1/N+ sum_l h+_l H+_l / H_l`, h the soft counts of an anchor's positives (+) or of all others at the nodes `4 l / bins` of squared
/// distances between unit vectors, H their running sums, N+ the positives. Gradient: through the counts, piecewise linear in the distances.
///
/// - Parameters:
///   - embeddings: [n, d].
///   - labels: [n], integers.
///   - bins: At least 1.
///   - reducer: Over anchors that have a positive.
/// - Returns: A scalar; 0 where no anchor has a positive.
/// - Throws: Shape and type mismatches, a number of bins below 1.
/// - Note: O(n (d + bins)) memory, time that grows with n^2 bins. `FastAPLoss` of pytorch-metric-learning. Cakir et al., Deep Metric
///   Learning to Rank, 2019.
public func fastAP(embeddings: Tensor, labels: Tensor, bins: Int = 10, reducer: Reducer = .mean) throws -> Tensor {
    try require(bins >= 1, "fastAP", "a bin or more", bins)
    let batch = try PairBatch(embeddings, labels, distance: .squaredEuclidean, "fastAP")
    let nodes = try Tensor.arange(to: Double(bins + 1), dtype: .float32, on: embeddings.device).expandedDimensions(at: 1)
    let losses = try batch.perAnchor { pairs in
        let place = try (pairs.far * (Double(bins) / 4)).clamped(max: Double(bins)).expandedDimensions(at: 1)
        let pulse = (1 - (place - nodes).absolute()).relu()
        func histogram(_ mask: Tensor) throws -> Tensor {
            try Tensor.select(mask.expandedDimensions(at: 1), pulse, place.constant(0)).sum(axes: [2])
        }
        let (near, far) = (try histogram(pairs.isPositive), try histogram(pairs.isNegative))
        let (alike, all) = (try near.cumulativeSum(), try (near + far).cumulativeSum())
        let isEmpty = all .<= 0
        let (zero, one) = (try place.constant(0), try place.constant(1))
        let precision = Tensor.select(isEmpty, zero, near * alike / Tensor.select(isEmpty, one, all))
        let positives = try pairs.isPositive.asType(place.dtype).sum(axes: [1])
        return try 1 - precision.sum(axes: [1]) / positives.clamped(min: 1)
    }
    return try batch.reduce(losses, where: batch.havePositives(), reducer)
}

extension LossDescription {
    static let fastAPLoss = LossDescription(
        "fastAP", .metricLearning, "The average precision of ranking by distance, from soft histograms",
        reference: "Cakir et al., Deep Metric Learning to Rank, 2019", inputs: Input.labelledBatch,
        options: [.integer("bins", 10), .reducer(.mean)]
    ) { try fastAP(embeddings: $0["embeddings"], labels: $0["labels"], bins: $0.integer("bins"), reducer: $0.reducer()) }
}
