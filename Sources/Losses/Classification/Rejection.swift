import LossKitOps

/// Surrogate loss of a rejector beside a fixed predictor: accept what is acceptable, at a cost for each rejection.
///
/// `exp(alpha / 2 (r - a)) + cost exp(-beta r)`; gradient `alpha / 2 exp(alpha / 2 (r - a)) - cost beta exp(-beta r)`.
/// Its least value has `r > 0` exactly where the probability of an unacceptable prediction is below the cost.
///
/// - Parameters:
///   - scores: Any shape: above 0 the prediction is accepted.
///   - acceptable: The same shape, -1 or 1: whether the prediction is acceptable.
///   - cost: Of a rejection, between 0 and 1/2.
///   - alpha: Above 0.
///   - beta: nil: `alpha / (2 cost) (cost exp(alpha / 2) + (1 - cost) exp(-alpha / 2))`, which the property above needs.
///   - reduction: Over all elements.
/// - Throws: Shape mismatches; options out of range.
/// - Note: Exponents are held at 80, so that float32 does not overflow; beyond, there is no gradient.
///   Mohri et al., Learning to Reject with a Fixed Predictor, 2023; beta as derived from the property, not copied.
public func rejection(
    scores: Tensor, acceptable: Tensor, cost: Double = 0.2, alpha: Double = 4, beta: Double? = nil, reduction: Reduction = .mean
) throws -> Tensor {
    try requireEqualShapes(scores, acceptable, "rejection")
    try requireFloatingPoint(scores, "rejection")
    try require(cost > 0 && cost < 0.5, "rejection", "cost between 0 and 0.5", cost)
    try require(alpha > 0, "rejection", "alpha > 0", alpha)
    let half = try scores.constant(alpha / 2)
    let growth = half.exp() * cost + (-half).exp() * (1 - cost)
    let calibrated = growth * (alpha / (2 * cost))
    let accepting = ((scores - acceptable) * (alpha / 2)).clamped(max: 80).exp()
    let rejecting = (beta.map { scores * -$0 } ?? -(scores * calibrated)).clamped(max: 80).exp()
    return try reduction(accepting + rejecting * cost)
}

/// Calibration by correctness: the confidence of a tempered softmax should be 1 where the prediction is right and 0 where it is wrong.
///
/// `w_i (max_k softmax(z_i / T_i)_k - [argmax z_i = y_i])^2`; gradients to logits and temperatures.
///
/// - Parameters:
///   - logits: [N, C].
///   - temperatures: [N], above 0, usually of a small network and held within 0.1...10.
///   - targets: [N], integers.
///   - isBalanced: Whether right rows weigh 1 - accuracy and wrong rows accuracy, as in the released code, rather than all 1.
///   - reduction: The mean divides by the sum of the weights, and is 0 where that is 0.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches.
/// - Note: Liu et al., Optimizing Calibration by Gaining Aware of Prediction Correctness, 2024.
public func correctnessAware(
    logits: Tensor, temperatures: Tensor, targets: Tensor, isBalanced: Bool = false, reduction: Reduction = .mean
) throws -> Tensor {
    let operation = "correctnessAware"
    try requireShape(logits, [nil, nil], "logits", operation)
    try requireFloatingPoint(logits, operation)
    try requireShape(temperatures, [logits.shape[0]], "temperatures", operation)
    let targets = try checkedClasses(targets, shape: [logits.shape[0]], below: logits.shape[1], operation)
    guard logits.shape[0] > 0 else { return try reduction(logits.sum(axes: [1]) * 0) }
    let tempered = try logits / temperatures.expandedDimensions(at: 1)
    let confidence = try (tempered.max(axes: [1]) - tempered.logSumExp(axes: [1])).exp()
    let isRight = try (logits.argMax(axis: 1) .== targets).asType(logits.dtype)
    let gap = (confidence - isRight).square()
    guard isBalanced else { return try reduction(gap) }
    let accuracy = try isRight.mean()
    let weights = isRight * (1 - accuracy * 2) + accuracy
    guard reduction == .mean else { return try reduction(gap * weights) }
    return try (gap * weights).sum() / weights.sum().clamped(min: 1e-12)
}

extension LossDescription {
    static let rejectionLoss = LossDescription(
        "rejection", .classification, "A rejector beside a fixed predictor, with a cost for each rejection",
        reference: "Mohri et al., Learning to Reject with a Fixed Predictor: Application to Decontextualization, 2023",
        inputs: [.init("scores", ["n"], .real(-0.2...1)), .init("acceptable", ["n"], .signs)],
        options: [.number("cost", 0.2), .number("alpha", 4), .number("beta", nil), .reduction],
        catalogue: ["learning-to-reject-with-a-fixed-predictor-application-to"]
    ) {
        try rejection(
            scores: $0["scores"], acceptable: $0["acceptable"], cost: $0.number("cost"), alpha: $0.number("alpha"),
            beta: $0.optionalNumber("beta"), reduction: $0.reduction())
    }

    static let correctnessAwareLoss = LossDescription(
        "correctnessAware", .classification, "Confidence near 1 where the prediction is right, near 0 where it is wrong",
        reference: "Liu et al., Optimizing Calibration by Gaining Aware of Prediction Correctness, 2024",
        inputs: [
            .init("logits", ["n", "classes"]), .init("temperatures", ["n"], .real(0.5...3)), .init("targets", ["n"], .classes("classes")),
        ],
        options: [.flag("isBalanced", false), .reduction],
        catalogue: ["optimizing-calibration-by-gaining-aware-of-prediction-correctness"]
    ) {
        try correctnessAware(
            logits: $0["logits"], temperatures: $0["temperatures"], targets: $0["targets"], isBalanced: $0.flag("isBalanced"),
            reduction: $0.reduction())
    }
}
