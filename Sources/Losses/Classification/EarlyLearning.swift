import LossKitOps

/// Early-learning regularisation: cross-entropy, and a term that keeps predictions near their own moving average.
///
/// `-log p_y + weight log(1 - sum_k average_k p_k)`, probabilities held within 1e-4 of 0 and 1 in the second term;
/// gradient of that term `-weight p_k (average_k - s) / (1 - s)` with `s = sum_k average_k p_k`.
///
/// - Parameters:
///   - logits: [N, C].
///   - targets: [N], integers.
///   - averages: [N, C], the rows' averages by ``earlyLearningAverages(logits:previous:momentum:)``, already moved in this step; held
///     still.
///   - weight: The paper has 3 for CIFAR-10, 7 for CIFAR-100.
///   - reduction: Over rows.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches.
/// - Note: Liu et al., Early-Learning Regularization Prevents Memorization of Noisy Labels, 2020.
public func earlyLearning(
    logits: Tensor, targets: Tensor, averages: Tensor, weight: Double = 3, reduction: Reduction = .mean
) throws -> Tensor {
    try requireShape(logits, [nil, nil], "logits", "earlyLearning")
    try requireEqualShapes(logits, averages, "earlyLearning")
    let p = try logits.softmax().clamped(min: 1e-4, max: 1 - 1e-4)
    let agreement = try (stopGradient(averages) * p).sum(axes: [1])
    return try reduction(crossEntropy(logits: logits, targets: targets, reduction: .none) + (-agreement).log1p() * weight)
}

/// The moving average of predictions that ``earlyLearning(logits:targets:averages:weight:reduction:)`` keeps to, one step on.
///
/// `momentum previous + (1 - momentum) p / sum_k p_k` with `p` the softmax held within 1e-4 of 0 and 1; no derivative is carried through
/// it.
///
/// - Parameters:
///   - logits: [N, C].
///   - previous: [N, C], zeros at first.
///   - momentum: In 0...1.
public func earlyLearningAverages(logits: Tensor, previous: Tensor, momentum: Double = 0.7) throws -> Tensor {
    try requireShape(logits, [nil, nil], "logits", "earlyLearningAverages")
    try requireFloatingPoint(logits, "earlyLearningAverages")
    try requireEqualShapes(logits, previous, "earlyLearningAverages")
    try require((0...1).contains(momentum), "earlyLearningAverages", "momentum in 0...1", momentum)
    let p = try stopGradient(logits).softmax().clamped(min: 1e-4, max: 1 - 1e-4)
    return try stopGradient(previous) * momentum + p / p.sum(axes: [1], keepDimensions: true) * (1 - momentum)
}

extension LossDescription {
    static let earlyLearningLoss = LossDescription(
        "earlyLearning", .classification, "Cross-entropy, and predictions kept near their own moving average",
        reference: "Liu et al., Early-Learning Regularization Prevents Memorization of Noisy Labels, 2020",
        inputs: [
            .init("logits", ["n", "classes"]), .init("targets", ["n"], .classes("classes")),
            .init("averages", ["n", "classes"], .probabilities, isDifferentiable: false),
        ],
        options: [.number("weight", 3), .reduction], catalogue: ["early-learning-regularization-prevents-memorization-of-noisy-labels"]
    ) {
        try earlyLearning(
            logits: $0["logits"], targets: $0["targets"], averages: $0["averages"], weight: $0.number("weight"), reduction: $0.reduction())
    }
}
