import LossKitOps

/// One minus the signal Dice similarity coefficient: how far two signals are from sharing sign and height at each time.
///
/// Of a row, with `g = sigmoid(alpha p t)`: `1 - (2 sum g min(|p|, |t|) + epsilon) / (sum (|p| + |t|) + epsilon)`. Without `alpha` the gate
/// is `1[p t > 0]`, held still. Gradient through gate and minimum.
///
/// - Parameters:
///   - predictions: [..., t], floating point, time last.
///   - targets: The same shape.
///   - alpha: Above 0, or nil for the hard gate, which is the metric itself.
///   - epsilon: At least 0; two signals of zeros agree by it.
///   - reduction: Over rows.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Lee et al., SDSC: A Structure-Aware Metric for Semantic Signal Representation Learning, 2025.
public func signalDice(
    predictions: Tensor, targets: Tensor, alpha: Double? = 10, epsilon: Double = 1e-6, reduction: Reduction = .mean
) throws -> Tensor {
    try requireEqualShapes(predictions, targets, "signalDice")
    try requireFloatingPoint(predictions, "signalDice")
    try require(predictions.rank > 0, "signalDice", "signals [..., t]", predictions.shape)
    try require(alpha.map { $0 > 0 } ?? true, "signalDice", "alpha > 0", alpha ?? 0)
    try require(epsilon >= 0, "signalDice", "epsilon >= 0", epsilon)
    let (p, t) = (predictions.inArithmetic(), targets.inArithmetic())
    let agreement = p * t
    let gate = alpha.map { (agreement * $0).sigmoid() } ?? (agreement .> 0).asType(p.dtype)
    let shared = try (gate * Tensor.minimum(p.absolute(), t.absolute())).sum(axes: [-1])
    let total = try (p.absolute() + t.absolute()).sum(axes: [-1]) + epsilon
    return try reduction((total - shared * 2 - epsilon) / total).asType(predictions.dtype)
}

extension LossDescription {
    static let signalDiceLoss = LossDescription(
        "signalDice", .regression, "One minus the signal Dice similarity coefficient",
        reference: "Lee et al., SDSC: A Structure-Aware Metric for Semantic Signal Representation Learning, 2025",
        inputs: [.init("predictions", ["n", "t"]), .init("targets", ["n", "t"])],
        options: [.number("alpha", 10), .flag("isHard", false), .number("epsilon", 1e-6), .reduction],
        catalogue: ["sdsc-a-structure-aware-metric-for-semantic-signal-representation"]
    ) {
        try signalDice(
            predictions: $0["predictions"], targets: $0["targets"], alpha: $0.flag("isHard") ? nil : $0.number("alpha"),
            epsilon: $0.number("epsilon"), reduction: $0.reduction())
    }
}
