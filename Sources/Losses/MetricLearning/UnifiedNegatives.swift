import LossKitOps

/// How ``unifiedNegatives(embeddings:weights:targets:form:scale:margin:whisker:reduction:)`` holds the own class back.
public enum MarginForm: String, Sendable, CaseIterable {
    /// The margin taken from the cosine.
    case cosFace
    /// The margin added to the angle.
    case arcFace
}

/// Unified negative pairs: a margin softmax over classes whose denominator holds the batch's negative pairs, too.
///
/// `-log(exp(s phi_y) / (exp(s phi_y) + sum_{k != y} exp(s cos theta_k) + sum_q exp(s c_q)))`, phi_y the own class's cosine with its
/// margin, c_q the cosines of all pairs i < j of different classes that lie in `Q1 - whisker IQR ... Q3 + whisker IQR` of them. Gradient:
/// softmax weights, for pairs from every row.
///
/// - Parameters:
///   - embeddings: [n, d].
///   - weights: [C, d], a direction for each class.
///   - targets: [n], integers.
///   - form: Of the margin.
///   - scale: s, above 0.
///   - margin: Not negative; below pi for an angle.
///   - whisker: Not negative; 1.5 in the authors' settings.
///   - reduction: Over rows.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches, options out of
///   range.
/// - Note: The pairs are summed once, not appended to every row, a block at a time: memory grows with n (d + C). Quartiles are the elements
///   `l / 4` and `3 l / 4` of the sorted cosines, and held. Jung et al., Unified Negative Pair Generation toward Well-discriminative
///   Feature Space for Face Recognition, 2022.
public func unifiedNegatives(
    embeddings: Tensor, weights: Tensor, targets: Tensor, form: MarginForm = .cosFace, scale: Double = 64, margin: Double = 0.5,
    whisker: Double = 1.5, reduction: Reduction = .mean
) throws -> Tensor {
    let operation = "unifiedNegatives"
    try require(scale > 0 && whisker >= 0, operation, "scale above 0 and whisker of at least 0", (scale, whisker))
    try require(margin >= 0 && (form == .cosFace || margin < .pi), operation, "a margin of at least 0, and below pi for an angle", margin)
    try requireShape(embeddings, [nil, nil], "embeddings", operation)
    let angles = try ClassAngles(embeddings.inArithmetic(), weights.inArithmetic(), targets, operation)
    // All in what cosines lack to 1, which tells near directions apart; that 1 cancels.
    let gaps = try angles.gaps()
    let own = try form == .arcFace ? 1 - angles.turned(by: margin) : angles.rows.pick(gaps) + margin
    let partition = try (Tensor.select(angles.rows.isTarget, angles.rows.column(own), gaps) * -scale).logSumExp(axes: [1])
    let pairs = try negativePairs(embeddings, targets, scale: scale, whisker: whisker)
    let joined = Tensor.maximum(partition, pairs) + (-(partition - pairs).absolute()).softplus()
    return try reduction(joined + own * scale).asType(embeddings.dtype)
}

/// log sum exp of the scaled cosines of the pairs i < j of different classes within the whiskers; -1e30 where there are none.
private func negativePairs(_ embeddings: Tensor, _ targets: Tensor, scale: Double, whisker: Double) throws -> Tensor {
    let batch = try BatchLabels(targets, beside: embeddings, "unifiedNegatives")
    let (units, names, count) = (try embeddings.inArithmetic().unitRows(), try batch.column(), batch.count)
    let blocks = RowBlocks(rows: count, columns: count, beside: units)
    /// The cosines of some rows with all, and which of them are pairs.
    @Sendable func pairs(_ range: Range<Int>, _ rows: Tensor, _ columns: Tensor) throws -> (Tensor, where: Tensor) {
        let places = try Tensor.places(range, columns: count, beside: rows)
        let isNegative = try names.slice(axis: 0, from: range.lowerBound, to: range.upperBound) .!= names.transposed()
        return (try -rows.gaps(to: columns), where: isNegative .&& (places.column .< places.row))
    }
    let kept = batch.pairCounts.negatives / 2
    guard kept > 0 else { return try units.constant(-1e30) }
    let held = stopGradient(units)
    let quartiles = try OrderStatistics.find([kept / 4, kept * 3 / 4]) { visit in
        for range in blocks.ranges {
            let set = try pairs(range, held.slice(axis: 0, from: range.lowerBound, to: range.upperBound), held)
            try visit([set, set])
        }
    }
    let (first, third) = (Double(quartiles[0]), Double(quartiles[1]))
    let reach = (third - first) * whisker
    let sums = try blocks.joined([units], [units]) { range, rows, columns in
        let (cosine, isPair) = try pairs(range, rows[0], columns[0])
        let isKept = isPair .&& (cosine .>= first - reach) .&& (cosine .<= third + reach)
        return try (cosine * scale).logSumExp(where: isKept)
    }
    return try sums.flattened().logSumExp(axes: [0])
}

extension LossDescription {
    static let unifiedNegativesLoss = LossDescription(
        "unifiedNegatives", .metricLearning, "A margin softmax whose denominator holds the batch's negative pairs",
        reference: "Jung et al., Unified Negative Pair Generation toward Well-discriminative Feature Space for Face Recognition, 2022",
        inputs: [.init("embeddings", ["n", "d"]), .init("weights", ["classes", "d"]), .init("targets", ["n"], .classes("classes"))],
        options: [
            .choice("form", MarginForm.cosFace), .number("scale", 64), .number("margin", 0.5), .number("whisker", 1.5), .reduction,
        ], catalogue: ["unified-negative-pair-generation-toward-well-discriminative-feature-space"]
    ) {
        try unifiedNegatives(
            embeddings: $0["embeddings"], weights: $0["weights"], targets: $0["targets"], form: $0.choice("form"),
            scale: $0.number("scale"), margin: $0.number("margin"), whisker: $0.number("whisker"), reduction: $0.reduction())
    }
}
