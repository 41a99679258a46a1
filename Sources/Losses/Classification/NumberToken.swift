import LossKitOps

/// What ``numberToken(logits:targets:values:form:ignoreIndex:)`` compares.
public enum NumberTokenForm: String, Sendable, CaseIterable {
    /// The squared distance of the expected value from the label's.
    case meanSquared
    /// The Wasserstein distance of the values' distribution from the label's value.
    case wasserstein
}

/// Number token loss: how far the predicted number tokens lie from the label's number.
///
/// At tokens whose label is a number y, with p the softmax over the number tokens alone and V their values: `sum_j p_j |y - V_j|`, the
/// Wasserstein distance, or `(y - sum_j p_j V_j)^2`. The mean over those tokens; where there are none, 0.
/// Gradients `p_k (|y - V_k| - L)` and `2 (yhat - y) p_k (V_k - yhat)`, 0 at other tokens. Added to cross-entropy with a weight (the
/// authors: 0.3).
///
/// - Parameters:
///   - logits: [..., V].
///   - targets: The same shape without V, integers.
///   - values: [V], each token's number, NaN where it is none.
///   - form: What to compare.
///   - ignoreIndex: Tokens with this label count for nothing.
/// - Returns: A scalar.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the token; shape and type mismatches.
/// - Note: Zausinger et al., Regress, Don't Guess: A Regression-like Loss on Number Tokens for Language Models, 2025.
public func numberToken(
    logits: Tensor, targets: Tensor, values: Tensor, form: NumberTokenForm = .wasserstein, ignoreIndex: Int = -100
) throws -> Tensor {
    let operation = "numberToken"
    try requireFloatingPoint(logits, operation)
    try require(logits.rank >= 1, operation, "logits [..., V]", logits.shape)
    let vocabulary = logits.shape[logits.rank - 1]
    try requireShape(values, [vocabulary], "values", operation)
    let targets = try checkedClasses(
        targets, shape: Array(logits.shape.dropLast()), below: vocabulary, ignoring: ignoreIndex, operation)
    let numbers = try values.array(of: Double.self)
    let tokens = numbers.indices.filter { !numbers[$0].isNaN }
    let labels = try targets.array(of: Int.self)
    let places = labels.indices.filter { labels[$0] != ignoreIndex && !numbers[labels[$0]].isNaN }
    guard !places.isEmpty else { return try logits.constant(0) + logits.flattened().slice(axis: 0, from: 0, to: 0).sum() }
    let rows = try logits.reshaped([labels.count, vocabulary]).rows(at: Tensor(places, on: logits.device))
    let p = try rows.take(Tensor(tokens, on: logits.device), axis: 1).softmax()
    let worth = try Tensor(tokens.map { numbers[$0] }, dtype: logits.dtype, on: logits.device)
    let truth = try Tensor(places.map { numbers[labels[$0]] }, shape: [places.count, 1], dtype: logits.dtype, on: logits.device)
    switch form {
    case .wasserstein: return try (p * (truth - worth).absolute()).sum() / Double(places.count)
    case .meanSquared: return try (p * (worth - truth)).sum(axes: [1]).square().mean()
    }
}

/// Wasserstein distance of the predicted number from a distribution over number tokens.
///
/// `sum_j |P_j - Q_j| (V_{j+1} - V_j)` over the number tokens in order of their values, P and Q the running sums of the softmax over the
/// number tokens and of the target masses, which are normalised over them.
///
/// - Parameters:
///   - logits: [N, V].
///   - targets: [N, V], masses not negative, some on number tokens; no derivative is carried to them.
///   - values: [V], NaN where a token is no number.
///   - reduction: Over rows.
/// - Throws: Shape mismatches.
/// - Note: The general form of Zausinger et al., 2025, with the values' true spacing.
public func numberTokenDistribution(logits: Tensor, targets: Tensor, values: Tensor, reduction: Reduction = .mean) throws -> Tensor {
    let operation = "numberTokenDistribution"
    try requireShape(logits, [nil, nil], "logits", operation)
    try requireFloatingPoint(logits, operation)
    try requireEqualShapes(logits, targets, operation)
    try requireShape(values, [logits.shape[1]], "values", operation)
    let numbers = try values.array(of: Double.self)
    let order = numbers.indices.filter { !numbers[$0].isNaN }.sorted { (numbers[$0], $0) < (numbers[$1], $1) }
    guard order.count > 1 else { return try reduction(logits.slice(axis: 1, from: 0, to: 0).sum(axes: [1])) }
    let tokens = try Tensor(order, on: logits.device)
    let p = try logits.take(tokens, axis: 1).softmax()
    let masses = try stopGradient(targets).take(tokens, axis: 1)
    let q = try masses / masses.sum(axes: [1], keepDimensions: true).clamped(min: 1e-30)
    let gaps = zip(order.dropFirst(), order).map { numbers[$0] - numbers[$1] } + [0]
    let spacing = try Tensor(gaps, dtype: logits.dtype, on: logits.device)
    return try reduction(((p - q).cumulativeSum(axis: 1).absolute() * spacing).sum(axes: [1]))
}

extension LossDescription {
    private static let row = "regress-don-t-guess-a-regression-like-loss-on"
    private static let paper = "Zausinger et al., Regress, Don't Guess: A Regression-like Loss on Number Tokens for Language Models, 2025"

    static let numberTokenLoss = LossDescription(
        "numberToken", .classification, "How far predicted number tokens lie from the label's number", reference: paper,
        inputs: [
            .init("logits", ["n", "classes"]), .init("targets", ["n"], .classes("classes")),
            .init("values", ["classes"], .real(0...9), isDifferentiable: false),
        ],
        options: [.choice("form", NumberTokenForm.wasserstein), .integer("ignoreIndex", -100)], catalogue: [row]
    ) {
        try numberToken(
            logits: $0["logits"], targets: $0["targets"], values: $0["values"], form: $0.choice("form"),
            ignoreIndex: $0.integer("ignoreIndex"))
    }

    static let numberTokenDistributionLoss = LossDescription(
        "numberTokenDistribution", .classification, "Wasserstein distance of predicted numbers from a distribution", reference: paper,
        inputs: [
            .init("logits", ["n", "classes"]), .init("targets", ["n", "classes"], .probabilities, isDifferentiable: false),
            .init("values", ["classes"], .real(0...9), isDifferentiable: false),
        ],
        options: [.reduction], catalogue: [row]
    ) {
        try numberTokenDistribution(
            logits: $0["logits"], targets: $0["targets"], values: $0["values"], reduction: $0.reduction())
    }
}
