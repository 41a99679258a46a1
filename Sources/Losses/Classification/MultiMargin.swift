import LossKitOps

/// Multi-class hinge loss: the own class ahead of every other by a margin.
///
/// `w_y / C sum_{k != y} max(0, margin - z_y + z_k)^p`.
///
/// - Parameters:
///   - logits: [N, C] or [C].
///   - targets: [N] or a scalar, integers.
///   - p: 1 or 2.
///   - margin: In the logits' units.
///   - weights: [C], not negative; no derivative is carried to them.
///   - reduction: Over rows; the mean divides by their number.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches; p other than 1 and
///   2.
/// - Note: PyTorch's `multi_margin_loss`; p = 1 is Crammer and Singer's loss with a sum for the maximum (Weston and Watkins, 1999).
public func multiMargin(
    logits: Tensor, targets: Tensor, p: Int = 1, margin: Double = 1, weights: Tensor? = nil, reduction: Reduction = .mean
) throws -> Tensor {
    try require(p == 1 || p == 2, "multiMargin", "p of 1 or 2", p)
    try require((1...2).contains(logits.rank), "multiMargin", "logits [N, C] or [C]", logits.shape)
    let rows = try ClassTargets(targets, beside: logits, "multiMargin")
    let lag = try (logits - rows.column(rows.pick(logits)) + margin).relu()
    var elements = try rows.others(p == 1 ? lag : lag.square()).sum(axes: [rows.axis]) / Double(logits.shape[rows.axis])
    if let weights {
        try requireShape(weights, [logits.shape[rows.axis]], "weights", "multiMargin")
        elements = try elements * rows.pick(stopGradient(weights))
    }
    return try reduction(elements)
}

extension LossDescription {
    static let multiMarginLoss = LossDescription(
        "multiMargin", .classification, "The own class ahead of every other by a margin",
        reference: "PyTorch multi_margin_loss; Weston and Watkins, Support Vector Machines for Multi-Class Pattern Recognition, 1999",
        inputs: [
            .init("logits", ["n", "classes"]), .init("targets", ["n"], .classes("classes")),
            .init("weights", ["classes"], .real(0.5...2), isOptional: true, isDifferentiable: false),
        ],
        options: [.integer("p", 1), .number("margin", 1), .reduction]
    ) {
        try multiMargin(
            logits: $0["logits"], targets: $0["targets"], p: $0.integer("p"), margin: $0.number("margin"), weights: $0.optional("weights"),
            reduction: $0.reduction())
    }
}
