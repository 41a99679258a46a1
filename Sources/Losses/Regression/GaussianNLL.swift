import LossKitOps

/// Negative log-likelihood of targets under normal distributions whose variances are predicted too.
///
/// With `v = max(variance, epsilon)`: `(log v + (p - t)^2 / v) / 2`, and `log(2 pi) / 2` more with `full`. Gradient to the predictions
/// `(p - t) / v`, to the variances `(1 - (p - t)^2 / v) / (2 v)`, also where they are held at `epsilon`.
///
/// - Parameters:
///   - predictions: Any shape, floating point: means.
///   - targets: The same shape.
///   - variances: The same shape, or of a last extent of 1 for one variance a row; what is below `epsilon` counts as that.
///   - full: Whether the constant counts.
///   - epsilon: Above 0.
///   - reduction: Over all elements.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: PyTorch's `gaussian_nll_loss`. Nix and Weigend, Estimating the Mean and Variance of the Target Probability Distribution, 1994.
public func gaussianNLL(
    predictions: Tensor, targets: Tensor, variances: Tensor, full: Bool = false, epsilon: Double = 1e-6, reduction: Reduction = .mean
) throws -> Tensor {
    let residual = try residual(predictions, targets, "gaussianNLL")
    try require(epsilon > 0, "gaussianNLL", "epsilon > 0", epsilon)
    let shape = try variances.checked().shape
    guard shape == residual.shape || (residual.rank > 0 && shape == residual.shape.dropLast() + [1]) else {
        throw TensorError.shapeMismatch(
            operation: "gaussianNLL", expected: "variances of the predictions' shape or with a last extent of 1",
            actual: [residual.shape, shape])
    }
    let held = variances - stopGradient(variances) + epsilon
    let variance = Tensor.select(variances .< epsilon, held, variances)
    let likelihood = (variance.log() + residual * (residual / variance)) * 0.5
    return try reduction(full ? likelihood + 0.9189385332046727 : likelihood)
}

extension LossDescription {
    static let gaussianNLLLoss = LossDescription(
        "gaussianNLL", .regression, "Negative log-likelihood under normal distributions of predicted variance",
        reference: "Nix and Weigend, Estimating the Mean and Variance of the Target Probability Distribution, 1994",
        inputs: [.init("predictions", ["n", "d"]), .init("targets", ["n", "d"]), .init("variances", ["n", "d"], .real(0.2...3))],
        options: [.flag("full", false), .number("epsilon", 1e-6), .reduction]
    ) {
        try gaussianNLL(
            predictions: $0["predictions"], targets: $0["targets"], variances: $0["variances"], full: $0.flag("full"),
            epsilon: $0.number("epsilon"), reduction: $0.reduction())
    }
}
