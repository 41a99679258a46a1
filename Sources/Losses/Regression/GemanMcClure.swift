import LossKitOps

/// Geman-McClure loss: squared near 0, at most `c^2 / 2` far from it.
///
/// `r^2 / 2 / (1 + (r / c)^2)` with `r = p - t`; gradient `r / (1 + (r / c)^2)^2`.
///
/// - Parameters:
///   - predictions: Any shape, floating point.
///   - targets: The same shape.
///   - c: Above 0, in the predictions' units.
///   - reduction: Over all elements.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Geman and McClure, Bayesian Image Analysis: An Application to Single Photon Emission Tomography, 1985.
public func gemanMcClure(predictions: Tensor, targets: Tensor, c: Double = 1, reduction: Reduction = .mean) throws -> Tensor {
    let residual = try residual(predictions, targets, "gemanMcClure")
    try require(c > 0 && c.isFinite, "gemanMcClure", "c > 0", c)
    let share = (residual / c).nearAndFar({ $0.square() / ($0.square() + 1) }, { 1 / ((1 / $0).square() + 1) })
    return try reduction(share * (c * c / 2))
}

extension LossDescription {
    static let gemanMcClureLoss = LossDescription(
        "gemanMcClure", .regression, "Squared near 0, bounded far from it",
        reference: "Geman and McClure, Bayesian Image Analysis: An Application to Single Photon Emission Tomography, 1985",
        inputs: [.init("predictions", ["n", "d"]), .init("targets", ["n", "d"])], options: [.number("c", 1), .reduction]
    ) { try gemanMcClure(predictions: $0["predictions"], targets: $0["targets"], c: $0.number("c"), reduction: $0.reduction()) }
}
