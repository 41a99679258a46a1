import LossKitOps

/// Mean squared error.
///
/// `(p - t)^2`; gradient with respect to the predictions `2 (p - t)`.
///
/// - Parameters:
///   - predictions: Any shape, floating point.
///   - targets: The same shape.
///   - reduction: Over all elements.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``.
public func mse(predictions: Tensor, targets: Tensor, reduction: Reduction = .mean) throws -> Tensor {
    try requireEqualShapes(predictions, targets, "mse")
    return try reduction((predictions - targets).square())
}

/// Mean absolute error.
///
/// `|p - t|`; gradient `sign(p - t)`, 0 where they are equal.
///
/// - Parameters:
///   - predictions: Any shape, floating point.
///   - targets: The same shape.
///   - reduction: Over all elements.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``.
public func l1(predictions: Tensor, targets: Tensor, reduction: Reduction = .mean) throws -> Tensor {
    try requireEqualShapes(predictions, targets, "l1")
    return try reduction((predictions - targets).absolute())
}

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
    try requireEqualShapes(predictions, targets, "huber")
    try require(delta > 0, "huber", "delta > 0", delta)
    let residual = (predictions - targets).absolute()
    let near = residual.clamped(max: delta)
    return try reduction(near * (residual - near * 0.5))
}

/// Pseudo-Huber loss: a smooth Huber loss.
///
/// `delta^2 (sqrt(1 + (r / delta)^2) - 1)` with `r = p - t`; gradient `r / sqrt(1 + (r / delta)^2)`. Computed as
/// `r^2 / (sqrt(1 + (r / delta)^2) + 1)`, which does not cancel for small residuals.
///
/// - Parameters:
///   - predictions: Any shape, floating point.
///   - targets: The same shape.
///   - delta: Above 0, in the predictions' units.
///   - reduction: Over all elements.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Charbonnier et al., Deterministic Edge-Preserving Regularization in Computed Imaging, 1997.
public func pseudoHuber(predictions: Tensor, targets: Tensor, delta: Double = 1, reduction: Reduction = .mean) throws -> Tensor {
    try requireEqualShapes(predictions, targets, "pseudoHuber")
    try require(delta > 0, "pseudoHuber", "delta > 0", delta)
    let squared = (predictions - targets).square()
    return try reduction(squared / ((squared / (delta * delta) + 1).squareRoot() + 1))
}
