import LossKitOps

/// What a ``semanticPreference(chosen:rejected:referenceChosen:referenceRejected:form:beta:reduction:)`` demands of the chosen (w) and
/// rejected (l) sequence.
public enum PreferenceForm: String, Sendable, CaseIterable {
    /// That w holds: `log(p_w / (1 - p_w))`.
    case crossEntropy
    /// That w holds and l does not: `log(p_w (1 - p_l) / (p_l + (1 - p_l) (1 - p_w)))`.
    case unlikelihood
    /// Of exactly one, that it is w, both weighted alike: `log(p_w / p_l)` (CPO, SimPO; with a reference, DPO).
    case contrastive
    /// Of exactly one, that it is w: `log(p_w (1 - p_l) / (p_l (1 - p_w)))` (ORPO).
    case oddsRatio
    /// That l implies w: `log((p_w p_l + 1 - p_l) / (p_l (1 - p_w)))`.
    case implication
}

/// Preference losses as semantic losses: the log-ratio of the probability that a formula about two sequences holds to that it does not.
///
/// `softplus(-beta rho)` with rho of the form; gradient `-beta sigmoid(-beta rho)` times that of rho.
///
/// - Parameters:
///   - chosen: [N], log-probabilities below 0; lengths may have been divided out.
///   - rejected: [N], likewise.
///   - referenceChosen: [N] or nil: with both references `p_w ref_l` stands for `p_w` and `p_l ref_w` for `p_l`; no derivative is carried
///     to them.
///   - referenceRejected: [N] or nil.
///   - form: The formula.
///   - beta: Above 0.
///   - reduction: Over pairs.
/// - Throws: Shape mismatches; one reference without the other; beta of 0 or below.
/// - Note: In logarithms throughout; log-probabilities above -1e-12 count as that.
///   Richardson, Srikumar and Sabharwal, Understanding the Logic of Direct Preference Alignment through Logic, 2024.
public func semanticPreference(
    chosen: Tensor, rejected: Tensor, referenceChosen: Tensor? = nil, referenceRejected: Tensor? = nil, form: PreferenceForm = .contrastive,
    beta: Double = 1, reduction: Reduction = .mean
) throws -> Tensor {
    let operation = "semanticPreference"
    try requireEqualShapes(chosen, rejected, operation)
    try requireFloatingPoint(chosen, operation)
    try require(beta > 0, operation, "beta > 0", beta)
    try require((referenceChosen == nil) == (referenceRejected == nil), operation, "both references or none", "one")
    var (w, l) = (chosen, rejected)
    if let referenceChosen, let referenceRejected {
        try requireEqualShapes(chosen, referenceChosen, operation)
        try requireEqualShapes(chosen, referenceRejected, operation)
        (w, l) = (chosen + stopGradient(referenceRejected), rejected + stopGradient(referenceChosen))
    }
    let rho: Tensor
    switch form {
    case .contrastive: rho = w - l
    case .crossEntropy: rho = try w - logOneMinusExp(w)
    case .unlikelihood:
        let (notW, notL) = try (logOneMinusExp(w), logOneMinusExp(l))
        rho = w + notL - logAddExp(l, notL + notW)
    case .oddsRatio:
        let odds = try w - logOneMinusExp(w)
        rho = try odds - (l - logOneMinusExp(l))
    case .implication:
        let holds = try logAddExp(w + l, logOneMinusExp(l))
        rho = try holds - (l + logOneMinusExp(w))
    }
    return try reduction((rho * -beta).softplus())
}

/// log(1 - exp(x)) for x < 0, accurate on both sides of -log 2.
func logOneMinusExp(_ x: Tensor) throws -> Tensor {
    let held = x.clamped(max: -1e-12)
    let isNear = held .> -0.6931471805599453
    let one = try x.constant(-1)
    let near = (-Tensor.select(isNear, held, one).expm1()).log()
    let far = (-Tensor.select(isNear, one, held).exp()).log1p()
    return Tensor.select(isNear, near, far)
}

/// log(exp(a) + exp(b)).
func logAddExp(_ a: Tensor, _ b: Tensor) -> Tensor {
    Tensor.maximum(a, b) + (-(a - b).absolute()).exp().log1p()
}

/// Unlikelihood of tokens: what should not be said, made unlikely.
///
/// `-sum_t sum_v w_v log(1 - p_tv)` over the tokens that count; selective, only of the most likely v of each token.
/// Gradient `w_v p_v / (1 - p_v) (e_v - p)` summed over v. Added to cross-entropy with a weight (the authors: 0.1).
///
/// - Parameters:
///   - logits: [N, T, V].
///   - weights: [N, V], not negative, 0 for what may be said; no derivative is carried to them.
///   - mask: [N, T], 0 where a token does not count; all count where nil.
///   - isSelective: Whether only the most likely token of each step is made unlikely.
///   - reduction: Over sequences.
/// - Throws: Shape mismatches.
/// - Note: 1 - p is held at 1e-8 from below. Welleck et al., Neural Text Generation with Unlikelihood Training, 2020;
///   Lu et al., Event Knowledge Incorporation with Posterior Regularization for Event-Centric Question Answering, 2023.
public func tokenUnlikelihood(
    logits: Tensor, weights: Tensor, mask: Tensor? = nil, isSelective: Bool = false, reduction: Reduction = .mean
) throws -> Tensor {
    let operation = "tokenUnlikelihood"
    try requireShape(logits, [nil, nil, nil], "logits", operation)
    try requireFloatingPoint(logits, operation)
    let (rows, time, vocabulary) = (logits.shape[0], logits.shape[1], logits.shape[2])
    try requireShape(weights, [rows, vocabulary], "weights", operation)
    if let mask { try requireShape(mask, [rows, time], "mask", operation) }
    guard logits.count > 0 else { return try reduction(logits.sum(axes: [1, 2])) }
    let rest = (-(try logits.logSoftmax()).expm1()).clamped(min: 1e-8)
    var terms = try -(rest.log() * stopGradient(weights).expandedDimensions(at: 1))
    if isSelective {
        let likely = try logits.argMax(axis: 2).oneHot(classes: vocabulary)
        terms = terms * likely.asType(logits.dtype)
    }
    var sums = try terms.sum(axes: [2])
    if let mask { sums = sums * (mask .!= 0).asType(logits.dtype) }
    return try reduction(sums.sum(axes: [1]))
}

/// Vocabulary weights for ``tokenUnlikelihood(logits:weights:mask:isSelective:reduction:)`` from the tokens of events.
///
/// `1 / (V + (answerWeight - 1) |A| + (otherWeight - 1) |B|)`, times `answerWeight` for tokens of A, `otherWeight` for those of B.
///
/// - Parameters:
///   - logits: [N, T, V], beside which the weights are to stand.
///   - answers: For each row the tokens of events that answer.
///   - others: For each row the tokens of events that do not.
///   - answerWeight: Not negative.
///   - otherWeight: Not negative.
/// - Returns: [N, V].
/// - Throws: A token out of range; rows that do not match.
public func eventTokenWeights(
    beside logits: Tensor, answers: [Set<Int>], others: [Set<Int>], answerWeight: Double = 0, otherWeight: Double = 1.5
) throws -> Tensor {
    let operation = "eventTokenWeights"
    try requireShape(logits, [answers.count, nil, nil], "logits", operation)
    try requireFloatingPoint(logits, operation)
    try require(answers.count == others.count, operation, "as many rows of answers as of others", (answers.count, others.count))
    let vocabulary = logits.shape[2]
    var values: [Float] = []
    for (row, (inside, outside)) in zip(answers, others).enumerated() {
        for token in inside.union(outside) where !(0..<vocabulary).contains(token) {
            throw TensorError.indexOutOfRange(operation: operation, position: row, index: token, bound: vocabulary)
        }
        let total = Double(vocabulary) + (answerWeight - 1) * Double(inside.count) + (otherWeight - 1) * Double(outside.count)
        values += (0..<vocabulary).map { token in
            Float((inside.contains(token) ? answerWeight : outside.contains(token) ? otherWeight : 1) / total)
        }
    }
    return try Tensor(values, shape: [answers.count, vocabulary], on: logits.device)
}

/// Span logits reweighed by how much each token's sentence is about events.
///
/// `logits exp(scores)`, by tokens.
///
/// - Parameters:
///   - logits: [N, L, 2], of starts and ends.
///   - scores: [N, L], the mean event score of the token's sentence.
/// - Throws: Shape mismatches.
/// - Note: Lu et al., 2023.
public func posteriorRegularized(logits: Tensor, scores: Tensor) throws -> Tensor {
    try requireShape(logits, [nil, nil, nil], "logits", "posteriorRegularized")
    try requireFloatingPoint(logits, "posteriorRegularized")
    try requireShape(scores, [logits.shape[0], logits.shape[1]], "scores", "posteriorRegularized")
    return try logits * scores.exp().expandedDimensions(at: 2)
}
