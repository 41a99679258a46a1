import LossKitOps

/// Pseudo-Huber loss: a smooth Huber loss.
///
/// `delta^2 (sqrt(1 + (r / delta)^2) - 1)` with `r = p - t`; gradient `r / sqrt(1 + (r / delta)^2)`. Computed as
/// `r^2 / (sqrt(1 + (r / delta)^2) + 1)`, which does not cancel for small residuals, the square scaled so that it does not overflow for
/// large ones.
///
/// - Parameters:
///   - predictions: Any shape, floating point.
///   - targets: The same shape.
///   - delta: Above 0, in the predictions' units.
///   - reduction: Over all elements.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Charbonnier et al., Deterministic Edge-Preserving Regularization in Computed Imaging, 1997.
public func pseudoHuber(predictions: Tensor, targets: Tensor, delta: Double = 1, reduction: Reduction = .mean) throws -> Tensor {
    try require(delta > 0, "pseudoHuber", "delta > 0", delta)
    let residual = try residual(predictions, targets, "pseudoHuber")
    let scale = stopGradient((residual.absolute() / delta).clamped(min: 1))
    let root = scale * ((residual / (scale * delta)).square() + (1 / scale).square()).squareRoot()
    return try reduction(residual * (residual / (root + 1)))
}

extension LossDescription {
    static let pseudoHuberLoss = LossDescription(
        "pseudoHuber", .regression, "A smooth Huber loss",
        reference: "Charbonnier et al., Deterministic Edge-Preserving Regularization in Computed Imaging, 1997",
        inputs: [.init("predictions", ["n", "d"]), .init("targets", ["n", "d"])], options: [.number("delta", 1), .reduction]
    ) { try pseudoHuber(predictions: $0["predictions"], targets: $0["targets"], delta: $0.number("delta"), reduction: $0.reduction()) }
}
