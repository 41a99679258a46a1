import LossKitOps

/// Huber loss: squared near 0, linear beyond `delta`.
///
/// With `r = |p - t|`: `r^2 / 2` for `r <= delta`, else `delta (r - delta / 2)`; gradient `clamp(p - t, -delta, delta)`.
///
/// - Parameters:
///   - predictions: Any shape, floating point.
///   - targets: The same shape.
///   - delta: Above 0, in the predictions' units.
///   - reduction: Over all elements.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Huber, Robust Estimation of a Location Parameter, 1964.
public func huber(predictions: Tensor, targets: Tensor, delta: Double = 1, reduction: Reduction = .mean) throws -> Tensor {
    try require(delta > 0, "huber", "delta > 0", delta)
    let residual = try residual(predictions, targets, "huber").absolute()
    let near = residual.clamped(max: delta)
    return try reduction(near * (residual - near * 0.5))
}

extension LossDescription {
    static let huberLoss = LossDescription(
        "huber", .regression, "Squared near 0, linear beyond delta",
        reference: "Huber, Robust Estimation of a Location Parameter, 1964",
        inputs: [.init("predictions", ["n", "d"]), .init("targets", ["n", "d"])], options: [.number("delta", 1), .reduction]
    ) { try huber(predictions: $0["predictions"], targets: $0["targets"], delta: $0.number("delta"), reduction: $0.reduction()) }
}
