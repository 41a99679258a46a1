import LossKitOps

/// What becomes of a divergence's elements: a ``Reduction``, or the sum divided by the number of rows.
public enum DivergenceReduction: String, Sendable, CaseIterable {
    /// They are returned as they are.
    case none
    /// Their mean over all elements, which is not the divergence's mean over rows.
    case mean
    /// Their sum divided by the first extent: the mean divergence of a row.
    case batchMean
    /// Their sum.
    case sum
}

/// Kullback-Leibler divergence of target probabilities from log-probabilities.
///
/// `t (log t - logp)` by elements, 0 where t is 0; gradient `-t` to the log-probabilities, `log t + 1 - logp` to the targets.
/// With `logTarget` the targets are logarithms: `exp(t) (t - logp)`.
///
/// - Parameters:
///   - logProbabilities: Any shape, floating point.
///   - targets: The same shape: probabilities, or their logarithms.
///   - logTarget: Whether the targets are logarithms.
///   - reduction: As PyTorch's: `mean` divides by the number of elements, `batchMean` by the first extent.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``.
/// - Note: PyTorch's `kl_div`. Kullback and Leibler, On Information and Sufficiency, 1951.
public func klDivergence(
    logProbabilities: Tensor, targets: Tensor, logTarget: Bool = false, reduction: DivergenceReduction = .mean
) throws -> Tensor {
    try requireEqualShapes(logProbabilities, targets, "klDivergence")
    try requireFloatingPoint(logProbabilities, "klDivergence")
    let elements: Tensor
    if logTarget {
        elements = targets.exp() * (targets - logProbabilities)
    } else {
        let isZero = targets .== 0
        let entropy = targets * Tensor.select(isZero, try targets.constant(1), targets).log()
        elements = entropy - targets * logProbabilities
    }
    switch reduction {
    case .none: return elements
    case .mean: return try elements.mean()
    case .sum: return try elements.sum()
    case .batchMean: return try elements.sum() / Double(elements.shape.first ?? 1)
    }
}

extension LossDescription {
    static let klDivergenceLoss = LossDescription(
        "klDivergence", .divergence, "Kullback-Leibler divergence of targets from log-probabilities",
        reference: "Kullback and Leibler, On Information and Sufficiency, 1951; PyTorch kl_div",
        inputs: [.init("logProbabilities", ["n", "classes"], .real(-4...(-0.1))), .init("targets", ["n", "classes"], .probabilities)],
        options: [.flag("logTarget", false), .choice("reduction", DivergenceReduction.mean)]
    ) {
        try klDivergence(
            logProbabilities: $0["logProbabilities"], targets: $0["targets"], logTarget: $0.flag("logTarget"),
            reduction: $0.choice("reduction"))
    }
}
