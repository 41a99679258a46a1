import LossKitOps

/// What a metric-learning loss of mixed examples is built on.
public enum MixedLoss: String, Sendable, CaseIterable {
    /// Sums of `-s` and of `max(0, s - base)`.
    case contrastive
    /// `1/alpha log(1 + sum exp(-alpha (s - base)))` and `1/beta log(1 + sum exp(beta (s - base)))`.
    case multiSimilarity
}

/// Which examples are mixed.
public enum MixedPairs: String, Sendable, CaseIterable {
    /// An anchor's positives with its negatives.
    case positiveNegative
    /// The anchor itself with its negatives.
    case anchorNegative
}

/// Metrix: a metric-learning loss of mixed examples, which are positives in the share that they hold of one.
///
/// With `v = lambda x + (1 - lambda) x'` at unit length, x a positive of the anchor a (or a itself) and x' a negative:
/// `sigma+(sum_v lambda rho+(s(a, v))) + sigma-(sum_v (1 - lambda) rho-(s(a, v)))`, rho and sigma those of the loss that it is built on: of
/// the contrastive loss `-s`, `max(0, s - base)` and nothing; of multi-similarity `exp(-alpha (s - base))`, `exp(beta (s - base))` and
/// `log(1 + u) / alpha` (`/ beta`). Gradient: through the mixed examples to all three.
///
/// ```swift
/// let loss = try multiSimilarity(embeddings: x, labels: y) + 0.4 * metrix(embeddings: x, labels: y, shares: lambda)
/// ```
/// - Parameters:
///   - embeddings: [n, d]; mixed at unit length.
///   - labels: [n], integers.
///   - shares: [n], lambda of each anchor, in 0...1; the authors draw it from Beta(2, 2). No derivative is carried to it.
///   - loss: What it is built on.
///   - mixing: What is mixed.
///   - alpha: Above 0.
///   - beta: Above 0.
///   - base: The threshold; m of the contrastive loss.
///   - miner: Which pairs are mixed.
///   - reducer: Over anchors; those without a mixed example have loss 0.
/// - Returns: A scalar, to add to the loss of clean examples with a weight (0.4 in the paper).
/// - Throws: Shape and type mismatches, options out of range, shares out of 0...1.
/// - Note: The cosine with a mixed example follows from the cosines of what is mixed: no mixed example is formed. Memory grows with n^2,
///   since positives meet negatives, time with n^3. Venkataramanan et al., It Takes Two to Tango: Mixup for Deep Metric Learning, 2022.
public func metrix(
    embeddings: Tensor, labels: Tensor, shares: Tensor, loss: MixedLoss = .multiSimilarity, mixing: MixedPairs = .positiveNegative,
    alpha: Double = 2, beta: Double = 50, base: Double = 0.5, miner: PairMiner = .all, reducer: Reducer = .mean
) throws -> Tensor {
    try require(alpha > 0 && beta > 0, "metrix", "alpha and beta above 0", (alpha, beta))
    let batch = try PairBatch(embeddings, labels, distance: .cosine, miner: miner, "metrix")
    let pairs = try batch.whole()
    let count = embeddings.shape[0]
    try requireShape(shares, [count], "shares", "metrix")
    try requireFloatingPoint(shares, "metrix")
    for (row, share) in try shares.array(of: Double.self).enumerated() where !(0...1).contains(share) {
        throw TensorError.invalidArgument(operation: "metrix", expected: "shares in 0...1", actual: "\(share) in row \(row)")
    }
    guard count > 0 else { return try embeddings.sum() }
    // Anchors along the first axis, positives along the second, negatives along the third.
    let cosine = -pairs.far
    let share = try stopGradient(shares).asType(cosine.dtype).reshaped([count, 1, 1])
    let (rest, toNegative) = (1 - share, try cosine.expandedDimensions(at: 1))
    let isNegative = try pairs.isNegative.expandedDimensions(at: 1)
    let (toPositive, between, isMixed): (Tensor, Tensor, Tensor) =
        mixing == .anchorNegative
        ? (try cosine.constant(1), toNegative, isNegative)
        : (
            try cosine.expandedDimensions(at: 2), try cosine.expandedDimensions(at: 0),
            try pairs.isPositive.expandedDimensions(at: 2) .&& isNegative
        )
    let cross: Tensor = share * rest * between
    let squared: Tensor = share.square() + rest.square() + cross * 2
    let projection: Tensor = share * toPositive + rest * toNegative
    let similarity = projection / squared.clamped(min: 1e-12).squareRoot()
    let zero = try cosine.constant(0)
    let elements: Tensor
    switch loss {
    case .contrastive:
        let term = rest * (similarity - base).relu() - share * similarity
        elements = try Tensor.select(isMixed, term, zero).sum(axes: [1, 2])
    case .multiSimilarity:
        let near = try logOnePlusSum((similarity - base) * -alpha, weights: share, where: isMixed)
        let far = try logOnePlusSum((similarity - base) * beta, weights: rest, where: isMixed)
        elements = near / alpha + far / beta
    }
    return try batch.reduce(elements, reducer)
}

/// log(1 + sum of weights times exponentials) of what a mask selects over the last two axes, without overflow.
private func logOnePlusSum(_ exponents: Tensor, weights: Tensor, where mask: Tensor) throws -> Tensor {
    let peak = try Tensor.select(mask, stopGradient(exponents), exponents.constant(0)).max(axes: [1, 2], keepDimensions: true).relu()
    let sum = try Tensor.select(mask, weights * (exponents - peak).exp(), exponents.constant(0)).sum(axes: [1, 2])
    let flat = try peak.flattened()
    return ((-flat).exp() + sum).log() + flat
}

/// How far a set of points lies from another: the mean distance of each of the first to the nearest of the second, as the authors of Metrix
/// measure how well training embeddings cover those of the test.
///
/// - Parameters:
///   - points: [n, d].
///   - covering: [m, d], m >= 1.
///   - distance: Between embeddings, no similarity.
/// - Returns: A scalar; 0 where both sets are one.
/// - Throws: Shape and type mismatches, a similarity.
/// - Note: Venkataramanan et al., 2022.
public func utilization(of covering: Tensor, for points: Tensor, distance: EmbeddingDistance = .euclidean) throws -> Tensor {
    try require(!distance.isSimilarity, "utilization", "a distance", distance.measure)
    let (x, y) = (try distance.prepared(points), try distance.prepared(covering))
    let blocks = RowBlocks(rows: x.shape[0], columns: y.shape[0], beside: x)
    return try blocks.joined([x], [y]) { try distance.separation(ofPrepared: $1[0], $2[0]).min(axes: [1]) }.mean()
}

extension LossDescription {
    static let metrixLoss = LossDescription(
        "metrix", .metricLearning, "A metric-learning loss of mixed examples",
        reference: "Venkataramanan et al., It Takes Two to Tango: Mixup for Deep Metric Learning, 2022",
        inputs: Input.labelledBatch + [.init("shares", ["n"], .real(0...1), isDifferentiable: false)],
        options: [
            .choice("loss", MixedLoss.multiSimilarity), .choice("mixing", MixedPairs.positiveNegative), .number("alpha", 2),
            .number("beta", 50), .number("base", 0.5),
        ] + Option.miner + [.reducer(.mean)], catalogue: ["it-takes-two-to-tango-mixup-for-deep-metric"]
    ) {
        try metrix(
            embeddings: $0["embeddings"], labels: $0["labels"], shares: $0["shares"], loss: $0.choice("loss"), mixing: $0.choice("mixing"),
            alpha: $0.number("alpha"), beta: $0.number("beta"), base: $0.number("base"), miner: $0.miner(), reducer: $0.reducer())
    }
}
