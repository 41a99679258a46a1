import LossKitOps

/// How ``lossWeights(_:transform:temperature:strength:)`` turns a loss that is scaled to -1...1 into a preference.
public enum LossTransform: String, Sendable, CaseIterable {
    /// The loss itself: hard rows count more.
    case linear
    /// The loss, held at `strength - 1` from above: hard rows count more, the very hard no more than others.
    case linearUpper
    /// `strength (1 - h^2)`: rows of middling loss count more.
    case quadratic
    /// `strength |h|`: easy and hard rows count more.
    case extremes
}

/// Weights of a batch's rows by their losses: a softmax of transformed losses.
///
/// With the losses scaled to `h = 2 (l - min) / (max - min + 1e-8) - 1`: `softmax(f(h) / temperature)`. They sum to 1; no derivative is
/// carried through them.
///
/// - Parameters:
///   - losses: [N].
///   - transform: f.
///   - temperature: Above 0; growing, the weights become equal.
///   - strength: The paper's constant of the last three transforms.
/// - Note: Sow et al., Dynamic Loss-Based Sample Reweighting for Improved Large Language Model Pretraining, 2025.
///   The softmax is certain; where exactly the linear transform is held is not, so it is an option.
public func lossWeights(_ losses: Tensor, transform: LossTransform = .linear, temperature: Double = 1, strength: Double = 1) throws
    -> Tensor
{
    try requireShape(losses, [nil], "losses", "lossWeights")
    try requireFloatingPoint(losses, "lossWeights")
    try require(temperature > 0, "lossWeights", "temperature > 0", temperature)
    let held = stopGradient(losses)
    guard losses.count > 0 else { return held }
    let (low, high) = try (held.min(), held.max())
    let scaled = (held - low) / (high - low + 1e-8) * 2 - 1
    let preference: Tensor
    switch transform {
    case .linear: preference = scaled
    case .linearUpper: preference = scaled.clamped(max: strength - 1)
    case .quadratic: preference = (1 - scaled.square()) * strength
    case .extremes: preference = scaled.absolute() * strength
    }
    return try (preference / temperature).softmax(axis: 0)
}

/// A batch's losses, weighted by themselves.
///
/// `sum_i w_i l_i` with the weights of ``lossWeights(_:transform:temperature:strength:)``; gradient `w`.
///
/// - Parameters:
///   - losses: [N].
///   - transform: What is preferred.
///   - temperature: Above 0.
///   - strength: See there.
/// - Returns: A scalar; of no losses, 0.
/// - Throws: Shape mismatches; a temperature of 0 or below.
public func reweighted(losses: Tensor, transform: LossTransform = .linear, temperature: Double = 1, strength: Double = 1) throws -> Tensor {
    try (losses * lossWeights(losses, transform: transform, temperature: temperature, strength: strength)).sum()
}

/// EnsLoss: a random convex and calibrated loss, of which only the gradient matters, drawn anew at each step.
///
/// With margins `s = (2 t - 1) z`, each row is given a negative slope g, and the value is `g s`, g held: gradient `g (2 t - 1)`.
/// The slopes are `-BC^-1(noise)`, at least -1, ascending with the margins; where `s > 1` they are multiplied by `1 / s`, and all are
/// lowered by 1e-6.
///
/// - Parameters:
///   - logits: [N].
///   - targets: [N], 0 or 1.
///   - noise: [N], of a normal distribution, one draw for each step.
///   - lambda: Of the inverse Box-Cox transform `max(1 + lambda x, 0)^(1 / lambda)`, at 0 `exp`.
///   - reduction: Over rows.
/// - Throws: Shape mismatches; lambda below 0.
/// - Note: Sorting runs on the host. Dai, EnsLoss: Stochastic Calibrated Loss Ensembles for Preventing Overfitting in Classification, 2024.
public func ensLoss(logits: Tensor, targets: Tensor, noise: Tensor, lambda: Double = 0, reduction: Reduction = .mean) throws -> Tensor {
    try requireShape(logits, [nil], "logits", "ensLoss")
    try requireFloatingPoint(logits, "ensLoss")
    try requireEqualShapes(logits, targets, "ensLoss")
    try requireEqualShapes(logits, noise, "ensLoss")
    try require(lambda >= 0, "ensLoss", "lambda >= 0", lambda)
    let margins = (targets * 2 - 1) * logits
    let drawn = stopGradient(noise)
    let spread = lambda == 0 ? drawn.exp() : (drawn * lambda + 1).relu().power(1 / lambda)
    let slopes = try (-spread).clamped(min: -1).sorted()
    // The k-th smallest margin takes the k-th smallest slope.
    let held = stopGradient(margins)
    let ranks = try held.argSort().argSort()
    let tail = held.clamped(min: 1).reciprocal()
    let given = try slopes.takeAlongAxis(ranks, axis: 0) * tail - 1e-6
    return try reduction(margins * given)
}

extension LossDescription {
    static let reweightedLoss = LossDescription(
        "reweighted", .classification, "A batch's losses, weighted by themselves",
        reference: "Sow et al., Dynamic Loss-Based Sample Reweighting for Improved Large Language Model Pretraining, 2025",
        inputs: [.init("losses", ["n"], .real(0...3))],
        options: [.choice("transform", LossTransform.linear), .number("temperature", 1), .number("strength", 1)],
        catalogue: ["dynamic-loss-based-sample-reweighting-for-improved-large-language"]
    ) {
        try reweighted(
            losses: $0["losses"], transform: $0.choice("transform"), temperature: $0.number("temperature"), strength: $0.number("strength"))
    }

    static let ensLossLoss = LossDescription(
        "ensLoss", .classification, "A random convex and calibrated loss, drawn anew at each step",
        reference: "Dai, EnsLoss: Stochastic Calibrated Loss Ensembles for Preventing Overfitting in Classification, 2024",
        inputs: [
            .init("logits", ["n"]), .init("targets", ["n"], .integers(0...1)),
            .init("noise", ["n"], .real(-2...2), isDifferentiable: false),
        ],
        options: [.number("lambda", 0), .reduction],
        catalogue: ["ensloss-stochastic-calibrated-loss-ensembles-for-preventing-overfitting-in"]
    ) {
        try ensLoss(
            logits: $0["logits"], targets: $0["targets"], noise: $0["noise"], lambda: $0.number("lambda"), reduction: $0.reduction())
    }
}
