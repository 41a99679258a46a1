import LossKitOps

/// Generalised cross-entropy: between cross-entropy, which learns fast, and the mean absolute error, which bears wrong labels.
///
/// `(1 - p_y^q) / q`, for q = 0 `-log p_y`; gradient `p_y^q (p - onehot(y))`.
///
/// - Parameters:
///   - logits: [N, C], [N, C, d1, ...] or [C].
///   - targets: The logits' shape without C, integers.
///   - q: In 0...1.
///   - ignoreIndex: Rows with this class index count for nothing.
///   - reduction: Over rows; the mean divides by the number of rows that count.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches; q out of range.
/// - Note: Zhang and Sabuncu, Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels, 2018.
public func generalizedCrossEntropy(
    logits: Tensor, targets: Tensor, q: Double = 0.8, ignoreIndex: Int = -100, reduction: Reduction = .mean
) throws -> Tensor {
    try require((0...1).contains(q), "generalizedCrossEntropy", "q in 0...1", q)
    return try compSum(logits: logits, targets: targets, tau: 1 + q, ignoreIndex: ignoreIndex, reduction: reduction)
}

/// Robust pseudo-labelling: generalised cross-entropy against the class that a teacher, or the model itself, holds most likely.
///
/// `(1 - p_y^q) / q` with `y = argmax` of the teacher's logits, through which no derivative is carried.
///
/// - Parameters:
///   - logits: [N, C].
///   - teacherLogits: [N, C]; the logits themselves where nil.
///   - q: In 0...1.
///   - reduction: Over rows.
/// - Throws: Shape mismatches; q out of range.
/// - Note: Rusak et al., If Your Data Distribution Shifts, Use Self-Learning, 2022.
public func robustPseudoLabel(
    logits: Tensor, teacherLogits: Tensor? = nil, q: Double = 0.8, reduction: Reduction = .mean
) throws -> Tensor {
    try requireShape(logits, [nil, nil], "logits", "robustPseudoLabel")
    try requireFloatingPoint(logits, "robustPseudoLabel")
    if let teacherLogits { try requireEqualShapes(logits, teacherLogits, "robustPseudoLabel") }
    let likely = try (teacherLogits ?? logits).argMax(axis: 1)
    return try generalizedCrossEntropy(logits: logits, targets: likely, q: q, reduction: reduction)
}

/// Entropy of the predicted distribution, to be made small on data without labels.
///
/// `-sum_k p_k log p_k`; gradient `-p_k (log p_k + H)`.
///
/// - Parameters:
///   - logits: [..., C].
///   - reduction: Over rows.
/// - Throws: Shape mismatches.
/// - Note: Grandvalet and Bengio, Semi-Supervised Learning by Entropy Minimization, 2004; Rusak et al., 2022.
public func entropyMinimization(logits: Tensor, reduction: Reduction = .mean) throws -> Tensor {
    try requireFloatingPoint(logits, "entropyMinimization")
    try require(logits.rank >= 1, "entropyMinimization", "logits [..., C]", logits.shape)
    let logs = try logits.logSoftmax()
    return try reduction(-(logs.exp() * logs).sum(axes: [-1]))
}

/// Comp-sum losses: a family in `u = sum_{k != y} exp(z_k - z_y)` that holds cross-entropy and its robust relatives.
///
/// `((1 + u)^(1 - tau) - 1) / (1 - tau)`, for tau = 1 `log(1 + u)`. 0 is the sum-exponential loss, 1 cross-entropy, between 1 and 2
/// generalised
/// cross-entropy, 2 `1 - p_y`. Gradient `p_y^(tau - 1) (p - onehot(y))`.
///
/// - Parameters:
///   - logits: [N, C], [N, C, d1, ...] or [C].
///   - targets: The logits' shape without C, integers.
///   - tau: Not negative.
///   - ignoreIndex: Rows with this class index count for nothing.
///   - reduction: Over rows; the mean divides by the number of rows that count.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches; tau below 0.
/// - Note: By `expm1((1 - tau) (-log p_y)) / (1 - tau)`, accurate near tau = 1. Below 1 it grows exponentially and can overflow.
///   Mao, Mohri and Zhong, Cross-Entropy Loss Functions: Theoretical Analysis and Applications, 2023.
public func compSum(
    logits: Tensor, targets: Tensor, tau: Double = 1, ignoreIndex: Int = -100, reduction: Reduction = .mean
) throws -> Tensor {
    try require(tau >= 0, "compSum", "tau >= 0", tau)
    return try classLoss(logits: logits, targets: targets, ignoreIndex: ignoreIndex, reduction: reduction, "compSum") { surprise in
        tau == 1 ? surprise : (surprise * (1 - tau)).expm1() / (1 - tau)
    }
}

/// Smooth adversarial comp-sum loss: a comp-sum loss, and how far an attack moves the differences between the own class's logit and the
/// others.
///
/// `compSum + nu |D(attacked) - D(clean)|_2` with `D = (z_y - z_k)` over `k != y`.
///
/// - Parameters:
///   - logits: [N, C], of the clean inputs.
///   - attackedLogits: [N, C], of the inputs an attack has found, as near the supremum as it gets.
///   - targets: [N], integers.
///   - tau: Not negative.
///   - nu: Above 0.
///   - reduction: Over rows.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches; options out of
///   range.
/// - Note: Mao, Mohri and Zhong, 2023.
public func smoothAdversarialCompSum(
    logits: Tensor, attackedLogits: Tensor, targets: Tensor, tau: Double = 1, nu: Double = 1, reduction: Reduction = .mean
) throws -> Tensor {
    try requireEqualShapes(logits, attackedLogits, "smoothAdversarialCompSum")
    try requireShape(logits, [nil, nil], "logits", "smoothAdversarialCompSum")
    try require(nu > 0, "smoothAdversarialCompSum", "nu > 0", nu)
    let clean = try compSum(logits: logits, targets: targets, tau: tau, reduction: .none)
    let rows = try ClassTargets(targets, beside: logits, "smoothAdversarialCompSum")
    let change = attackedLogits - logits
    let moved = try change - rows.column(rows.pick(change))
    return try reduction(clean + moved.norm(axes: [1]) * nu)
}

/// Symmetric cross-entropy: cross-entropy and its reverse, which bears wrong labels.
///
/// `alpha (-log p_y) + beta (-A) (1 - p_y)`, A standing for log 0; gradient `(alpha - beta A p_y) (p - onehot(y))`.
///
/// - Parameters:
///   - logits: [N, C], [N, C, d1, ...] or [C].
///   - targets: The logits' shape without C, integers.
///   - alpha: Weight of cross-entropy.
///   - beta: Weight of the reverse.
///   - logZero: A, below 0; code that clips probabilities at 1e-4 has -9.21.
///   - ignoreIndex: Rows with this class index count for nothing.
///   - reduction: Over rows; the mean divides by the number of rows that count.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches; options out of
///   range.
/// - Note: Wang et al., Symmetric Cross Entropy for Robust Learning with Noisy Labels, 2019, with (alpha, beta) of (0.1, 1) for ten classes
///   and (6, 0.1) for a hundred.
public func symmetricCrossEntropy(
    logits: Tensor, targets: Tensor, alpha: Double = 1, beta: Double = 1, logZero: Double = -4, ignoreIndex: Int = -100,
    reduction: Reduction = .mean
) throws -> Tensor {
    try require(alpha >= 0 && beta >= 0, "symmetricCrossEntropy", "alpha and beta >= 0", (alpha, beta))
    try require(logZero < 0, "symmetricCrossEntropy", "logZero < 0", logZero)
    return try classLoss(logits: logits, targets: targets, ignoreIndex: ignoreIndex, reduction: reduction, "symmetricCrossEntropy") {
        $0 * alpha + $0.missingProbability * (-logZero * beta)
    }
}
