import LossKitOps

/// Multi-label loss: binary cross-entropy of every class, averaged over a row's classes.
///
/// `1 / C sum_k w_k (softplus(z_k) - t_k z_k)`; gradient `w (sigmoid(z) - t) / C`.
///
/// - Parameters:
///   - logits: [..., C], floating point.
///   - targets: The same shape, in 0...1.
///   - weights: [C]; no derivative is carried to them.
///   - reduction: Over rows.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``.
/// - Note: PyTorch's `multilabel_soft_margin_loss`.
public func multiLabelSoftMargin(logits: Tensor, targets: Tensor, weights: Tensor? = nil, reduction: Reduction = .mean) throws -> Tensor {
    try requireEqualShapes(logits, targets, "multiLabelSoftMargin")
    try requireFloatingPoint(logits, "multiLabelSoftMargin")
    try require(logits.rank >= 1, "multiLabelSoftMargin", "logits [..., C]", logits.shape)
    var elements = logits.softplus() - targets * logits
    if let weights {
        try requireShape(weights, [logits.shape[logits.rank - 1]], "weights", "multiLabelSoftMargin")
        elements = elements * stopGradient(weights)
    }
    return try reduction(elements.mean(axes: [-1]))
}

extension LossDescription {
    static let multiLabelSoftMarginLoss = LossDescription(
        "multiLabelSoftMargin", .classification, "Binary cross-entropy of every class, averaged over the classes",
        reference: "PyTorch multilabel_soft_margin_loss",
        inputs: [
            .init("logits", ["n", "classes"]), .init("targets", ["n", "classes"], .integers(0...1)),
            .init("weights", ["classes"], .real(0.5...2), isOptional: true, isDifferentiable: false),
        ],
        options: [.reduction]
    ) {
        try multiLabelSoftMargin(
            logits: $0["logits"], targets: $0["targets"], weights: $0.optional("weights"), reduction: $0.reduction())
    }
}
