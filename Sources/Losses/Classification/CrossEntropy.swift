import LossKitOps

/// Softmax cross-entropy of logits and class indices or class probabilities.
///
/// With `L = log sum_k exp z_k`, smoothing `s`, weights `w` and class index `y`:
/// `(1 - s) w_y (L - z_y) + (s / C) sum_k w_k (L - z_k) + zLoss L^2`. Targets of a floating-point type are probabilities `t`, which stand for
/// `sum_k w_k ((1 - s) t_k + s / C) (L - z_k)`; they need not sum to 1, and no derivative is carried to them.
/// Gradient: `(Q + 2 zLoss L) softmax(z) - q`, q the target masses above and Q their sum.
///
/// - Parameters:
///   - logits: [N, C] or [N, C, d1, ...], or [C] for one sample.
///   - targets: The logits' shape without C, integers; or the logits' shape, floating point.
///   - weights: [C], not negative.
///   - ignoreIndex: Rows with this class index count for nothing.
///   - labelSmoothing: In 0...1.
///   - zLoss: Weight of the squared log-partition, which keeps logits small.
///   - reduction: The mean divides by the sum of the targets' weights (NaN where every row is ignored, as in PyTorch); for probabilities by the number of rows.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row of a class index that is out of range: on the CPU
///   at once, on an OpenCL device from whatever reads a value that depends on it. Shape and type mismatches.
/// - Note: float32 inside, whatever the logits' type, the log-partition rescaled by blocks; one launch each way, the logits read once in each.
///   A row with a NaN has loss and gradient NaN, one whose logits are all minus infinity has 0. PyTorch's `cross_entropy`.
public func crossEntropy(
    logits: Tensor, targets: Tensor, weights: Tensor? = nil, ignoreIndex: Int = -100, labelSmoothing: Double = 0, zLoss: Double = 0,
    reduction: Reduction = .mean
) throws -> Tensor {
    let rank = try logits.checked().rank
    guard rank >= 1 else {
        throw TensorError.shapeMismatch(operation: "crossEntropy", expected: "logits [N, C, ...] or [C]", actual: [logits.shape])
    }
    let rows = try classesLast(logits)
    let rowShape = rank == 1 ? [] : [logits.shape[0]] + logits.shape.dropFirst(2)
    let rowTargets: RowTargets
    if try targets.checked().dtype.isFloatingPoint {
        try requireEqualShapes(logits, targets, "crossEntropy")
        rowTargets = .masses(try classesLast(targets))
    } else {
        guard targets.shape == rowShape else {
            throw TensorError.shapeMismatch(operation: "crossEntropy", expected: "class indices \(rowShape)", actual: [targets.shape])
        }
        rowTargets = .labels(try targets.flattened(), ignored: ignoreIndex)
    }
    var options = CrossEntropyOptions()
    options.weights = weights
    options.smoothing = labelSmoothing
    options.zLoss = zLoss
    options.reduction = reduction.ofRows
    let loss = try rowCrossEntropy(logits: rows, targets: rowTargets, options: options).loss
    return reduction == .none ? try loss.reshaped(rowShape) : loss
}

/// [N, C, d1, ...] as rows of classes.
private func classesLast(_ tensor: Tensor) throws -> Tensor {
    guard tensor.rank > 1 else { return try tensor.expandedDimensions(at: 0) }
    let order = [0] + Array(2..<max(2, tensor.rank)) + [1]
    let count = tensor.shape.enumerated().reduce(1) { $1.offset == 1 ? $0 : $0 * $1.element }
    return try (tensor.rank == 2 ? tensor : tensor.transposed(order)).reshaped([count, tensor.shape[1]])
}

extension LossDescription {
    static let crossEntropyLoss = LossDescription(
        "crossEntropy", .classification, "Softmax cross-entropy of logits and class indices or probabilities",
        reference: "PyTorch cross_entropy; Szegedy et al., Rethinking the Inception Architecture, 2016 (label smoothing)",
        inputs: [
            .init("logits", ["n", "classes"]), .init("targets", ["n"], .classes("classes")),
            .init("weights", ["classes"], .real(0.5...2), isOptional: true, isDifferentiable: false),
        ],
        options: [.integer("ignoreIndex", -100), .number("labelSmoothing", 0), .number("zLoss", 0), .reduction]
    ) {
        try crossEntropy(
            logits: $0["logits"], targets: $0["targets"], weights: $0.optional("weights"), ignoreIndex: $0.integer("ignoreIndex"),
            labelSmoothing: $0.number("labelSmoothing"), zLoss: $0.number("zLoss"), reduction: $0.reduction())
    }
}
