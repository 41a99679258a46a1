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
    return try reduction(residual(predictions, targets, "mse").square())
}

extension LossDescription {
    static let mseLoss = LossDescription(
        "mse", .regression, "Mean squared error",
        reference: "PyTorch mse_loss",
        inputs: [.init("predictions", ["n", "d"]), .init("targets", ["n", "d"])], options: [.reduction]
    ) { try mse(predictions: $0["predictions"], targets: $0["targets"], reduction: $0.reduction()) }
}
