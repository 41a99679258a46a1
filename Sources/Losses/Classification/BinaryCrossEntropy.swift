import LossKitOps

/// Cross-entropy of independent yes-or-no logits.
///
/// `softplus(z) - t z`, with a weight `p` for the positive class `(1 - t) z + (1 + (p - 1) t) softplus(-z)`; gradient (without p) `sigmoid(z) - t`.
///
/// - Parameters:
///   - logits: Any shape, floating point.
///   - targets: The same shape, probabilities of yes in 0...1.
///   - positiveWeight: How much more a positive counts; broadcast against the logits.
///   - reduction: Over all elements.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``.
/// - Note: Finite for every finite logit. PyTorch's `binary_cross_entropy_with_logits`.
public func binaryCrossEntropy(
    logits: Tensor, targets: Tensor, positiveWeight: Tensor? = nil, reduction: Reduction = .mean
) throws -> Tensor {
    try requireEqualShapes(logits, targets, "binaryCrossEntropy")
    guard let positiveWeight else { return try reduction(logits.softplus() - targets * logits) }
    return try reduction((1 - targets) * logits + ((positiveWeight - 1) * targets + 1) * (-logits).softplus())
}

extension LossDescription {
    static let binaryCrossEntropyLoss = LossDescription(
        "binaryCrossEntropy", .classification, "Cross-entropy of independent yes-or-no logits",
        reference: "PyTorch binary_cross_entropy_with_logits",
        inputs: [
            .init("logits", ["n", "d"]), .init("targets", ["n", "d"], .real(0...1)),
            .init("positiveWeight", ["d"], .real(0.5...2), isOptional: true),
        ],
        options: [.reduction]
    ) {
        try binaryCrossEntropy(
            logits: $0["logits"], targets: $0["targets"], positiveWeight: $0.optional("positiveWeight"), reduction: $0.reduction())
    }
}
