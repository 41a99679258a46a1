import LossKitOps

/// PolyLoss: cross-entropy with the first coefficients of its expansion in `1 - p_y` changed.
///
/// `-log p_y + sum_j epsilon_j (1 - p_y)^j`; gradient `(1 + sum_j j epsilon_j p_y (1 - p_y)^(j - 1)) (p - onehot(y))`.
///
/// - Parameters:
///   - logits: [N, C], [N, C, d1, ...] or [C].
///   - targets: The logits' shape without C, integers.
///   - epsilons: What is added to the coefficients of the powers 1, 2, ...; one number is Poly-1.
///   - labelSmoothing: In 0...1, of the cross-entropy; the polynomial takes the unsmoothed class.
///   - ignoreIndex: Rows with this class index count for nothing.
///   - reduction: Over rows; the mean divides by the number of rows that count.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches.
/// - Note: Leng et al., PolyLoss, 2022; epsilon 2 is their choice for ImageNet.
public func polyCrossEntropy(
    logits: Tensor, targets: Tensor, epsilons: [Double] = [2], labelSmoothing: Double = 0, ignoreIndex: Int = -100,
    reduction: Reduction = .mean
) throws -> Tensor {
    try classLoss(logits: logits, targets: targets, ignoreIndex: ignoreIndex, reduction: reduction, "polyCrossEntropy") { surprise in
        let missing = surprise.missingProbability
        var polynomial: Tensor?
        for epsilon in epsilons.reversed() { polynomial = polynomial.map { ($0 + epsilon) * missing } ?? missing * epsilon }
        var elements = surprise
        if labelSmoothing != 0 {
            elements = try crossEntropy(
                logits: logits, targets: targets, ignoreIndex: ignoreIndex, labelSmoothing: labelSmoothing, reduction: .none)
        }
        return polynomial.map { elements + $0 } ?? elements
    }
}

/// Poly-1 form of the binary focal loss.
///
/// With `p_t` the probability given to the truth: `alpha_t (1 - p_t)^gamma (-log p_t) + epsilon (1 - p_t)^(gamma + 1)`.
///
/// - Parameters:
///   - logits: Any shape, floating point.
///   - targets: The same shape, 0 or 1.
///   - epsilon: The authors take -1 for RetinaNet.
///   - alpha: The weight of yes, in 0...1; nil: none.
///   - gamma: Not negative.
///   - reduction: Over all elements.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Leng et al., PolyLoss, 2022.
public func polyFocal(
    logits: Tensor, targets: Tensor, epsilon: Double = -1, alpha: Double? = 0.25, gamma: Double = 2, reduction: Reduction = .mean
) throws -> Tensor {
    try requireEqualShapes(logits, targets, "polyFocal")
    try requireFloatingPoint(logits, "polyFocal")
    try require(gamma >= 0, "polyFocal", "gamma >= 0", gamma)
    try require((0...1).contains(alpha ?? 0), "polyFocal", "alpha in 0...1", alpha ?? 0)
    let (loss, missing) = binaryFocalElements(logits, targets, alpha: alpha, gamma: gamma)
    return try reduction(loss + missing.heldPower(gamma + 1) * epsilon)
}

extension LossDescription {
    private static let row = "polyloss-a-polynomial-expansion-perspective-of-classification-loss-functions"

    static let polyCrossEntropyLoss = LossDescription(
        "polyCrossEntropy", .classification, "Cross-entropy with the first coefficients of its expansion changed",
        reference: "Leng et al., PolyLoss, 2022",
        inputs: [.init("logits", ["n", "classes"]), .init("targets", ["n"], .classes("classes"))],
        options: [.numbers("epsilons", [2]), .number("labelSmoothing", 0), .integer("ignoreIndex", -100), .reduction], catalogue: [row]
    ) {
        try polyCrossEntropy(
            logits: $0["logits"], targets: $0["targets"], epsilons: $0.numbers("epsilons"), labelSmoothing: $0.number("labelSmoothing"),
            ignoreIndex: $0.integer("ignoreIndex"), reduction: $0.reduction())
    }

    static let polyFocalLoss = LossDescription(
        "polyFocal", .classification, "Poly-1 form of the binary focal loss", reference: "Leng et al., PolyLoss, 2022",
        inputs: [.init("logits", ["n", "d"]), .init("targets", ["n", "d"], .integers(0...1))],
        options: [.number("epsilon", -1), .number("alpha", 0.25), .number("gamma", 2), .reduction], catalogue: [row]
    ) {
        try polyFocal(
            logits: $0["logits"], targets: $0["targets"], epsilon: $0.number("epsilon"), alpha: $0.optionalNumber("alpha"),
            gamma: $0.number("gamma"), reduction: $0.reduction())
    }
}
