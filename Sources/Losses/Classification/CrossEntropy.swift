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
///   - reduction: The mean divides by the sum of the targets' weights; for probabilities by the number of rows. Where that is 0, since there are
///     no rows, or all are ignored or weigh nothing, it is NaN as in PyTorch, its gradient 0 and the sum 0.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row of a class index that is out of range: on the CPU
///   at once, on an OpenCL device from whatever reads a value that depends on it. Shape and type mismatches.
/// - Note: float32 inside, whatever the logits' type, the log-partition rescaled by blocks; one launch each way, the logits read once in each.
///   A row with a NaN has loss and gradient NaN, one whose logits are all minus infinity has 0, and so has one of a single class. A class of
///   probability 0 costs nothing where its target mass or its weight is 0, and infinitely much elsewhere. PyTorch's `cross_entropy`.
public func crossEntropy(
    logits: Tensor, targets: Tensor, weights: Tensor? = nil, ignoreIndex: Int = -100, labelSmoothing: Double = 0, zLoss: Double = 0,
    reduction: Reduction = .mean
) throws -> Tensor {
    try crossEntropy(
        logits: logits, targets: targets,
        options: CrossEntropyOptions(weights: weights, ignoreIndex: ignoreIndex, labelSmoothing: labelSmoothing, zLoss: zLoss),
        reduction: reduction)
}

/// Softmax cross-entropy with everything that the fused kernel does in the same pass.
///
/// As ``crossEntropy(logits:targets:weights:ignoreIndex:labelSmoothing:zLoss:reduction:)`` of the logits `z = softCap tanh(x / softCap) / temperature`,
/// each row times its scale. Gradient for x: that for z, times `(1 - tanh(x / softCap)^2) / temperature`.
///
/// - Parameters:
///   - logits: [N, C] or [N, C, d1, ...], or [C] for one sample.
///   - targets: The logits' shape without C, integers; or the logits' shape, floating point.
///   - options: See ``CrossEntropyOptions``.
///   - reduction: The mean divides by the sum of the targets' weights, for probabilities by the number of rows.
/// - Throws: As the plain loss; options out of range.
public func crossEntropy(
    logits: Tensor, targets: Tensor, options: CrossEntropyOptions, reduction: Reduction = .mean
) throws -> Tensor {
    let (result, rowShape) = try rowCrossEntropy(logits, targets, options, reduction)
    return reduction == .none ? try result.loss.reshaped(rowShape) : result.loss
}

/// Softmax cross-entropy with log-partitions, predictions and accuracy, from the one pass over the logits that the loss takes.
///
/// Value and gradient are still two launches. Rows that are ignored count for nothing in loss and accuracy, but are read for the others.
///
/// - Parameters: As ``crossEntropy(logits:targets:options:reduction:)``.
/// - Throws: As ``crossEntropy(logits:targets:options:reduction:)``.
public func crossEntropyStatistics(
    logits: Tensor, targets: Tensor, options: CrossEntropyOptions = CrossEntropyOptions(), reduction: Reduction = .mean
) throws -> CrossEntropyStatistics {
    let (result, rowShape) = try rowCrossEntropy(logits, targets, options, reduction, wantsStatistics: true)
    return CrossEntropyStatistics(
        loss: reduction == .none ? try result.loss.reshaped(rowShape) : result.loss, logPartition: try result.logPartition.reshaped(rowShape),
        predictions: try (result.predictions ?? .zeros([0], on: logits.device)).reshaped(rowShape), accuracy: result.accuracy)
}

private func rowCrossEntropy(
    _ logits: Tensor, _ targets: Tensor, _ given: CrossEntropyOptions, _ reduction: Reduction, wantsStatistics: Bool = false
) throws -> (RowCrossEntropy, rowShape: [Int]) {
    let rank = try logits.checked().rank
    guard rank >= 1 else {
        throw TensorError.shapeMismatch(operation: "crossEntropy", expected: "logits [N, C, ...] or [C]", actual: [logits.shape])
    }
    try requireFloatingPoint(logits, "crossEntropy")
    let rows = try rowsOfClasses(logits)
    let rowShape = rank == 1 ? [] : [logits.shape[0]] + logits.shape.dropFirst(2)
    let rowTargets: RowTargets
    func expected() -> String { "targets for logits \(logits.shape): integers \(rowShape), or probabilities \(logits.shape)" }
    if try targets.checked().dtype.isFloatingPoint {
        guard targets.shape == logits.shape else {
            throw targets.shape == rowShape
                ? TensorError.dtypeMismatch(operation: "crossEntropy", expected: expected(), actual: [targets.dtype])
                : TensorError.shapeMismatch(operation: "crossEntropy", expected: expected(), actual: [targets.shape])
        }
        let masses = try rowsOfClasses(targets)
        rowTargets = .masses(
            masses.rank == 2 ? masses : try masses.transposed([0, 2, 1]).reshaped([rowShape.reduce(1, *), masses.shape[1]]))
    } else {
        guard targets.shape == rowShape else {
            throw TensorError.shapeMismatch(operation: "crossEntropy", expected: expected(), actual: [targets.shape])
        }
        rowTargets = .labels(try targets.flattened(), ignored: given.ignoreIndex)
    }
    var options = given
    if let scales = given.rowScales {
        guard try scales.checked().shape == rowShape else {
            throw TensorError.shapeMismatch(operation: "crossEntropy", expected: "row scales \(rowShape)", actual: [scales.shape])
        }
        options.rowScales = try scales.flattened()
    }
    options.reduction = reduction.ofRows
    (options.wantsPredictions, options.readsIgnored) = (wantsStatistics, wantsStatistics)
    return (try rowCrossEntropy(logits: rows, targets: rowTargets, options: options), rowShape)
}

/// [N, C, d1, ...] as [N, C, d], [N, C] and [C] as rows of classes.
private func rowsOfClasses(_ tensor: Tensor) throws -> Tensor {
    switch tensor.rank {
    case 1: try tensor.expandedDimensions(at: 0)
    case 2: tensor
    default: try tensor.reshaped([tensor.shape[0], tensor.shape[1], tensor.shape[2...].reduce(1, *)])
    }
}

extension LossDescription {
    static let crossEntropyLoss = LossDescription(
        "crossEntropy", .classification, "Softmax cross-entropy of logits and class indices or probabilities",
        reference: "PyTorch cross_entropy; Szegedy et al., Rethinking the Inception Architecture, 2016 (label smoothing)",
        inputs: [
            .init("logits", ["n", "classes"]), .init("targets", ["n"], .classes("classes")),
            .init("weights", ["classes"], .real(0.5...2), isOptional: true, isDifferentiable: false),
            .init("rowScales", ["n"], .real(0.5...2), isOptional: true, isDifferentiable: false),
        ],
        options: [
            .integer("ignoreIndex", -100), .number("labelSmoothing", 0), .number("zLoss", 0), .number("softCap", nil),
            .number("temperature", 1), .reduction,
        ]
    ) {
        try crossEntropy(
            logits: $0["logits"], targets: $0["targets"],
            options: CrossEntropyOptions(
                weights: $0.optional("weights"), ignoreIndex: $0.integer("ignoreIndex"), labelSmoothing: $0.number("labelSmoothing"),
                zLoss: $0.number("zLoss"), softCap: $0.optionalNumber("softCap"), temperature: $0.number("temperature"),
                rowScales: $0.optional("rowScales")),
            reduction: $0.reduction())
    }
}
