import LossKitOps

/// Taylor variational loss of positive and unlabelled data, which needs no class prior.
///
/// With `f = sigmoid(z)`, m its mean over the unlabelled: `-mean_positive log f - sum_{i=1}^{order} (1 - m)^i / i`, the second sum standing
/// for `log m`.
/// Gradient `(f - 1) / n_p` at positives, `sum_{i<order} (1 - m)^i f (1 - f) / n_u` at the others.
/// With teacher logits plus `calibration` times the mean symmetric divergence `(f - f_teacher) (z - z_teacher)`.
///
/// - Parameters:
///   - logits: [N].
///   - labels: [N], integers: 1 positive, 0 unlabelled, -1 neither. Where one of the kinds is missing its term is 0.
///   - teacherLogits: [N], of the moving average of the model, held still.
///   - order: At least 1; growing, the loss becomes variational PU learning's.
///   - calibration: Weight of the divergence from the teacher.
/// - Returns: A scalar.
/// - Throws: Shape and type mismatches; an order below 1.
/// - Note: Zhao et al., Class Prior-Free Positive-Unlabeled Learning with Taylor Variational Loss, 2023.
public func taylorVariationalPU(
    logits: Tensor, labels: Tensor, teacherLogits: Tensor? = nil, order: Int = 2, calibration: Double = 0.2
) throws -> Tensor {
    let operation = "taylorVariationalPU"
    try requireEqualShapes(logits, labels, operation)
    try requireFloatingPoint(logits, operation)
    try require(order >= 1, operation, "order >= 1", order)
    let positive = (labels .== 1).asType(logits.dtype)
    let unlabelled = (labels .== 0).asType(logits.dtype)
    let surprise = try (positive * (-logits).softplus()).sum() / positive.sum().clamped(min: 1)
    let others = try unlabelled.sum()
    let missing = try (unlabelled * (-logits).sigmoid()).sum() / others.clamped(min: 1)
    var series = missing / Double(order)
    for i in stride(from: order - 1, through: 1, by: -1) { series = (series + 1 / Double(i)) * missing }
    let loss = surprise - series * (others .> 0).asType(logits.dtype)
    guard let teacherLogits else { return loss }
    try requireEqualShapes(logits, teacherLogits, operation)
    let teacher = stopGradient(teacherLogits)
    let divergence = (logits.sigmoid() - teacher.sigmoid()) * (logits - teacher)
    return try loss + divergence.sum() * (calibration / Double(max(1, logits.count)))
}

/// A classification metric as a loss: the confusion matrix of probabilities pushed towards 0 and 1 by a steep sigmoid.
///
/// With `h = sigmoid(steepness (p - 1/2))`, `TP = sum t h`, `TN = sum (1 - t) (1 - h)`, P and Q the numbers of positives and negatives:
/// 1 less the metric. Where a class is missing, its rate counts as 1.
///
/// - Parameters:
///   - probabilities: [N], in 0...1.
///   - targets: [N], 0 or 1.
///   - metric: What to make large.
///   - beta: Of F-beta.
///   - steepness: Above 0.
/// - Returns: A scalar: the loss is one of the whole batch.
/// - Throws: Shape mismatches; options out of range.
/// - Note: The gradient of the geometric mean is held finite where a rate is 0.
///   Han, Moniz and Chawla, AnyLoss: Transforming Classification Metrics into Loss Functions, 2024.
public func anyLoss(
    probabilities: Tensor, targets: Tensor, metric: ClassificationMetric = .accuracy, beta: Double = 1, steepness: Double = 73
) throws -> Tensor {
    let operation = "anyLoss"
    try requireEqualShapes(probabilities, targets, operation)
    try requireFloatingPoint(probabilities, operation)
    try require(beta > 0 && steepness > 0, operation, "beta and steepness > 0", (beta, steepness))
    guard probabilities.count > 0 else { return try probabilities.sum() }
    let h = ((probabilities - 0.5) * steepness).sigmoid()
    let rest = ((0.5 - probabilities) * steepness).sigmoid()
    let t = targets.asType(probabilities.dtype)
    let count = Double(probabilities.count)
    let (truePositives, trueNegatives) = try ((t * h).sum(), ((1 - t) * rest).sum())
    let positives = try t.sum()
    let negatives = count - positives
    switch metric {
    case .accuracy: return 1 - (truePositives + trueNegatives) / count
    case .fBeta:
        let called = try h.sum()
        return 1 - truePositives * (1 + beta * beta) / (positives * (beta * beta) + called).clamped(min: 1e-12)
    case .geometricMean, .balancedAccuracy:
        let one = try t.constant(1)
        let sensitivity = Tensor.select(positives .> 0, truePositives / positives.clamped(min: 1), one)
        let specificity = Tensor.select(negatives .> 0, trueNegatives / negatives.clamped(min: 1), one)
        if metric == .balancedAccuracy { return 1 - (sensitivity + specificity) * 0.5 }
        return 1 - (sensitivity * specificity).clamped(min: 1e-12).squareRoot()
    }
}

/// What ``anyLoss(probabilities:targets:metric:beta:steepness:)`` makes large.
public enum ClassificationMetric: String, Sendable, CaseIterable {
    /// The share of right answers.
    case accuracy
    /// The weighted harmonic mean of precision and recall.
    case fBeta
    /// The geometric mean of sensitivity and specificity.
    case geometricMean
    /// Their arithmetic mean.
    case balancedAccuracy
}

extension LossDescription {
    static let taylorVariationalPULoss = LossDescription(
        "taylorVariationalPU", .classification, "Positive and unlabelled data without a class prior",
        reference:
            "Zhao et al., Class Prior-Free Positive-Unlabeled Learning with Taylor Variational Loss for Hyperspectral Remote Sensing Imagery, 2023",
        inputs: [
            .init("logits", ["n"]), .init("labels", ["n"], .integers(0...1)),
            .init("teacherLogits", ["n"], isOptional: true, isDifferentiable: false),
        ],
        options: [.integer("order", 2), .number("calibration", 0.2)],
        catalogue: ["class-prior-free-positive-unlabeled-learning-with-taylor-variational"]
    ) {
        try taylorVariationalPU(
            logits: $0["logits"], labels: $0["labels"], teacherLogits: $0.optional("teacherLogits"), order: $0.integer("order"),
            calibration: $0.number("calibration"))
    }

    static let anyLossLoss = LossDescription(
        "anyLoss", .classification, "A classification metric as a loss, by a steep sigmoid",
        reference: "Han, Moniz and Chawla, AnyLoss: Transforming Classification Metrics into Loss Functions, 2024",
        inputs: [.init("probabilities", ["n"], .real(0.4...0.6)), .init("targets", ["n"], .integers(0...1))],
        options: [.choice("metric", ClassificationMetric.accuracy), .number("beta", 1), .number("steepness", 73)],
        catalogue: ["anyloss-transforming-classification-metrics-into-loss-functions"]
    ) {
        try anyLoss(
            probabilities: $0["probabilities"], targets: $0["targets"], metric: $0.choice("metric"), beta: $0.number("beta"),
            steepness: $0.number("steepness"))
    }
}
