import LossKitOps

/// Threshold-consistent margin: a regulariser that brings hard pairs of all classes to the same cosines.
///
/// `positiveWeight mean of (positiveMargin - s)` over positive pairs with `s <= positiveMargin`, plus `negativeWeight mean of (s -
/// negativeMargin)` over negative pairs with `s >= negativeMargin`. Gradient: minus or plus the weight over the number of such pairs.
///
/// - Parameters:
///   - embeddings: [n, d]; their cosines are compared.
///   - labels: [n], integers.
///   - references: Embeddings to compare with in place of the batch itself.
///   - positiveMargin: m+.
///   - negativeMargin: m-.
///   - positiveWeight: lambda+.
///   - negativeWeight: lambda-.
/// - Returns: A scalar, to add to another loss; a kind of which no pair is hard adds 0.
/// - Throws: Shape and type mismatches.
/// - Note: O(n d) memory. `ThresholdConsistentMarginLoss` of pytorch-metric-learning. Zhang et al., Threshold-Consistent Margin Loss for
///   Open-World Deep Metric Learning, 2024.
public func thresholdConsistentMargin(
    embeddings: Tensor, labels: Tensor, references: References? = nil, positiveMargin: Double = 0.9, negativeMargin: Double = 0.5,
    positiveWeight: Double = 1, negativeWeight: Double = 1
) throws -> Tensor {
    let batch = try PairBatch(embeddings, labels, references: references, distance: .cosine, "thresholdConsistentMargin")
    return try batch.reduce(.mean) { pairs in
        let (near, far) = (pairs.far + positiveMargin, -pairs.far - negativeMargin)
        return [
            (near * positiveWeight, where: pairs.isPositive .&& (near .>= 0)),
            (far * negativeWeight, where: pairs.isNegative .&& (far .>= 0)),
        ]
    }
}

/// Operating-point inconsistency score: how much the utility of one distance threshold differs between classes.
///
/// With U_i(t) the F-score `(1 + c^2) phi psi / (c^2 phi + psi)` of class i at a threshold t, phi the share of negative pairs of its rows
/// that are farther (specificity) and psi the share of positive pairs that are not (sensitivity): the variance of U_i(t) over the classes
/// that have pairs of both kinds, in the mean over thresholds.
///
/// - Parameters:
///   - embeddings: [n, d].
///   - labels: [n], integers.
///   - range: Of thresholds, in units of the distance.
///   - steps: How many thresholds are tried, evenly spread; at least 1.
///   - c: The weight of sensitivity.
///   - distance: Between embeddings, no similarity.
/// - Returns: A scalar, a metric without derivative; 0 where fewer than 2 classes have pairs of both kinds.
/// - Throws: Shape and type mismatches, options out of range.
/// - Note: Zhang et al., Threshold-Consistent Margin Loss for Open-World Deep Metric Learning, 2024.
public func operatingPointInconsistency(
    embeddings: Tensor, labels: Tensor, range: ClosedRange<Double> = 0...2, steps: Int = 50, c: Double = 1,
    distance: EmbeddingDistance = .euclidean
) throws -> Tensor {
    let operation = "operatingPointInconsistency"
    try require(steps >= 1, operation, "a threshold or more", steps)
    try require(!distance.isSimilarity, operation, "a distance", distance.measure)
    let batch = try PairBatch(stopGradient(embeddings), labels, distance: distance, operation)
    let thresholds = try Tensor.linspace(range.lowerBound, range.upperBound, count: steps, on: embeddings.device)
    // Of each anchor how many pairs of either kind are near, and how many there are.
    let counts = try batch.perAnchor { pairs in
        let (isPositive, isNegative) = (try pairs.isPositive.expandedDimensions(at: 1), try pairs.isNegative.expandedDimensions(at: 1))
        let isNear = try pairs.far.expandedDimensions(at: 1) .<= thresholds.reshaped([1, steps, 1])
        func counted(_ mask: Tensor) throws -> Tensor { try mask.asType(.float32).sum(axes: [2]) }
        return try Tensor.concatenate(
            [counted(isNear .&& isPositive), counted(!isNear .&& isNegative), counted(isPositive), counted(isNegative)], axis: 1)
    }
    let places = try Tensor(batch.labels.classes, shape: [batch.labels.count, 1], on: embeddings.device).broadcast(to: counts.shape)
    let classes = try Tensor.zeros([batch.labels.counts.count, counts.shape[1]], on: embeddings.device)
        .scatterAdd(counts, at: places, axis: 0).transposed()
    /// The share of each class's pairs of a kind that are as they should be, [steps, classes], and whether it has such pairs.
    func share(_ kind: Int) throws -> (Tensor, Tensor) {
        let all = try classes.slice(axis: 0, from: 2 * steps + kind, to: 2 * steps + kind + 1)
        return (try classes.slice(axis: 0, from: kind * steps, to: (kind + 1) * steps) / all.clamped(min: 1), all .> 0)
    }
    let (sensitivity, hasPositives) = try share(0)
    let (specificity, hasNegatives) = try share(1)
    let weights = (hasPositives .&& hasNegatives).asType(.float32)
    let divisor = specificity * (c * c) + sensitivity
    let utility = specificity * sensitivity * (1 + c * c) / divisor.clamped(min: 1e-30)
    let count = try weights.sum().clamped(min: 1)
    let mean = try (utility * weights).sum(axes: [1], keepDimensions: true) / count
    return try ((utility - mean).square() * weights).sum(axes: [1]).mean() / count
}

extension LossDescription {
    static let thresholdConsistentMarginLoss = LossDescription(
        "thresholdConsistentMargin", .metricLearning, "Hard pairs of all classes at the same cosines",
        reference: "Zhang et al., Threshold-Consistent Margin Loss for Open-World Deep Metric Learning, 2024",
        inputs: Input.labelledBatch + Input.references,
        options: [
            .number("positiveMargin", 0.9), .number("negativeMargin", 0.5), .number("positiveWeight", 1), .number("negativeWeight", 1),
        ], catalogue: ["threshold-consistent-margin-loss-for-open-world-deep-metric"]
    ) {
        try thresholdConsistentMargin(
            embeddings: $0["embeddings"], labels: $0["labels"], references: $0.references(), positiveMargin: $0.number("positiveMargin"),
            negativeMargin: $0.number("negativeMargin"), positiveWeight: $0.number("positiveWeight"),
            negativeWeight: $0.number("negativeWeight"))
    }
}
