import LossKitOps

/// Negative log-likelihood of counts under Poisson distributions.
///
/// `exp(x) - t x` of a logarithm of the rate, gradient `exp(x) - t`; of the rate itself `x - t log(x + epsilon)`.
/// `full` adds Stirling's `t log t - t + log(2 pi t) / 2` where `t > 1`, a constant of the targets.
///
/// - Parameters:
///   - predictions: Any shape, floating point: rates or their logarithms.
///   - targets: The same shape: counts, not below 0.
///   - logInput: Whether predictions are logarithms.
///   - full: Whether the constant of the targets counts.
///   - epsilon: At least 0, keeps the logarithm of a rate of 0 finite.
///   - reduction: Over all elements.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: PyTorch's `poisson_nll_loss`.
public func poissonNLL(
    predictions: Tensor, targets: Tensor, logInput: Bool = true, full: Bool = false, epsilon: Double = 1e-8,
    reduction: Reduction = .mean
) throws -> Tensor {
    try requireEqualShapes(predictions, targets, "poissonNLL")
    try requireFloatingPoint(predictions, "poissonNLL")
    try require(epsilon >= 0, "poissonNLL", "epsilon >= 0", epsilon)
    let elements = logInput ? predictions.exp() - targets * predictions : predictions - targets * (predictions + epsilon).log()
    guard full else { return try reduction(elements) }
    let counts = targets.asType(predictions.dtype).clamped(min: 1)
    let stirling = counts * counts.log() - counts + (counts * (2 * Double.pi)).log() * 0.5
    return try reduction(elements + Tensor.select(targets .> 1, stirling, predictions.constant(0)))
}

extension LossDescription {
    static let poissonNLLLoss = LossDescription(
        "poissonNLL", .regression, "Negative log-likelihood of counts under Poisson distributions", reference: "PyTorch poisson_nll_loss",
        inputs: [
            .init("predictions", ["n", "d"], .real(0.1...2)), .init("targets", ["n", "d"], .real(0...5), isDifferentiable: false),
        ],
        options: [.flag("logInput", true), .flag("full", false), .number("epsilon", 1e-8), .reduction]
    ) {
        try poissonNLL(
            predictions: $0["predictions"], targets: $0["targets"], logInput: $0.flag("logInput"), full: $0.flag("full"),
            epsilon: $0.number("epsilon"), reduction: $0.reduction())
    }
}
