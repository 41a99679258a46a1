import LossKitOps

/// Smooth L1: squared near 0, linear beyond `beta`.
///
/// With `r = |p - t|`: `r^2 / (2 beta)` for `r < beta`, else `r - beta / 2`: Huber's loss over `beta`; the L1 loss for `beta` 0.
/// Gradient `clamp((p - t) / beta, -1, 1)`.
///
/// - Parameters:
///   - predictions: Any shape, floating point.
///   - targets: The same shape.
///   - beta: At least 0, in the predictions' units.
///   - reduction: Over all elements.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: PyTorch's `smooth_l1_loss`. Girshick, Fast R-CNN, 2015.
public func smoothL1(predictions: Tensor, targets: Tensor, beta: Double = 1, reduction: Reduction = .mean) throws -> Tensor {
    let distance = try residual(predictions, targets, "smoothL1").absolute()
    try require(beta >= 0 && beta.isFinite, "smoothL1", "beta >= 0", beta)
    guard beta > 0 else { return try reduction(distance) }
    let near = distance.clamped(max: beta)
    return try reduction((near / beta) * (distance - near * 0.5))
}

extension LossDescription {
    static let smoothL1Loss = LossDescription(
        "smoothL1", .regression, "Squared near 0, of slope 1 beyond beta",
        reference: "Girshick, Fast R-CNN, 2015; PyTorch smooth_l1_loss",
        inputs: [.init("predictions", ["n", "d"]), .init("targets", ["n", "d"])], options: [.number("beta", 1), .reduction]
    ) { try smoothL1(predictions: $0["predictions"], targets: $0["targets"], beta: $0.number("beta"), reduction: $0.reduction()) }
}
