import LossKitOps

/// Hinge loss of two classes.
///
/// `max(0, margin - t z)`; gradient `-t` where it is above 0, else 0.
///
/// - Parameters:
///   - logits: Any shape, floating point.
///   - targets: The same shape, -1 or 1.
///   - margin: In the logits' units.
///   - reduction: Over all elements.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``.
/// - Note: Cortes and Vapnik, Support-Vector Networks, 1995.
public func hinge(logits: Tensor, targets: Tensor, margin: Double = 1, reduction: Reduction = .mean) throws -> Tensor {
    try requireEqualShapes(logits, targets, "hinge")
    try requireFloatingPoint(logits, "hinge")
    return try reduction((margin - targets * logits).relu())
}

/// Squared hinge loss of two classes, which has a gradient everywhere.
///
/// `max(0, margin - t z)^2`; gradient `-2 t max(0, margin - t z)`.
///
/// - Parameters:
///   - logits: Any shape, floating point.
///   - targets: The same shape, -1 or 1.
///   - margin: In the logits' units.
///   - reduction: Over all elements.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``.
public func squaredHinge(logits: Tensor, targets: Tensor, margin: Double = 1, reduction: Reduction = .mean) throws -> Tensor {
    try requireEqualShapes(logits, targets, "squaredHinge")
    try requireFloatingPoint(logits, "squaredHinge")
    return try reduction((margin - targets * logits).relu().square())
}

/// Logistic loss of two classes.
///
/// `softplus(-t z)`; gradient `-t sigmoid(-t z)`.
///
/// - Parameters:
///   - logits: Any shape, floating point.
///   - targets: The same shape, -1 or 1.
///   - reduction: Over all elements.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``.
/// - Note: Finite for every finite logit. PyTorch's `soft_margin_loss`.
public func softMargin(logits: Tensor, targets: Tensor, reduction: Reduction = .mean) throws -> Tensor {
    try requireEqualShapes(logits, targets, "softMargin")
    try requireFloatingPoint(logits, "softMargin")
    return try reduction((-(targets * logits)).softplus())
}

extension LossDescription {
    private static let signed: [Input] = [.init("logits", ["n", "d"]), .init("targets", ["n", "d"], .signs)]

    static let hingeLoss = LossDescription(
        "hinge", .classification, "A margin between two classes, linear below it",
        reference: "Cortes and Vapnik, Support-Vector Networks, 1995", inputs: signed, options: [.number("margin", 1), .reduction]
    ) { try hinge(logits: $0["logits"], targets: $0["targets"], margin: $0.number("margin"), reduction: $0.reduction()) }

    static let squaredHingeLoss = LossDescription(
        "squaredHinge", .classification, "A margin between two classes, squared below it",
        reference: "Cortes and Vapnik, Support-Vector Networks, 1995", inputs: signed, options: [.number("margin", 1), .reduction]
    ) { try squaredHinge(logits: $0["logits"], targets: $0["targets"], margin: $0.number("margin"), reduction: $0.reduction()) }

    static let softMarginLoss = LossDescription(
        "softMargin", .classification, "Logistic loss of two classes", reference: "PyTorch soft_margin_loss", inputs: signed,
        options: [.reduction]
    ) { try softMargin(logits: $0["logits"], targets: $0["targets"], reduction: $0.reduction()) }
}
