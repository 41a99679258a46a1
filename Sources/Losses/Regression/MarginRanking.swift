import LossKitOps

/// Margin ranking loss: of two scores the one the label names should be the larger, by a margin.
///
/// `max(0, -y (a - b) + margin)`; gradient `-y` to the first and `y` to the second score while that is above 0.
///
/// - Parameters:
///   - first: Any shape, floating point.
///   - second: The same shape.
///   - labels: The same shape: 1 where the first should be larger, -1 where the second.
///   - margin: In the scores' units.
///   - reduction: Over all elements.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/dtypeMismatch(operation:expected:actual:)``.
/// - Note: PyTorch's `margin_ranking_loss`.
public func marginRanking(
    first: Tensor, second: Tensor, labels: Tensor, margin: Double = 0, reduction: Reduction = .mean
) throws -> Tensor {
    let apart = try residual(first, second, "marginRanking")
    try requireEqualShapes(first, labels, "marginRanking")
    try require(!margin.isNaN, "marginRanking", "a number as margin", margin)
    return try reduction((margin - labels.asType(apart.dtype) * apart).relu())
}

extension LossDescription {
    static let marginRankingLoss = LossDescription(
        "marginRanking", .regression, "Of two scores the named one is the larger, by a margin", reference: "PyTorch margin_ranking_loss",
        inputs: [.init("first", ["n"]), .init("second", ["n"]), .init("labels", ["n"], .signs)],
        options: [.number("margin", 0), .reduction]
    ) {
        try marginRanking(
            first: $0["first"], second: $0["second"], labels: $0["labels"], margin: $0.number("margin"), reduction: $0.reduction())
    }
}
