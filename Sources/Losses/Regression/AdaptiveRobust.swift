import LossKitOps

/// Barron's general robust loss: one family from the squared loss to the most forgiving.
///
/// With `q = (p - t) / c` and `b = |alpha - 2|`: `b / alpha ((q^2 / b + 1)^(alpha / 2) - 1)`, and its limits `q^2 / 2` for alpha 2,
/// `log(q^2 / 2 + 1)` for 0 (Cauchy), `1 - exp(-q^2 / 2)` for minus infinity (Welsch). 1 is Charbonnier's loss, -2 Geman and McClure's.
/// Gradient `q / c (q^2 / b + 1)^(alpha / 2 - 1)`.
///
/// - Parameters:
///   - predictions: Any shape, floating point.
///   - targets: The same shape.
///   - alpha: The shape: any number or minus infinity; robust below 2.
///   - c: Above 0, the residual from which it bends.
///   - reduction: Over all elements.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: By `expm1` and `log1p`, so that alpha may be as near to 0 as one likes. Barron, A General and Adaptive Robust Loss Function,
///   2019.
public func adaptiveRobust(
    predictions: Tensor, targets: Tensor, alpha: Double = 1, c: Double = 1, reduction: Reduction = .mean
) throws -> Tensor {
    let residual = try residual(predictions, targets, "adaptiveRobust") / c
    try require(c > 0 && c.isFinite, "adaptiveRobust", "c > 0", c)
    try require(alpha < .infinity, "adaptiveRobust", "alpha a number or minus infinity", alpha)
    let bend = abs(alpha - 2)
    switch alpha {
    case 2: return try reduction(residual.square() * 0.5)
    case -.infinity: return try reduction(-(residual.square() * -0.5).expm1())
    case 0: return try reduction((residual / bend.squareRoot()).logOfOnePlusSquare())
    default:
        let logarithm = (residual / bend.squareRoot()).logOfOnePlusSquare()
        return try reduction((logarithm * (alpha / 2)).expm1() * (bend / alpha))
    }
}

extension LossDescription {
    static let adaptiveRobustLoss = LossDescription(
        "adaptiveRobust", .regression, "Barron's family from the squared loss to the most forgiving",
        reference: "Barron, A General and Adaptive Robust Loss Function, 2019",
        inputs: [.init("predictions", ["n", "d"]), .init("targets", ["n", "d"])],
        options: [.number("alpha", 1), .number("c", 1), .reduction]
    ) {
        try adaptiveRobust(
            predictions: $0["predictions"], targets: $0["targets"], alpha: $0.number("alpha"), c: $0.number("c"),
            reduction: $0.reduction())
    }
}
