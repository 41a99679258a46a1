import LossKitOps

/// Log-cosh loss: half the square near 0, the distance less log 2 far from it, smooth everywhere.
///
/// `log cosh r` with `r = p - t`; gradient `tanh r`. Computed as `log1p(2 sinh(r / 2)^2)` up to 1 and as `|r| + log1p(exp(-2 |r|)) - log 2`
/// beyond, so that neither small residuals cancel nor large ones overflow.
///
/// - Parameters:
///   - predictions: Any shape, floating point.
///   - targets: The same shape.
///   - reduction: Over all elements.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``.
/// - Note: Keras's `log_cosh`. Green, Bayesian Reconstructions From Emission Tomography Data Using a Modified EM Algorithm, 1990.
public func logCosh(predictions: Tensor, targets: Tensor, reduction: Reduction = .mean) throws -> Tensor {
    let residual = try residual(predictions, targets, "logCosh")
    return try reduction(
        residual.nearAndFar(
            { (($0 * 0.5).sinh().square() * 2).log1p() }, { $0 + ($0 * -2).exp().log1p() - 0.6931471805599453 }))
}

extension LossDescription {
    static let logCoshLoss = LossDescription(
        "logCosh", .regression, "Logarithm of the hyperbolic cosine of the residual",
        reference: "Green, Bayesian Reconstructions From Emission Tomography Data Using a Modified EM Algorithm, 1990",
        inputs: [.init("predictions", ["n", "d"]), .init("targets", ["n", "d"])], options: [.reduction]
    ) { try logCosh(predictions: $0["predictions"], targets: $0["targets"], reduction: $0.reduction()) }
}
