import LossKitOps

/// Direct coverage optimisation: the chance that one of N samples of a sequence is right.
///
/// With `p` the probability of the whole sequence: `-log(1 - (1 - p)^N)`, for N = 1 its negative log-likelihood.
/// Gradient `F (softmax - onehot)` at every token, `F = N p (1 - p)^(N - 1) / (1 - (1 - p)^N)`.
///
/// - Parameters:
///   - logits: [B, T, V].
///   - targets: [B, T], integers.
///   - samples: N >= 1.
///   - ignoreIndex: Tokens with this index are not part of the sequence.
///   - reduction: Over sequences.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the token; shape and type mismatches; N below 1.
/// - Note: By series where N p is small, so that sequences of vanishing probability keep value and gradient.
///   Chen et al., Rethinking Fine-Tuning when Scaling Test-Time Compute, 2025. For its step-wise form, give each step as a sequence.
public func directCoverage(
    logits: Tensor, targets: Tensor, samples: Int = 4, ignoreIndex: Int = -100, reduction: Reduction = .mean
) throws -> Tensor {
    try require(samples >= 1, "directCoverage", "samples >= 1", samples)
    let likelihood = try sequenceLogProbabilities(logits: logits, targets: targets, ignoreIndex: ignoreIndex)
    if samples == 1 { return try reduction(-likelihood) }
    let held = likelihood.clamped(max: -1e-12)
    let count = Double(samples)
    // r = -N log(1 - p): the loss is -log(1 - exp(-r)).
    let exponent = (-held.expm1()).log() * -count
    let isSmall = exponent .< 0.05
    let rate = Tensor.select(isSmall, try exponent.constant(1), exponent)
    let likely = -((-rate).expm1())
    let large = -(likely.log())
    // log(1 - exp(-r)) = log N + log p + log(-log(1 - p) / p) + log((1 - exp(-r)) / r), the last two by their series.
    let zero = try exponent.constant(0)
    let (p, r) = (Tensor.select(isSmall, held.exp(), zero), Tensor.select(isSmall, exponent, zero))
    let inP = (p * 0.25 + 0.3333333333333333) * p + 0.5
    let inR = (r * -0.041666666666666664 + 0.16666666666666666) * r - 0.5
    let series = (inP * p).log1p() + (inR * r).log1p()
    let small = try -(held + series + exponent.constant(count).log())
    return try reduction(Tensor.select(isSmall, small, large))
}

/// Log-probabilities of token sequences: the sum of their tokens' log-softmax.
///
/// - Parameters:
///   - logits: [B, T, V].
///   - targets: [B, T], integers; logits at t are those that predict the token at t.
///   - ignoreIndex: Tokens with this index count for nothing.
/// - Returns: [B], not above 0; gradient `onehot - softmax` at every token.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the token; shape and type mismatches.
public func sequenceLogProbabilities(logits: Tensor, targets: Tensor, ignoreIndex: Int = -100) throws -> Tensor {
    try requireShape(logits, [nil, nil, nil], "logits", "sequenceLogProbabilities")
    let (batch, time, vocabulary) = (logits.shape[0], logits.shape[1], logits.shape[2])
    let targets = try checkedClasses(
        targets, shape: [batch, time], below: vocabulary, ignoring: ignoreIndex, "sequenceLogProbabilities")
    let tokens = try crossEntropy(
        logits: logits.reshaped([batch * time, vocabulary]), targets: targets.reshaped([batch * time]), ignoreIndex: ignoreIndex,
        reduction: .none)
    return try -tokens.reshaped([batch, time]).sum(axes: [1])
}

extension LossDescription {
    static let directCoverageLoss = LossDescription(
        "directCoverage", .classification, "The chance that one of N sampled sequences is right",
        reference:
            "Chen et al., Rethinking Fine-Tuning when Scaling Test-Time Compute: Limiting Confidence Improves Mathematical Reasoning, 2025",
        inputs: [.init("logits", ["n", "t", "classes"]), .init("targets", ["n", "t"], .classes("classes"))],
        options: [.integer("samples", 4), .integer("ignoreIndex", -100), .reduction],
        catalogue: ["rethinking-fine-tuning-when-scaling-test-time-compute-limiting"]
    ) {
        try directCoverage(
            logits: $0["logits"], targets: $0["targets"], samples: $0.integer("samples"), ignoreIndex: $0.integer("ignoreIndex"),
            reduction: $0.reduction())
    }
}
