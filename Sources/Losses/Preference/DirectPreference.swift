import LossKitOps

/// Direct preference optimisation: the chosen sequence gains more over the reference than the rejected one.
///
/// With `h = (chosen - referenceChosen) - (rejected - referenceRejected)` of sequence log-probabilities:
/// `-(1 - labelSmoothing) log sigmoid(beta h) - labelSmoothing log sigmoid(-beta h)`. Gradient to h
/// `beta (labelSmoothing - sigmoid(-beta h))`.
///
/// - Parameters:
///   - chosen: [N], of the policy; see ``sequenceLogProbabilities(logits:targets:ignoreIndex:)``.
///   - rejected: [N], of the policy.
///   - referenceChosen: [N], of the frozen reference; no derivative is carried to it.
///   - referenceRejected: [N], of the frozen reference.
///   - beta: Above 0.
///   - labelSmoothing: In 0 ..< 1/2, the share of preferences taken to be flipped (conservative DPO).
///   - reduction: Over pairs.
/// - Throws: Shape mismatches; options out of range.
/// - Note: Finite for every finite log-probability. Rafailov et al., Direct Preference Optimization, 2023.
///   The fast module of fast-slow chasing (Qi et al., Online DPO, 2024) adds the same loss with the slow module as reference, weighted.
public func directPreference(
    chosen: Tensor, rejected: Tensor, referenceChosen: Tensor, referenceRejected: Tensor, beta: Double = 0.1, labelSmoothing: Double = 0,
    reduction: Reduction = .mean
) throws -> Tensor {
    let gain = try preferenceGain(chosen, rejected, referenceChosen, referenceRejected, beta: beta, "directPreference")
    try require((0..<0.5).contains(labelSmoothing), "directPreference", "labelSmoothing in 0 ..< 0.5", labelSmoothing)
    return try reduction((-gain).softplus() * (1 - labelSmoothing) + gain.softplus() * labelSmoothing)
}

/// Provably robust DPO: an unbiased estimate of the clean preference loss where a share of the preferences is flipped.
///
/// `(-(1 - flipRate) log sigmoid(beta h) + flipRate log sigmoid(-beta h)) / (1 - 2 flipRate)`; gradient to h
/// `-beta (sigmoid(-beta h) + flipRate / (1 - 2 flipRate))`. Its mean over flips is
/// ``directPreference(chosen:rejected:referenceChosen:referenceRejected:beta:labelSmoothing:reduction:)``.
///
/// - Parameters:
///   - chosen: [N], sequence log-probabilities of the policy.
///   - rejected: [N], of the policy.
///   - referenceChosen: [N], of the frozen reference; no derivative is carried to it.
///   - referenceRejected: [N], of the frozen reference.
///   - beta: Above 0.
///   - flipRate: In 0 ..< 1/2.
///   - reduction: Over pairs.
/// - Throws: Shape mismatches; options out of range.
/// - Note: Unbounded below as h grows. Ray Chowdhury, Kini and Natarajan, Provably Robust DPO, 2024.
public func robustDirectPreference(
    chosen: Tensor, rejected: Tensor, referenceChosen: Tensor, referenceRejected: Tensor, beta: Double = 0.1, flipRate: Double = 0.1,
    reduction: Reduction = .mean
) throws -> Tensor {
    let gain = try preferenceGain(chosen, rejected, referenceChosen, referenceRejected, beta: beta, "robustDirectPreference")
    try require((0..<0.5).contains(flipRate), "robustDirectPreference", "flipRate in 0 ..< 0.5", flipRate)
    // softplus(x) - softplus(-x) = x.
    return try reduction((-gain).softplus() - gain * (flipRate / (1 - 2 * flipRate)))
}

/// The fast module's loss in online DPO with fast-slow chasing.
///
/// Direct preference against the reference, and `chasing` times direct preference against the slow module, which is held still.
///
/// - Parameters:
///   - chosen: [N], sequence log-probabilities of the fast module.
///   - rejected: [N], of the fast module.
///   - referenceChosen: [N], of the frozen reference; no derivative is carried to it.
///   - referenceRejected: [N], of the frozen reference.
///   - slowChosen: [N], of the slow module; no derivative is carried to it.
///   - slowRejected: [N], of the slow module.
///   - beta: Above 0.
///   - chasing: Weight of the second term.
///   - reduction: Over pairs.
/// - Throws: Shape mismatches; options out of range.
/// - Note: The weight has no published default that could be checked. Qi et al., Online DPO: Online Direct Preference Optimization with
///   Fast-Slow Chasing, 2024.
public func fastSlowPreference(
    chosen: Tensor, rejected: Tensor, referenceChosen: Tensor, referenceRejected: Tensor, slowChosen: Tensor, slowRejected: Tensor,
    beta: Double = 0.1, chasing: Double = 1, reduction: Reduction = .mean
) throws -> Tensor {
    let gain = try preferenceGain(chosen, rejected, referenceChosen, referenceRejected, beta: beta, "fastSlowPreference")
    let lead = try preferenceGain(chosen, rejected, slowChosen, slowRejected, beta: beta, "fastSlowPreference")
    return try reduction((-gain).softplus() + (-lead).softplus() * chasing)
}

/// beta times how much more the chosen sequence gained over the reference than the rejected one.
private func preferenceGain(
    _ chosen: Tensor, _ rejected: Tensor, _ referenceChosen: Tensor, _ referenceRejected: Tensor, beta: Double, _ operation: String
) throws -> Tensor {
    try requireShape(chosen, [nil], "chosen", operation)
    try requireFloatingPoint(chosen, operation)
    for other in [rejected, referenceChosen, referenceRejected] { try requireEqualShapes(chosen, other, operation) }
    try require(beta > 0, operation, "beta > 0", beta)
    let gained = chosen - stopGradient(referenceChosen)
    return (gained - (rejected - stopGradient(referenceRejected))) * beta
}

/// Negative preference optimisation: unlearning that slows down as the sequence becomes unlikely.
///
/// `2 / beta softplus(beta (logp - reference))`; gradient `2 sigmoid(beta (logp - reference))`, that of gradient ascent times a weight of
/// at most 2.
///
/// - Parameters:
///   - logProbabilities: [N], of the sequences to forget; see ``sequenceLogProbabilities(logits:targets:ignoreIndex:)``.
///   - reference: [N], of the frozen reference; no derivative is carried to it.
///   - beta: Above 0; towards 0 the gradient is that of gradient ascent.
///   - reduction: Over sequences.
/// - Throws: Shape mismatches; beta of 0 or below.
/// - Note: To retain the rest, add cross-entropy or ``klDivergence(logProbabilities:targets:logTarget:reduction:)`` on data to keep.
///   Zhang et al., Negative Preference Optimization: From Catastrophic Collapse to Effective Unlearning, 2024.
public func negativePreference(
    logProbabilities: Tensor, reference: Tensor, beta: Double = 0.1, reduction: Reduction = .mean
) throws -> Tensor {
    try requireShape(logProbabilities, [nil], "log-probabilities", "negativePreference")
    try requireFloatingPoint(logProbabilities, "negativePreference")
    try requireEqualShapes(logProbabilities, reference, "negativePreference")
    try require(beta > 0, "negativePreference", "beta > 0", beta)
    return try reduction(((logProbabilities - stopGradient(reference)) * beta).softplus() * (2 / beta))
}

/// Self-improving robust preference optimisation: squared losses of a policy and of a policy that improves its completions.
///
/// With `r` the policy's and `d(a | b)` the improver's log-ratios to the reference, w the chosen and l the rejected completion, P the
/// probability of the preference:
/// robust `(P - 1/2 - beta / 2 (d(w|l) - d(l|w) + r_w - r_l))^2`; improving, the mean of `(P - 1/2 - beta (d(w|l) - d(l|l)))^2` and
/// `(1/2 - P - beta (d(l|w) - d(w|w)))^2`; `alpha robust + (1 - alpha) improving`.
///
/// - Parameters:
///   - chosen: [N], r_w.
///   - rejected: [N], r_l.
///   - chosenGivenRejected: [N], d(w|l).
///   - rejectedGivenChosen: [N], d(l|w).
///   - rejectedGivenRejected: [N], d(l|l).
///   - chosenGivenChosen: [N], d(w|w).
///   - beta: Above 0.
///   - alpha: In 0...1.
///   - probability: P, in 0...1.
///   - reduction: Over pairs.
/// - Throws: Shape mismatches; options out of range.
/// - Note: Which of the terms alpha weighs could not be checked against the paper's text.
///   Choi et al., Self-Improving Robust Preference Optimization, 2024.
public func selfImprovingPreference(
    chosen: Tensor, rejected: Tensor, chosenGivenRejected: Tensor, rejectedGivenChosen: Tensor, rejectedGivenRejected: Tensor,
    chosenGivenChosen: Tensor, beta: Double = 0.1, alpha: Double = 0.5, probability: Double = 1, reduction: Reduction = .mean
) throws -> Tensor {
    let operation = "selfImprovingPreference"
    for other in [rejected, chosenGivenRejected, rejectedGivenChosen, rejectedGivenRejected, chosenGivenChosen] {
        try requireEqualShapes(chosen, other, operation)
    }
    try requireFloatingPoint(chosen, operation)
    try require(beta > 0, operation, "beta > 0", beta)
    try require((0...1).contains(alpha) && (0...1).contains(probability), operation, "alpha and probability in 0...1", (alpha, probability))
    let edge = probability - 0.5
    let both = chosenGivenRejected - rejectedGivenChosen + (chosen - rejected)
    let robust = (edge - both * (beta / 2)).square()
    let up = (edge - (chosenGivenRejected - rejectedGivenRejected) * beta).square()
    let down = (-edge - (rejectedGivenChosen - chosenGivenChosen) * beta).square()
    return try reduction(robust * alpha + (up + down) * ((1 - alpha) / 2))
}
