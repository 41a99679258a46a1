import LossKitOps

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
    return try reduction(residual(predictions, targets, "l1").absolute())
}

extension LossDescription {
    static let l1Loss = LossDescription(
        "l1", .regression, "Mean absolute error",
        reference: "PyTorch l1_loss",
        inputs: [.init("predictions", ["n", "d"]), .init("targets", ["n", "d"])], options: [.reduction]
    ) { try l1(predictions: $0["predictions"], targets: $0["targets"], reduction: $0.reduction()) }
}
