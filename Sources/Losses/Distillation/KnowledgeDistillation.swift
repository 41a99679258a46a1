import LossKitOps

/// Knowledge distillation: a student's softened predictions near a teacher's, and near the labels where there are some.
///
/// `alpha T^2 KL(softmax(teacher / T) | softmax(student / T)) + (1 - alpha) (-log p_y)`; without labels the first term alone, unweighted.
/// Gradient of the divergence: `T (softmax(student / T) - softmax(teacher / T))`.
///
/// - Parameters:
///   - logits: [N, C], the student's.
///   - teacherLogits: [N, C]; no derivative is carried to them.
///   - targets: [N], integers, or none.
///   - temperature: T, above 0.
///   - alpha: In 0...1, the teacher's share.
///   - reduction: Over rows.
/// - Throws: Shape and type mismatches; options out of range; ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the
///   row of a label.
/// - Note: Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, 2015.
public func knowledgeDistillation(
    logits: Tensor, teacherLogits: Tensor, targets: Tensor? = nil, temperature: Double = 4, alpha: Double = 0.5,
    reduction: Reduction = .mean
) throws -> Tensor {
    let operation = "knowledgeDistillation"
    try requireEqualShapes(logits, teacherLogits, operation)
    try requireShape(logits, [nil, nil], "logits", operation)
    try requireFloatingPoint(logits, operation)
    try require(temperature > 0, operation, "temperature > 0", temperature)
    try require((0...1).contains(alpha), operation, "alpha in 0...1", alpha)
    let spread = try divergence(from: logits.inArithmetic() / temperature, to: stopGradient(teacherLogits).inArithmetic() / temperature)
    let soft = (spread * (temperature * temperature)).asType(logits.dtype)
    guard let targets else { return try reduction(soft) }
    return try reduction(soft * alpha + crossEntropy(logits: logits, targets: targets, reduction: .none) * (1 - alpha))
}

/// KL(softmax(teacher) | softmax(student)) by rows of the last axis.
func divergence(from student: Tensor, to teacher: Tensor) throws -> Tensor {
    try divergenceTerms(from: student.logSoftmax(), to: teacher.logSoftmax()).sum(axes: [-1])
}

/// What each element gives to KL(q | p), from the logarithms of p and q: `q log(q / p) - q + p`.
///
/// The last two cancel in the sum of distributions. With them every term is positive, and near p its series `p (r^2 / 2 + r^3 / 3 + ...)` in
/// `r = log(q / p)` keeps the digits of divergences however small.
func divergenceTerms(from p: Tensor, to q: Tensor) throws -> Tensor {
    let apart = q - p
    let isNear = apart.absolute() .< 0.1
    let r = Tensor.select(isNear, apart, try apart.constant(0))
    let inner = ((r * 0.006944444444444444 + 0.03333333333333333) * r + 0.125) * r + 0.3333333333333333
    let near = p.exp() * ((inner * r + 0.5) * r.square())
    let far = q.exp() * (apart - 1) + p.exp()
    return Tensor.select(isNear, near, far)
}

/// Decoupled knowledge distillation: the divergence split into that of the own class's probability and that among the other classes.
///
/// `T^2 (alpha KL(b_teacher | b_student) + beta KL(r_teacher | r_student))` with the softened `b = (p_y, 1 - p_y)` and `r` the softmax over
/// the other classes.
///
/// - Parameters:
///   - logits: [N, C], the student's.
///   - teacherLogits: [N, C]; no derivative is carried to them.
///   - targets: [N], integers.
///   - temperature: T, above 0.
///   - alpha: Weight of the own class.
///   - beta: Weight of the others.
///   - reduction: Over rows.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches; a temperature of 0
///   or below.
/// - Note: All in logarithms, finite for every finite logit. Zhao et al., Decoupled Knowledge Distillation, 2022.
public func decoupledDistillation(
    logits: Tensor, teacherLogits: Tensor, targets: Tensor, temperature: Double = 4, alpha: Double = 1, beta: Double = 8,
    reduction: Reduction = .mean
) throws -> Tensor {
    let operation = "decoupledDistillation"
    try requireEqualShapes(logits, teacherLogits, operation)
    try requireShape(logits, [nil, nil], "logits", operation)
    try require(temperature > 0, operation, "temperature > 0", temperature)
    let rows = try ClassTargets(targets, beside: logits, operation)
    /// Logarithms of p_y, of 1 - p_y and of the probabilities among the others.
    func parts(_ scaled: Tensor) throws -> (own: Tensor, rest: Tensor, others: Tensor) {
        let all = try scaled.logSumExp(axes: [1])
        let masked = try rows.others(scaled, own: -1e30)
        let rest = try masked.logSumExp(axes: [1], keepDimensions: true)
        return try (rows.pick(scaled) - all, rest.squeezed(axes: [1]) - all, rows.others(masked - rest))
    }
    let student = try parts(logits.inArithmetic() / temperature)
    let teacher = try parts(stopGradient(teacherLogits).inArithmetic() / temperature)
    let target = try divergenceTerms(from: student.own, to: teacher.own) + divergenceTerms(from: student.rest, to: teacher.rest)
    let shares = try rows.others(divergenceTerms(from: student.others, to: teacher.others))
    let elements = try (target * alpha + shares.sum(axes: [1]) * beta) * (temperature * temperature)
    return try reduction(elements.asType(logits.dtype))
}

/// Progressive self-knowledge distillation: cross-entropy with the labels mixed with the model's own earlier predictions.
///
/// `-sum_k t_k log p_k`, `t = (1 - alpha) onehot(y) + alpha past`; gradient `p - t`. The authors let alpha grow linearly to 0.8 over
/// training.
///
/// - Parameters:
///   - logits: [N, C].
///   - targets: [N], integers.
///   - past: [N, C], the probabilities the model gave these rows an epoch before; no derivative is carried to them.
///   - alpha: In 0...1.
///   - reduction: Over rows.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches; alpha out of
///   range.
/// - Note: Kim et al., Self-Knowledge Distillation with Progressive Refinement of Targets, 2021.
public func progressiveSelfDistillation(
    logits: Tensor, targets: Tensor, past: Tensor, alpha: Double = 0.8, reduction: Reduction = .mean
) throws -> Tensor {
    let operation = "progressiveSelfDistillation"
    try requireEqualShapes(logits, past, operation)
    try requireShape(logits, [nil, nil], "logits", operation)
    try require((0...1).contains(alpha), operation, "alpha in 0...1", alpha)
    let rows = try ClassTargets(targets, beside: logits, operation)
    let mixed = rows.isTarget.asType(logits.dtype) * (1 - alpha) + stopGradient(past) * alpha
    return try reduction(crossEntropy(logits: logits, targets: mixed, reduction: .none))
}

/// Squared error of log-probabilities, from labels a teacher has drawn and the log-probabilities it gave them.
///
/// `(log p_y - t)^2 / 2`; gradient `(log p_y - t) (onehot(y) - p)`. Its minimum is the teacher itself, where weighing cross-entropy by the
/// teacher's probabilities leads to their square.
///
/// - Parameters:
///   - logits: [N, C].
///   - targets: [N], integers, drawn from the teacher.
///   - teacherLogProbabilities: [N], of those labels, not above 0; or [N, C], of every class, and the loss is their sum over classes.
///   - reduction: Over rows; the paper takes the sum.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches.
/// - Note: Zhao and Zhu, Towards the Fundamental Limits of Knowledge Transfer over Finite Domains, 2024; with every class, Ba and Caruana,
///   2014.
public func squaredErrorLogit(
    logits: Tensor, targets: Tensor, teacherLogProbabilities: Tensor, reduction: Reduction = .mean
) throws -> Tensor {
    let operation = "squaredErrorLogit"
    try requireShape(logits, [nil, nil], "logits", operation)
    let targets = try checkedClasses(targets, shape: [logits.shape[0]], below: logits.shape[1], operation)
    let teacher = stopGradient(teacherLogProbabilities)
    if try teacher.checked().rank == 2 {
        try requireEqualShapes(logits, teacher, operation)
        // Labels are not needed here, but wrong ones are still an error of whoever reads the loss.
        let elements = try (logits.logSoftmax() - teacher).square().sum(axes: [1]) * 0.5
        return try reduction(elements + targets.asType(elements.dtype) * 0)
    }
    try requireShape(teacher, [logits.shape[0]], "teacher log-probabilities", operation)
    return try reduction((crossEntropy(logits: logits, targets: targets, reduction: .none) + teacher).square() * 0.5)
}

/// Cross-entropy weighed by the teacher's probability of the drawn label.
///
/// `-exp(t) log p_y`; gradient `exp(t) (p - onehot(y))`. A biased baseline: its minimum is proportional to the teacher's square.
///
/// - Parameters:
///   - logits: [N, C].
///   - targets: [N], integers, drawn from the teacher.
///   - teacherLogProbabilities: [N], of those labels.
///   - reduction: Over rows; the paper takes the sum.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches.
/// - Note: Zhao and Zhu, 2024.
public func partialSoftLabel(
    logits: Tensor, targets: Tensor, teacherLogProbabilities: Tensor, reduction: Reduction = .mean
) throws -> Tensor {
    try requireShape(logits, [nil, nil], "logits", "partialSoftLabel")
    try requireShape(teacherLogProbabilities, [logits.shape[0]], "teacher log-probabilities", "partialSoftLabel")
    let surprise = try crossEntropy(logits: logits, targets: targets, reduction: .none)
    return try reduction(surprise * stopGradient(teacherLogProbabilities).exp())
}
