import LossKitOps

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Soft labels by progressive partial optimal transport: only the share of samples that the classes are surest of is labelled, evenly
/// spread.
///
/// `min over Q >= 0 of <Q, -log p> + gamma KL(Q^T 1 | fraction / classes) + epsilon sum Q log Q, Q 1 <= 1 / n, 1^T Q 1 = fraction`, by a
/// column
/// without cost that takes the rest. The labels are n Q: rows sum to a weight in 0...1 for each sample, all of them to n times the
/// fraction.
/// With similarities S the objective loses `similarityWeight <S, Q Q^T>`, by majorisation: each round takes the cost
/// `-log p - similarityWeight (S + S^T) Q` of the last round's Q, which begins at fraction / (n classes).
///
/// - Parameters:
///   - logits: [n, classes].
///   - fraction: The share of samples to label, above 0 and at most 1; grows with training.
///   - epsilon: Of the entropy, above 0.
///   - gamma: Of the classes' sizes, above 0.
///   - similarities: [n, n], not negative; between samples.
///   - similarityWeight: lambda; 0 for none.
///   - rounds: Of majorisation, at most.
/// - Returns: [n, classes], which no derivative is carried through.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: In the log domain, on the CPU in float64, to changes of 1e-9 or 1000 steps; rounds to changes of 1e-7. Zhang et al., P2OT:
///   Progressive Partial Optimal Transport for Deep Imbalanced
///   Clustering, 2024; SP2OT: Semantic-Regularized Progressive Partial Optimal Transport for Imbalanced Clustering, 2024.
public func partialAssignmentLabels(
    logits: Tensor, fraction: Double, epsilon: Double = 0.1, gamma: Double = 1, similarities: Tensor? = nil, similarityWeight: Double = 0,
    rounds: Int = 100
) throws -> Tensor {
    let operation = "partialAssignment"
    guard try logits.checked().rank == 2, logits.shape[1] > 0 else {
        throw TensorError.shapeMismatch(operation: operation, expected: "logits [n, classes], classes above 0", actual: [logits.shape])
    }
    try require(fraction > 0 && fraction <= 1, operation, "a fraction above 0 and at most 1", fraction)
    try require(epsilon > 0 && epsilon.isFinite, operation, "a finite epsilon above 0", epsilon)
    try require(gamma > 0, operation, "gamma above 0", gamma)
    try require(rounds > 0, operation, "rounds above 0", rounds)
    try require(similarityWeight >= 0, operation, "a similarity weight of at least 0", similarityWeight)
    let (n, classes) = (logits.shape[0], logits.shape[1])
    let origin = logits.device
    func exact(_ tensor: Tensor) throws -> Tensor { try stopGradient(tensor).to(.cpu).asType(.float64) }
    func labels(_ plan: Tensor) throws -> Tensor { try (plan * Double(n)).asType(logits.inArithmetic().dtype).to(origin) }
    guard n > 0 else { return try labels(exact(logits)) }
    let costs = try -exact(logits).logSoftmax()
    var solver = PartialAssignment(n: n, classes: classes, fraction: fraction, epsilon: epsilon, gamma: gamma)
    guard let similarities, similarityWeight > 0 else { return try labels(solver.plan(costs)) }
    guard try similarities.checked().shape == [n, n] else {
        throw TensorError.shapeMismatch(operation: operation, expected: "similarities [\(n), \(n)]", actual: [similarities.shape])
    }
    let s = try exact(similarities)
    let pull = try ((s + s.transposed()) * similarityWeight).evaluated()
    var plan = try Tensor.full([n, classes], fraction / Double(n * classes), dtype: costs.dtype, on: costs.device)
    for _ in 0..<rounds {
        let next = try solver.plan(costs - pull.matmul(plan))
        let change = try (next - plan).absolute().max().scalar() * Double(n)
        plan = next
        // What is no number any more stays none.
        if change < 1e-7 || change.isNaN { break }
    }
    return try labels(plan)
}

/// The scaling of a partial plan with one column more, kept between rounds.
private struct PartialAssignment {
    let n: Int
    let classes: Int
    let fraction: Double
    let epsilon: Double
    let gamma: Double
    /// The logarithm of the columns' scaling [classes + 1].
    private var columns: Tensor?

    init(n: Int, classes: Int, fraction: Double, epsilon: Double, gamma: Double) {
        (self.n, self.classes, self.fraction, self.epsilon, self.gamma) = (n, classes, fraction, epsilon, gamma)
    }

    /// Q [n, classes] for costs.
    mutating func plan(_ costs: Tensor) throws -> Tensor {
        let device = costs.device
        func row(_ own: Double, _ last: Double) throws -> Tensor {
            try Tensor.concatenate([
                .full([classes], own, dtype: costs.dtype, on: device), .full([1], last, dtype: costs.dtype, on: device),
            ])
        }
        let kernel = try Tensor.concatenate([costs * (-1 / epsilon), Tensor.zeros([n, 1], dtype: costs.dtype, on: device)], axis: 1)
            .evaluated()
        let targets = try row(log(fraction / Double(classes)), fraction < 1 ? log(1 - fraction) : -.infinity).evaluated()
        // Without gamma's limit the classes' sizes are exact.
        let factors = try row(gamma.isFinite ? gamma / (gamma + epsilon) : 1, 1).evaluated()
        var b = try columns ?? row(-log(Double(classes + 1)), fraction < 1 ? -log(Double(classes + 1)) : -.infinity)
        var a = try Tensor.zeros([n, 1], dtype: costs.dtype, on: device)
        for step in 1...1000 {
            a = try ((kernel + b).logSumExp(axes: [1], keepDimensions: true) * -1 - log(Double(n))).evaluated()
            let next = try ((targets - (kernel + a).logSumExp(axes: [0])) * factors).evaluated()
            let isChecked = step % 10 == 0
            let change = isChecked ? try (next - b).slice(axis: 0, from: 0, to: classes).absolute().max().scalar() : .infinity
            b = next
            if change < 1e-9 || change.isNaN { break }
        }
        columns = b
        // Once more for the rows, which hold exactly.
        a = try ((kernel + b).logSumExp(axes: [1], keepDimensions: true) * -1 - log(Double(n))).evaluated()
        return try (kernel + a + b).exp().slice(axis: 1, from: 0, to: classes).evaluated()
    }
}

/// Progressive partial transport clustering: the cross-entropy with soft labels that a partial plan gives another view of the samples.
///
/// `mean_i -sum_k label_ik log p_ik`, the labels by
/// ``partialAssignmentLabels(logits:fraction:epsilon:gamma:similarities:similarityWeight:rounds:)``
/// from the other view's logits, or from these.
/// Gradient: (w_i p_i - label_i) / n for the logits, w_i the sum of a sample's labels; none for the other view. Twice differentiable.
///
/// - Parameters:
///   - logits: [n, classes].
///   - view: [n, classes]: logits of the same samples seen otherwise.
///   - fraction: The share of samples to label.
///   - epsilon: Of the entropy, above 0.
///   - gamma: Of the classes' sizes, above 0.
///   - similarities: [n, n], not negative; with a weight above 0 the semantic variant.
///   - similarityWeight: lambda; its authors take 1000 (1 - fraction), for similarities of few neighbours.
///   - reduction: Over samples.
/// - Throws: As ``partialAssignmentLabels(logits:fraction:epsilon:gamma:similarities:similarityWeight:rounds:)``.
/// - Note: Zhang et al., P2OT, 2024, and SP2OT, 2024.
public func partialAssignment(
    logits: Tensor, view: Tensor? = nil, similarities: Tensor? = nil, fraction: Double = 0.5, epsilon: Double = 0.1, gamma: Double = 1,
    similarityWeight: Double = 0, reduction: Reduction = .mean
) throws -> Tensor {
    if let view { try requireEqualShapes(logits, view, "partialAssignment") }
    let labels = try partialAssignmentLabels(
        logits: view ?? logits, fraction: fraction, epsilon: epsilon, gamma: gamma, similarities: similarities,
        similarityWeight: similarityWeight)
    let losses = try (logits.inArithmetic().logSoftmax() * labels.asType(logits.inArithmetic().dtype)).sum(axes: [1]) * -1
    return try reduction(losses.asType(logits.dtype))
}

/// The share of samples to label at a point of training from 0 to 1: `first + (1 - first) exp(-5 (1 - progress)^2)`.
public func partialAssignmentFraction(progress: Double, first: Double = 0.1) -> Double {
    let left = 1 - min(max(progress, 0), 1)
    return first + (1 - first) * exp(-5 * left * left)
}

extension LossDescription {
    static let partialAssignmentLoss = LossDescription(
        "partialAssignment", .transport, "Cross-entropy with soft labels of the surest samples, by progressive partial transport",
        reference: "Zhang et al., P2OT: Progressive Partial Optimal Transport for Deep Imbalanced Clustering, 2024",
        inputs: [
            .init("logits", ["n", "classes"]), .init("view", ["n", "classes"], isOptional: true, isDifferentiable: false),
            .init("similarities", ["n", "n"], .real(0...1), isOptional: true, isDifferentiable: false),
        ],
        options: [.number("fraction", 0.5), .number("epsilon", 0.1), .number("gamma", 1), .number("similarityWeight", 0), .reduction],
        catalogue: [
            "p-2ot-progressive-partial-optimal-transport-for-deep-imbalanced",
            "sp-2ot-semantic-regularized-progressive-partial-optimal-transport-for",
        ]
    ) {
        try partialAssignment(
            logits: $0["logits"], view: $0.optional("view"), similarities: $0.optional("similarities"), fraction: $0.number("fraction"),
            epsilon: $0.number("epsilon"), gamma: $0.number("gamma"), similarityWeight: $0.number("similarityWeight"),
            reduction: $0.reduction())
    }
}
