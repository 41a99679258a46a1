import LossKitOps

/// Quantile (pinball) loss, whose minimiser is a quantile of the targets.
///
/// With `r = t - p`: `max(q r, (q - 1) r)`; gradient `-q` below the target, `1 - q` above it. Half the L1 loss at `q = 1/2`.
///
/// - Parameters:
///   - predictions: Any shape, floating point.
///   - targets: The same shape.
///   - quantile: Between 0 and 1.
///   - reduction: Over all elements.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Koenker and Bassett, Regression Quantiles, 1978.
public func quantile(predictions: Tensor, targets: Tensor, quantile q: Double = 0.5, reduction: Reduction = .mean) throws -> Tensor {
    let above = try residual(predictions, targets, "quantile")
    try require(q > 0 && q < 1, "quantile", "quantile between 0 and 1", q)
    return try reduction(above.relu() * (1 - q) + (-above).relu() * q)
}

extension LossDescription {
    static let quantileLoss = LossDescription(
        "quantile", .regression, "Quantile (pinball) loss", reference: "Koenker and Bassett, Regression Quantiles, 1978",
        inputs: [.init("predictions", ["n", "d"]), .init("targets", ["n", "d"])], options: [.number("quantile", 0.5), .reduction]
    ) {
        try quantile(
            predictions: $0["predictions"], targets: $0["targets"], quantile: $0.number("quantile"), reduction: $0.reduction())
    }
}
