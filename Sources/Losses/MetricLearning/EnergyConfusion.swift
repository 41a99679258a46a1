import LossKitOps

/// Energy confusion: the squared distance between samples of different classes, for an adversary of the metric to lower.
///
/// The mean over pairs of classes i != j of `1/(n_i n_j) sum |x_a - x_b|^2 = tr Cov_i + tr Cov_j + |mean_i - mean_j|^2`, biased
/// covariances. Gradient of one pair of classes at a row of the first: `2 (x_a - mean_j) / n_i`.
///
/// - Parameters:
///   - embeddings: [n, d].
///   - labels: [n], integers.
/// - Returns: A scalar; 0 where there are fewer than 2 classes.
/// - Throws: Shape and type mismatches.
/// - Note: By the means and variances of classes, in O(n d): no pair is formed. The authors let it reach the feature extractor alone,
///   beside a metric loss. Chen and Deng, Energy Confused Adversarial Metric Learning for Zero-Shot Image Retrieval and Clustering, 2019.
public func energyConfusion(embeddings: Tensor, labels: Tensor) throws -> Tensor {
    let batch = try BatchLabels(labels, beside: embeddings, "energyConfusion")
    let classes = batch.counts.count
    guard classes > 1 else { return try embeddings.sum() * 0 }
    let points = embeddings.inArithmetic()
    // Nothing changes with the origin: near the points, no digits are lost.
    let centred = try points - stopGradient(points).mean(axes: [0], keepDimensions: true)
    let list = try Tensor(batch.classes, on: points.device)
    let counts = try Tensor(batch.counts.map { Double($0) }, shape: [classes, 1], dtype: points.dtype, on: points.device)
    let columns = try list.expandedDimensions(at: 1).broadcast(to: points.shape)
    let sums = try Tensor.zeros([classes, points.shape[1]], dtype: points.dtype, on: points.device)
        .scatterAdd(centred, at: columns, axis: 0)
    let means = sums / counts
    let spread = try ((centred - means.rows(at: list)).square().sum(axes: [1]) / counts.flattened().rows(at: list)).sum()
    let between = try (means - means.mean(axes: [0], keepDimensions: true)).square().sum()
    return (spread * (2 / Double(classes)) + between * (2 / Double(classes - 1))).asType(embeddings.dtype)
}

extension LossDescription {
    static let energyConfusionLoss = LossDescription(
        "energyConfusion", .metricLearning, "The squared distance between samples of different classes",
        reference: "Chen and Deng, Energy Confused Adversarial Metric Learning for Zero-Shot Image Retrieval and Clustering, 2019",
        inputs: Input.labelledBatch, catalogue: ["energy-confused-adversarial-metric-learning-for-zero-shot-image"]
    ) { try energyConfusion(embeddings: $0["embeddings"], labels: $0["labels"]) }
}
