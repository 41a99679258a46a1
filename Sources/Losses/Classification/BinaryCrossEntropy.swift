import LossKitOps

/// Cross-entropy of independent yes-or-no logits.
///
/// `softplus(z) - t z`, with a weight `p` for the positive class `(1 - t) z + (1 + (p - 1) t) softplus(-z)`; gradient (without p)
/// `sigmoid(z) - t`.
///
/// - Parameters:
///   - logits: Any shape, floating point.
///   - targets: The same shape, probabilities of yes in 0...1.
///   - weights: What each element counts; broadcast against the logits. The mean still divides by the number of elements.
///   - positiveWeight: How much more a positive counts; broadcast against the logits.
///   - reduction: Over all elements.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``.
/// - Note: Finite for every finite logit. PyTorch's `binary_cross_entropy_with_logits` with its `weight` and `pos_weight`.
public func binaryCrossEntropy(
    logits: Tensor, targets: Tensor, weights: Tensor? = nil, positiveWeight: Tensor? = nil, reduction: Reduction = .mean
) throws -> Tensor {
    try requireEqualShapes(logits, targets, "binaryCrossEntropy")
    try requireFloatingPoint(logits, "binaryCrossEntropy")
    var elements = logits.softplus() - targets * logits
    if let positiveWeight { elements = (1 - targets) * logits + ((positiveWeight - 1) * targets + 1) * (-logits).softplus() }
    return try reduction(weighted(elements, weights, "binaryCrossEntropy"))
}

/// Cross-entropy of independent yes-or-no probabilities.
///
/// `-(t log p + (1 - t) log(1 - p))`, each logarithm at least -100, so that 0 and 1 give finite losses; gradient `(p - t) / (p (1 - p))`, 0
/// where a logarithm is held.
///
/// - Parameters:
///   - probabilities: Any shape, in 0...1.
///   - targets: The same shape, probabilities of yes in 0...1.
///   - weights: What each element counts; broadcast against the probabilities.
///   - reduction: Over all elements.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``.
/// - Note: PyTorch's `binary_cross_entropy`. From logits, ``binaryCrossEntropy(logits:targets:weights:positiveWeight:reduction:)`` is more
///   accurate.
public func binaryCrossEntropyOfProbabilities(
    probabilities: Tensor, targets: Tensor, weights: Tensor? = nil, reduction: Reduction = .mean
) throws -> Tensor {
    try requireEqualShapes(probabilities, targets, "binaryCrossEntropyOfProbabilities")
    try requireFloatingPoint(probabilities, "binaryCrossEntropyOfProbabilities")
    let yes = probabilities.log().clamped(min: -100)
    let no = (-probabilities).log1p().clamped(min: -100)
    return try reduction(weighted(-(targets * yes + (1 - targets) * no), weights, "binaryCrossEntropyOfProbabilities"))
}

/// Elements times weights, which must not widen their shape.
private func weighted(_ elements: Tensor, _ weights: Tensor?, _ operation: String) throws -> Tensor {
    guard let weights else { return elements }
    let product = elements * weights
    guard try product.checked().shape == elements.shape else {
        throw TensorError.shapeMismatch(
            operation: operation, expected: "weights that broadcast to \(elements.shape)", actual: [weights.shape])
    }
    return product
}

extension LossDescription {
    static let binaryCrossEntropyLoss = LossDescription(
        "binaryCrossEntropy", .classification, "Cross-entropy of independent yes-or-no logits",
        reference: "PyTorch binary_cross_entropy_with_logits",
        inputs: [
            .init("logits", ["n", "d"]), .init("targets", ["n", "d"], .real(0...1)),
            .init("weights", ["n", "d"], .real(0.5...2), isOptional: true),
            .init("positiveWeight", ["d"], .real(0.5...2), isOptional: true),
        ],
        options: [.reduction]
    ) {
        try binaryCrossEntropy(
            logits: $0["logits"], targets: $0["targets"], weights: $0.optional("weights"), positiveWeight: $0.optional("positiveWeight"),
            reduction: $0.reduction())
    }

    static let binaryCrossEntropyOfProbabilitiesLoss = LossDescription(
        "binaryCrossEntropyOfProbabilities", .classification, "Cross-entropy of independent yes-or-no probabilities",
        reference: "PyTorch binary_cross_entropy",
        inputs: [
            .init("probabilities", ["n", "d"], .real(0.05...0.95)), .init("targets", ["n", "d"], .real(0...1)),
            .init("weights", ["n", "d"], .real(0.5...2), isOptional: true),
        ],
        options: [.reduction]
    ) {
        try binaryCrossEntropyOfProbabilities(
            probabilities: $0["probabilities"], targets: $0["targets"], weights: $0.optional("weights"), reduction: $0.reduction())
    }
}
