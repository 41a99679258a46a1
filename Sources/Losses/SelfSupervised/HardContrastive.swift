import LossKitOps

/// Hard contrastive loss: each row picks its own pair out of its hardest negatives only.
///
/// With `s_ij = x_i . y_j / (|x_i| |y_j|)`: `-log(exp(s_ii / t) / (exp(s_ii / t) + sum_j exp(s_ij / t)))` over the negatives j that are the
/// hardest `fraction` of row i's, the count rounded up; which they are is held still. The fraction 1 is InfoNCE. Gradient to `s_ij`
/// `(P_ij - [i = j]) / t`, P the softmax of those kept. For t near 0 the loss is `max(0, max_j s_ij - s_ii) / t`.
///
/// - Parameters:
///   - first: [n, d], floating point, n >= 2.
///   - second: [n, d]; row i is the positive of row i.
///   - temperature: Above 0.
///   - fraction: In 0...1 without 0.
///   - reduction: Over rows.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Wang and Liu, Understanding the Behaviour of Contrastive Loss, 2021.
public func hardContrastive(
    first: Tensor, second: Tensor, temperature: Double = 0.07, fraction: Double = 0.25, reduction: Reduction = .mean
) throws -> Tensor {
    try requireViews(first, second, rows: 0, "hardContrastive")
    try require(temperature > 0, "hardContrastive", "temperature > 0", temperature)
    try require(fraction > 0 && fraction <= 1, "hardContrastive", "fraction above 0, at most 1", fraction)
    let n = first.shape[0]
    let similarity = try first.widened.unitRows().matmul(second.widened.unitRows().swappingAxes(0, 1))
    guard n > 1 else { return try reduction(similarity.sum(axes: [1]) * 0).asType(first.dtype) }
    let isOwn = try Tensor.eye(n, dtype: similarity.dtype, on: first.device) .> 0
    let negatives = try Tensor.select(isOwn, similarity.constant(-.infinity), similarity)
    // By number rather than by a threshold, which all of several equal ones would pass.
    let kept = Swift.min(n - 1, Int((Double(n - 1) * fraction).rounded(.up)))
    let own = try similarity.diagonal().expandedDimensions(at: 1)
    let logits = try Tensor.concatenate([own, negatives.topK(kept, axis: 1).values], axis: 1) / temperature
    let places = try Tensor.zeros([n], dtype: .int32, on: first.device)
    return try reduction(crossEntropy(logits: logits, targets: places, reduction: .none)).asType(first.dtype)
}

/// How far embeddings are from an even spread over the sphere: `log mean_{i != j} exp(-t |f_i - f_j|^2)` of unit rows [n, d], n >= 2.
///
/// 0 where all coincide, lower the more even. Gradient through all pairs.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Wang and Isola, Understanding Contrastive Representation Learning through Alignment and Uniformity on the Hypersphere, 2020.
public func uniformity(embeddings: Tensor, t: Double = 2) throws -> Tensor {
    try requireViews(embeddings, embeddings, rows: 2, "uniformity")
    let n = embeddings.shape[0]
    let unit = try embeddings.widened.unitRows()
    let exponents = try pairwiseDistance(unit, unit, metric: .squaredEuclidean) * -t
    let isOwn = try Tensor.eye(n, dtype: unit.dtype, on: unit.device) .> 0
    let others = try Tensor.select(isOwn, unit.constant(-.infinity), exponents).logSumExp()
    return try (others - unit.constant(Double(n * (n - 1))).log()).asType(embeddings.dtype)
}

/// How alike embeddings of one class are: the mean of `f_i . f_j` of unit rows over all pairs, counted where labels agree.
///
/// - Parameters:
///   - embeddings: [n, d], floating point.
///   - labels: [n], integers.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``.
/// - Note: Wang and Liu, Understanding the Behaviour of Contrastive Loss, 2021.
public func tolerance(embeddings: Tensor, labels: Tensor) throws -> Tensor {
    try requireViews(embeddings, embeddings, rows: 1, "tolerance")
    try requireShape(labels, [embeddings.shape[0]], "labels", "tolerance")
    let unit = try embeddings.widened.unitRows()
    let agrees = try labels.expandedDimensions(at: 1) .== labels.expandedDimensions(at: 0)
    return try (unit.matmul(unit.swappingAxes(0, 1)) * agrees.asType(unit.dtype)).mean().asType(embeddings.dtype)
}

extension LossDescription {
    static let hardContrastiveLoss = LossDescription(
        "hardContrastive", .selfSupervised, "InfoNCE over each row's hardest negatives",
        reference: "Wang and Liu, Understanding the Behaviour of Contrastive Loss, 2021",
        inputs: [.init("first", ["n", "d"]), .init("second", ["n", "d"])],
        options: [.number("temperature", 0.07), .number("fraction", 0.25), .reduction],
        catalogue: ["understanding-the-behaviour-of-contrastive-loss"]
    ) {
        try hardContrastive(
            first: $0["first"], second: $0["second"], temperature: $0.number("temperature"), fraction: $0.number("fraction"),
            reduction: $0.reduction())
    }
}
