import LossKitOps

/// Cauchy (Lorentzian) loss: squared near 0, logarithmic far from it.
///
/// `c^2 / 2 log(1 + (r / c)^2)` with `r = p - t`; gradient `r / (1 + (r / c)^2)`.
///
/// - Parameters:
///   - predictions: Any shape, floating point.
///   - targets: The same shape.
///   - c: Above 0, in the predictions' units; 2.385 deviations are 95 % efficient for normal residuals.
///   - reduction: Over all elements.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Black and Anandan, The Robust Estimation of Multiple Motions, 1996.
public func cauchy(predictions: Tensor, targets: Tensor, c: Double = 1, reduction: Reduction = .mean) throws -> Tensor {
    let residual = try residual(predictions, targets, "cauchy")
    try require(c > 0 && c.isFinite, "cauchy", "c > 0", c)
    return try reduction((residual / c).logOfOnePlusSquare() * (c * c / 2))
}

extension LossDescription {
    static let cauchyLoss = LossDescription(
        "cauchy", .regression, "Squared near 0, logarithmic far from it",
        reference: "Black and Anandan, The Robust Estimation of Multiple Motions, 1996",
        inputs: [.init("predictions", ["n", "d"]), .init("targets", ["n", "d"])], options: [.number("c", 1), .reduction]
    ) { try cauchy(predictions: $0["predictions"], targets: $0["targets"], c: $0.number("c"), reduction: $0.reduction()) }
}
