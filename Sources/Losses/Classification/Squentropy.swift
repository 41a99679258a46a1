import LossKitOps

/// Squentropy: cross-entropy and the mean square of the other classes' logits.
///
/// `-log p_y + 1 / (C - 1) sum_{k != y} z_k^2`; gradient `p - onehot(y) + 2 / (C - 1) z (1 - onehot(y))`.
///
/// - Parameters:
///   - logits: [N, C], [N, C, d1, ...] or [C]; with a single class the squares are none.
///   - targets: The logits' shape without C, integers.
///   - reduction: Over rows.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches.
/// - Note: Hui, Belkin and Wright, Cut your Losses with Squentropy, 2023.
public func squentropy(logits: Tensor, targets: Tensor, reduction: Reduction = .mean) throws -> Tensor {
    let rows = try ClassTargets(targets, beside: logits, "squentropy")
    let squares = try rows.others(logits.square()).sum(axes: [rows.axis]) / Double(max(1, logits.shape[rows.axis] - 1))
    return try reduction(crossEntropy(logits: logits, targets: targets, reduction: .none) + squares)
}

/// StableMax cross-entropy: a softmax with a function that grows linearly in place of the exponential.
///
/// `S(x) = x + 1` for x >= 0, else `1 / (1 - x)`; `-log(S(z_y) / sum_k S(z_k))`. Gradient `(q - onehot(y)) / (1 + |z|)`, q the
/// probabilities.
///
/// - Parameters:
///   - logits: [N, C], [N, C, d1, ...] or [C].
///   - targets: The logits' shape without C, integers.
///   - reduction: Over rows.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches.
/// - Note: Gradients do not vanish by rounding as the softmax's do. Prieto et al., Grokking at the Edge of Numerical Stability, 2025.
public func stableMaxCrossEntropy(logits: Tensor, targets: Tensor, reduction: Reduction = .mean) throws -> Tensor {
    let rows = try ClassTargets(targets, beside: logits, "stableMaxCrossEntropy")
    // log S is odd: sign(x) log(1 + |x|).
    let isPositive = logits .>= 0
    let growth = Tensor.select(isPositive, logits, -logits) + 1
    let weights = Tensor.select(isPositive, growth, growth.reciprocal())
    let logs = Tensor.select(isPositive, growth.log(), -growth.log())
    return try reduction(weights.sum(axes: [rows.axis]).log() - rows.pick(logs))
}

/// Z-loss of the spherical family: softplus of how far the own class's standardised logit stays below a threshold.
///
/// With the row's mean and population variance: `softplus(a (b - (z_y - mean) / deviation)) / a`. It does not change when a row is shifted
/// or scaled.
///
/// - Parameters:
///   - logits: [N, C] or [C].
///   - targets: [N] or a scalar, integers.
///   - sharpness: a, above 0; growing, the loss becomes a hinge.
///   - threshold: b, to be tuned, below `sqrt(C - 1)`, the largest value there is.
///   - reduction: Over rows.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches; sharpness of 0 or
///   below.
/// - Note: A row of equal logits has the loss `softplus(a b) / a` and no gradient. de Brebisson and Vincent, The Z-loss, 2016.
public func sphericalZLoss(
    logits: Tensor, targets: Tensor, sharpness: Double = 1, threshold: Double = 1, reduction: Reduction = .mean
) throws -> Tensor {
    try require(sharpness > 0, "sphericalZLoss", "sharpness > 0", sharpness)
    let rows = try ClassTargets(targets, beside: logits, "sphericalZLoss")
    let distances = try logits - logits.mean(axes: [rows.axis], keepDimensions: true)
    // The scale does not matter, but the squares are to stay in range.
    let centred = try distances / distances.magnitude(axes: [rows.axis])
    let variance = try centred.square().mean(axes: [rows.axis])
    let isFlat = variance .== 0
    let scale = Tensor.select(
        isFlat, try logits.constant(0), Tensor.select(isFlat, try logits.constant(1), variance).reciprocalSquareRoot())
    let score = try rows.pick(centred) * scale
    return try reduction(((threshold - score) * sharpness).softplus() / sharpness)
}

/// Label-distributionally robust loss: the worst case over distributions of labels near the uniform one, with a margin.
///
/// `lambda log(1 / C sum_k exp((z_k + margin [k != y] - z_y) / lambda))`; gradient `softmax((z + margin [k != y]) / lambda) - onehot(y)`.
///
/// - Parameters:
///   - logits: [N, C].
///   - targets: [N], integers.
///   - lambda: Above 0. Towards 0 the loss is Crammer and Singer's, at 1 cross-entropy less log C, towards infinity the mean difference.
///   - margin: In the logits' units.
///   - reduction: Over rows.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches; lambda of 0 or
///   below.
/// - Note: The released code normalises the scores first; do so before the call where wanted.
///   Zhu, Ying and Yang, Label Distributionally Robust Losses for Multi-class Classification, 2023.
public func labelRobust(
    logits: Tensor, targets: Tensor, lambda: Double = 1, margin: Double = 2, reduction: Reduction = .mean
) throws -> Tensor {
    try require(lambda > 0, "labelRobust", "lambda > 0", lambda)
    try requireShape(logits, [nil, nil], "logits", "labelRobust")
    let rows = try ClassTargets(targets, beside: logits, "labelRobust")
    let shifted = Tensor.select(rows.isTarget, logits, logits + margin) / lambda
    let classes = try logits.constant(Double(max(1, logits.shape[1]))).log()
    return try reduction((crossEntropy(logits: shifted, targets: targets, reduction: .none) - classes) * lambda)
}

/// What lambda becomes for each row in the adaptive form of ``labelRobust(logits:targets:lambda:margin:reduction:)``.
///
/// `lambda0 - lambda0 / (alpha log C) sum_k p_k log(C p_k)` with `p` the softmax at the old lambda, 1e-5 added and normalised again.
///
/// - Parameters:
///   - logits: [N, C], C >= 2; no derivative is carried through the result.
///   - previous: [N], above 0: the rows' old lambdas, lambda0 at first.
///   - lambda: lambda0, above 0.
///   - alpha: Above 1; results lie between `(1 - 1 / alpha) lambda0` and lambda0.
public func adaptiveLabelTemperatures(logits: Tensor, previous: Tensor, lambda: Double = 1, alpha: Double = 2) throws -> Tensor {
    let operation = "adaptiveLabelTemperatures"
    try requireShape(logits, [nil, nil], "logits", operation)
    try requireFloatingPoint(logits, operation)
    try requireShape(previous, [logits.shape[0]], "previous lambdas", operation)
    try require(logits.shape[1] >= 2, operation, "two classes or more", logits.shape[1])
    try require(lambda > 0 && alpha > 1, operation, "lambda > 0 and alpha > 1", (lambda, alpha))
    let classes = Double(logits.shape[1])
    let raised = try (stopGradient(logits) / stopGradient(previous).expandedDimensions(at: 1)).softmax() + 1e-5
    let p = raised / (1 + classes * 1e-5)
    let logClasses = try logits.constant(classes).log()
    let divergence = try (p * (p * classes).log()).sum(axes: [1])
    return (1 - divergence / (logClasses * alpha)) * lambda
}

/// Adaptive label-distributionally robust loss: each row with a lambda of its own, kept from step to step.
///
/// `lambda_i log(1 / C sum_k exp((z_k + margin [k != y] - z_y) / lambda_i)) - alpha log C / (2 lambda0) (lambda_i - lambda0)^2`, lambda_i
/// held.
///
/// - Parameters:
///   - logits: [N, C], C >= 2.
///   - targets: [N], integers.
///   - temperatures: [N], the rows' lambdas by ``adaptiveLabelTemperatures(logits:previous:lambda:alpha:)``.
///   - lambda: lambda0, above 0.
///   - alpha: Above 1.
///   - margin: In the logits' units.
///   - reduction: Over rows.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches; options out of
///   range.
/// - Note: Zhu, Ying and Yang, 2023.
public func adaptiveLabelRobust(
    logits: Tensor, targets: Tensor, temperatures: Tensor, lambda: Double = 1, alpha: Double = 2, margin: Double = 1,
    reduction: Reduction = .mean
) throws -> Tensor {
    let operation = "adaptiveLabelRobust"
    try require(lambda > 0 && alpha > 1, operation, "lambda > 0 and alpha > 1", (lambda, alpha))
    try requireShape(logits, [nil, nil], "logits", operation)
    try requireShape(temperatures, [logits.shape[0]], "temperatures", operation)
    let rows = try ClassTargets(targets, beside: logits, operation)
    let held = stopGradient(temperatures)
    let shifted = try Tensor.select(rows.isTarget, logits, logits + margin) / held.expandedDimensions(at: 1)
    let logClasses = try logits.constant(Double(max(1, logits.shape[1]))).log()
    let worst = try (crossEntropy(logits: shifted, targets: targets, reduction: .none) - logClasses) * held
    return try reduction(worst - (held - lambda).square() * logClasses * (alpha / (2 * lambda)))
}
