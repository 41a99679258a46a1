import LossKitOps

/// Focal loss of class indices: cross-entropy that counts less where the class is already likely.
///
/// `-w_y (1 - p_y)^gamma log p_y`; gradient `w_y (gamma p_y (1 - p_y)^(gamma - 1) log p_y - (1 - p_y)^gamma) (onehot(y) - p)`.
///
/// - Parameters:
///   - logits: [N, C], [N, C, d1, ...] or [C].
///   - targets: The logits' shape without C, integers.
///   - gamma: Not negative; at 0 it is cross-entropy.
///   - weights: [C], the paper's alpha by classes; no derivative is carried to them.
///   - ignoreIndex: Rows with this class index count for nothing.
///   - reduction: Over rows; the mean divides by the number of rows that count.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches; gamma below 0.
/// - Note: Lin et al., Focal Loss for Dense Object Detection, 2017.
public func focal(
    logits: Tensor, targets: Tensor, gamma: Double = 2, weights: Tensor? = nil, ignoreIndex: Int = -100, reduction: Reduction = .mean
) throws -> Tensor {
    try require(gamma >= 0, "focal", "gamma >= 0", gamma)
    return try classLoss(logits: logits, targets: targets, ignoreIndex: ignoreIndex, reduction: reduction, "focal") { surprise in
        let elements = surprise.missingProbability.heldPower(gamma) * surprise
        guard let weights else { return elements }
        let rows = try ClassTargets(targets, beside: logits, ignoring: ignoreIndex, "focal")
        try requireShape(weights, [logits.shape[rows.axis]], "weights", "focal")
        var column = [Int](repeating: 1, count: logits.rank)
        column[rows.axis] = weights.count
        return try elements * rows.pick(stopGradient(weights).reshaped(column))
    }
}

/// Focal loss of independent yes-or-no logits.
///
/// With `p_t` the probability given to the truth: `alpha_t (1 - p_t)^gamma (-log p_t)`, `alpha_t = alpha t + (1 - alpha) (1 - t)`.
///
/// - Parameters:
///   - logits: Any shape, floating point.
///   - targets: The same shape, in 0...1.
///   - alpha: The weight of yes, in 0...1; nil: none.
///   - gamma: Not negative.
///   - reduction: Over all elements.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: torchvision's `sigmoid_focal_loss`. Lin et al., Focal Loss for Dense Object Detection, 2017.
public func binaryFocal(
    logits: Tensor, targets: Tensor, alpha: Double? = 0.25, gamma: Double = 2, reduction: Reduction = .mean
) throws -> Tensor {
    try requireEqualShapes(logits, targets, "binaryFocal")
    try requireFloatingPoint(logits, "binaryFocal")
    try require(gamma >= 0, "binaryFocal", "gamma >= 0", gamma)
    try require((0...1).contains(alpha ?? 0), "binaryFocal", "alpha in 0...1", alpha ?? 0)
    return try reduction(binaryFocalElements(logits, targets, alpha: alpha, gamma: gamma).loss)
}

/// Binary focal losses by elements, and the probability that is not given to the truth.
func binaryFocalElements(_ logits: Tensor, _ targets: Tensor, alpha: Double?, gamma: Double) -> (loss: Tensor, missing: Tensor) {
    let targets = targets.asType(logits.dtype)
    let missing = logits.sigmoid() * (1 - targets) + (-logits).sigmoid() * targets
    var elements = (logits.softplus() - targets * logits) * missing.heldPower(gamma)
    if let alpha { elements = elements * (targets * (2 * alpha - 1) + (1 - alpha)) }
    return (elements, missing)
}

/// Asymmetric loss of multi-label logits: negatives focused more than positives, and forgotten once they are easy.
///
/// With `p = sigmoid(z)` and `p_m = max(p - clip, 0)`: `-t (1 - p)^gammaPositive log p - (1 - t) p_m^gammaNegative log(1 - p_m)`.
///
/// - Parameters:
///   - logits: Any shape, floating point.
///   - targets: The same shape, 0 or 1.
///   - gammaNegative: Not negative.
///   - gammaPositive: Not negative.
///   - clip: In 0 ..< 1; negatives below this probability count for nothing.
///   - reduction: Over all elements.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: The gradient goes through the focusing factors, as the paper's does; the authors' code can hold them. Reduced by the sum there.
///   Ridnik et al., Asymmetric Loss for Multi-Label Classification, 2021.
public func asymmetricLoss(
    logits: Tensor, targets: Tensor, gammaNegative: Double = 4, gammaPositive: Double = 1, clip: Double = 0.05, reduction: Reduction = .mean
) throws -> Tensor {
    try requireEqualShapes(logits, targets, "asymmetricLoss")
    try requireFloatingPoint(logits, "asymmetricLoss")
    try require(gammaNegative >= 0 && gammaPositive >= 0, "asymmetricLoss", "gammas >= 0", (gammaNegative, gammaPositive))
    try require((0..<1).contains(clip), "asymmetricLoss", "clip in 0 ..< 1", clip)
    let positive = (-logits).sigmoid().heldPower(gammaPositive) * (-logits).softplus()
    let negative: Tensor
    if clip == 0 {
        negative = logits.sigmoid().heldPower(gammaNegative) * logits.softplus()
    } else {
        let shifted = (logits.sigmoid() - clip).relu()
        negative = -(shifted.heldPower(gammaNegative) * (-shifted).log1p())
    }
    return try reduction(targets * positive + (1 - targets) * negative)
}

extension LossDescription {
    static let focalLoss = LossDescription(
        "focal", .classification, "Cross-entropy that counts less where the class is already likely",
        reference: "Lin et al., Focal Loss for Dense Object Detection, 2017",
        inputs: [
            .init("logits", ["n", "classes"]), .init("targets", ["n"], .classes("classes")),
            .init("weights", ["classes"], .real(0.5...2), isOptional: true, isDifferentiable: false),
        ],
        options: [.number("gamma", 2), .integer("ignoreIndex", -100), .reduction]
    ) {
        try focal(
            logits: $0["logits"], targets: $0["targets"], gamma: $0.number("gamma"), weights: $0.optional("weights"),
            ignoreIndex: $0.integer("ignoreIndex"), reduction: $0.reduction())
    }

    static let binaryFocalLoss = LossDescription(
        "binaryFocal", .classification, "Focal loss of independent yes-or-no logits",
        reference: "Lin et al., Focal Loss for Dense Object Detection, 2017; torchvision sigmoid_focal_loss",
        inputs: [.init("logits", ["n", "d"]), .init("targets", ["n", "d"], .integers(0...1))],
        options: [.number("alpha", 0.25), .number("gamma", 2), .reduction]
    ) {
        try binaryFocal(
            logits: $0["logits"], targets: $0["targets"], alpha: $0.optionalNumber("alpha"), gamma: $0.number("gamma"),
            reduction: $0.reduction())
    }

    static let asymmetricLossLoss = LossDescription(
        "asymmetricLoss", .classification, "Multi-label loss with negatives focused and clipped",
        reference: "Ridnik et al., Asymmetric Loss for Multi-Label Classification, 2021",
        inputs: [.init("logits", ["n", "d"]), .init("targets", ["n", "d"], .integers(0...1))],
        options: [.number("gammaNegative", 4), .number("gammaPositive", 1), .number("clip", 0.05), .reduction]
    ) {
        try asymmetricLoss(
            logits: $0["logits"], targets: $0["targets"], gammaNegative: $0.number("gammaNegative"),
            gammaPositive: $0.number("gammaPositive"), clip: $0.number("clip"), reduction: $0.reduction())
    }
}
