import LossKitOps

/// Softmax cross-entropy of hidden states times a vocabulary matrix, without the logits.
///
/// The value and the gradients of `crossEntropy(logits: hidden.matmul(weight^T) + bias, targets: targets)`. Logits exist only by stretches
/// of classes and are computed again in the backward pass, or, for a sum or mean on the CPU, by blocks of rows and once; the extra memory
/// is a few percent of the logits', whatever the number of classes. Ignored rows take part in no product.
///
/// - Parameters:
///   - hidden: [n, d], floating point; a gradient is carried to it.
///   - weight: [C, d], floating point; a gradient is carried to it.
///   - bias: [C]; a gradient is carried to it.
///   - targets: [n], integers.
///   - weights: [C], not negative.
///   - ignoreIndex: Rows with this class index count for nothing.
///   - labelSmoothing: In 0...1.
///   - zLoss: Weight of the squared log-partition.
///   - softCap: c in `c tanh(z / c)`, which stands for the logit z.
///   - gradientFilter: Leaves what hardly counts out of the gradients; none unless given. It waits for the device.
///   - reduction: As ``crossEntropy(logits:targets:weights:ignoreIndex:labelSmoothing:zLoss:reduction:)``.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row of a class index that is out of range; shape
///   mismatches.
/// - Note: float32 inside. A second derivative holds the logits. The class indices are read back, which waits for the device. Wijmans et al., Cut Your Losses in Large-Vocabulary
///   Language Models, 2025; Hsu et al., Liger Kernel, 2024.
public func linearCrossEntropy(
    hidden: Tensor, weight: Tensor, bias: Tensor? = nil, targets: Tensor, weights: Tensor? = nil, ignoreIndex: Int = -100,
    labelSmoothing: Double = 0, zLoss: Double = 0, softCap: Double? = nil, gradientFilter: GradientFilter? = nil,
    reduction: Reduction = .mean
) throws -> Tensor {
    try requireFloatingPoint(hidden, "linearCrossEntropy")
    try requireFloatingPoint(weight, "linearCrossEntropy")
    var options = CrossEntropyOptions()
    options.weights = weights
    (options.smoothing, options.zLoss, options.softCap, options.reduction) = (labelSmoothing, zLoss, softCap, reduction.ofRows)
    return try linearCrossEntropy(
        hidden: hidden, weight: weight, bias: bias, labels: targets, ignored: ignoreIndex, options: options, filter: gradientFilter)
}

extension LossDescription {
    static let linearCrossEntropyLoss = LossDescription(
        "linearCrossEntropy", .classification, "Softmax cross-entropy of hidden states times a vocabulary matrix, without the logits",
        reference: "Wijmans et al., Cut Your Losses in Large-Vocabulary Language Models, 2025; Hsu et al., Liger Kernel, 2024",
        inputs: [
            .init("hidden", ["n", "d"]), .init("weight", ["classes", "d"]), .init("bias", ["classes"], isOptional: true),
            .init("targets", ["n"], .classes("classes")),
            .init("weights", ["classes"], .real(0.5...2), isOptional: true, isDifferentiable: false),
        ],
        options: [
            .integer("ignoreIndex", -100), .number("labelSmoothing", 0), .number("zLoss", 0), .number("softCap", nil),
            .number("gradientFilter", nil), .reduction,
        ]
    ) {
        try linearCrossEntropy(
            hidden: $0["hidden"], weight: $0["weight"], bias: $0.optional("bias"), targets: $0["targets"], weights: $0.optional("weights"),
            ignoreIndex: $0.integer("ignoreIndex"), labelSmoothing: $0.number("labelSmoothing"), zLoss: $0.number("zLoss"),
            softCap: $0.optionalNumber("softCap"),
            gradientFilter: $0.optionalNumber("gradientFilter").map { GradientFilter(threshold: $0) }, reduction: $0.reduction())
    }
}
