import LossKitOps

/// Multi-label hinge loss: each of a row's labels ahead of every class that is none of them.
///
/// `1 / C sum_{y in Y} sum_{k not in Y} max(0, 1 - z_y + z_k)`.
///
/// - Parameters:
///   - logits: [N, C] or [C].
///   - targets: The same shape, integers: the row's labels, closed by -1 where they are fewer than C; what follows is not read.
///   - reduction: Over rows.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the position of a label that is neither a class nor
///   -1;
///   shape and type mismatches.
/// - Note: PyTorch's `multilabel_margin_loss`. The pairs of classes are never held: memory grows with N C.
public func multiLabelMargin(logits: Tensor, targets: Tensor, reduction: Reduction = .mean) throws -> Tensor {
    let operation = "multiLabelMargin"
    try requireEqualShapes(logits, targets, operation)
    try requireFloatingPoint(logits, operation)
    try require((1...2).contains(logits.rank), operation, "logits [N, C] or [C]", logits.shape)
    guard !targets.dtype.isFloatingPoint else {
        throw TensorError.dtypeMismatch(operation: operation, expected: "integer labels", actual: [targets.dtype])
    }
    let classes = logits.shape[logits.rank - 1]
    // How often a row names each class: a label named twice counts twice, as in PyTorch.
    var named = [Float](repeating: 0, count: logits.count)
    let labels = try targets.array(of: Int.self)
    for row in stride(from: 0, to: labels.count, by: max(1, classes)) {
        for position in row..<row + classes {
            let label = labels[position]
            if label == -1 { break }
            guard (0..<classes).contains(label) else {
                throw TensorError.indexOutOfRange(operation: "\(operation) targets", position: position, index: label, bound: classes)
            }
            named[row + label] += 1
        }
    }
    let own = try Tensor(named, shape: logits.shape, on: logits.device).asType(logits.dtype)
    let lag = try (1 - logits.expandedDimensions(at: -1) + logits.expandedDimensions(at: -2)).relu()
    let other = try (own .== 0).asType(logits.dtype).expandedDimensions(at: -2)
    let pairs = try lag * own.expandedDimensions(at: -1) * other
    return try reduction(pairs.sum(axes: [-2, -1]) / Double(classes))
}

extension LossDescription {
    static let multiLabelMarginLoss = LossDescription(
        "multiLabelMargin", .classification, "Each of a row's labels ahead of every class that is none of them",
        reference: "PyTorch multilabel_margin_loss",
        inputs: [.init("logits", ["n", "classes"]), .init("targets", ["n", "classes"], .integers(-1...3))], options: [.reduction]
    ) { try multiLabelMargin(logits: $0["logits"], targets: $0["targets"], reduction: $0.reduction()) }
}
