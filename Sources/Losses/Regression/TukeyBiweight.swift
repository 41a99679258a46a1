import LossKitOps

/// Tukey's biweight loss: residuals beyond `c` are outliers, which all cost the same and pull nothing.
///
/// With `u = min((p - t)^2 / c^2, 1)`: `c^2 / 6 (1 - (1 - u)^3)`; gradient `(p - t) (1 - u)^2`.
///
/// - Parameters:
///   - predictions: Any shape, floating point.
///   - targets: The same shape.
///   - c: Above 0, in units of the residuals' scale; 4.685 is 95 % efficient for normal residuals of deviation 1.
///   - reduction: Over all elements.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Beaton and Tukey, The Fitting of Power Series, Meaning Polynomials, 1974.
public func tukeyBiweight(predictions: Tensor, targets: Tensor, c: Double = 4.685, reduction: Reduction = .mean) throws -> Tensor {
    let residual = try residual(predictions, targets, "tukeyBiweight")
    try require(c > 0 && c.isFinite, "tukeyBiweight", "c > 0", c)
    let share = (residual.clamped(min: -c, max: c) / c).square()
    return try reduction(share * (3 - share * (3 - share)) * (c * c / 6))
}

extension LossDescription {
    static let tukeyBiweightLoss = LossDescription(
        "tukeyBiweight", .regression, "Tukey's biweight: outliers cost the same and pull nothing",
        reference: "Beaton and Tukey, The Fitting of Power Series, Meaning Polynomials, 1974",
        inputs: [.init("predictions", ["n", "d"]), .init("targets", ["n", "d"])], options: [.number("c", 4.685), .reduction]
    ) { try tukeyBiweight(predictions: $0["predictions"], targets: $0["targets"], c: $0.number("c"), reduction: $0.reduction()) }
}
