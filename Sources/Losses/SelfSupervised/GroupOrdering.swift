import LossKitOps

/// GroCo: a differentiable sorting network should rank every positive above the hardest negatives.
///
/// Similarities are ordered within each group (negatives first, of which the `hardest` largest stay), then pass a network of odd-even
/// exchanges that mixes neighbours a, b by `alpha = atan(steepness (b - a)) / pi + 1/2`, and columns of the identity alike, which become
/// the relaxed permutation P. With p the mass of each similarity on the ranks of its own group:
/// the mean over both groups of `-log p` of members and `-log(1 - p)` of others, halved.
///
/// - Parameters:
///   - positives: [n, p], floating point: similarities of each anchor to its positives, p >= 1.
///   - negatives: [n, k]: to its negatives, k >= 1.
///   - hardest: At least 1: how many negatives count.
///   - steepness: Above 0; the larger, the harder the sort.
///   - reduction: Over anchors.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Logarithms are held above -100, as PyTorch's binary cross-entropy. Shvetsova et al., Learning by Sorting: Self-Supervised
///   Learning with Group Ordering Constraints, 2023; network: Petersen et al., Monotonic Differentiable Sorting Networks, 2022.
public func groupOrdering(
    positives: Tensor, negatives: Tensor, hardest: Int = 10, steepness: Double = 1, reduction: Reduction = .mean
) throws -> Tensor {
    try requireShape(positives, [nil, nil], "positives", "groupOrdering")
    try requireShape(negatives, [positives.shape[0], nil], "negatives", "groupOrdering")
    try requireFloatingPoint(positives, "groupOrdering")
    try requireFloatingPoint(negatives, "groupOrdering")
    try require(positives.shape[1] > 0 && negatives.shape[1] > 0, "groupOrdering", "positives and negatives", 0)
    try require(hardest > 0, "groupOrdering", "hardest > 0", hardest)
    try require(steepness > 0, "groupOrdering", "steepness > 0", steepness)
    let kept = Swift.min(hardest, negatives.shape[1])
    let worst = try negatives.inArithmetic().sorted(axis: 1).slice(axis: 1, from: negatives.shape[1] - kept)
    let mixing = try sortingNetwork(Tensor.concatenate([worst, positives.inArithmetic().sorted(axis: 1)], axis: 1), steepness: steepness)
    let count = kept + positives.shape[1]
    // Rank columns of the negatives come first; so do their places.
    let low = try mixing.slice(axis: 2, from: 0, to: kept).sum(axes: [2]).clamped(min: 0, max: 1)
    let high = try mixing.slice(axis: 2, from: kept).sum(axes: [2]).clamped(min: 0, max: 1)
    let isNegative = try Tensor.arange(to: Double(count), on: positives.device) .< kept
    // Nothing has no slope: that of the logarithm would be infinite, times 0.
    func logarithm(_ mass: Tensor) throws -> Tensor {
        let (isAny, one) = (mass .> 0, try mass.constant(1))
        return Tensor.select(isAny, Tensor.select(isAny, mass, one).log().clamped(min: -100), try mass.constant(-100))
    }
    func crossEntropy(_ own: Tensor, _ other: Tensor) throws -> Tensor { try logarithm(own) + logarithm(1 - other) }
    let (negative, positive) = (try crossEntropy(low, high), try crossEntropy(high, low))
    return try reduction(Tensor.select(isNegative, negative, positive).mean(axes: [1]) * -0.5).asType(positives.dtype)
}

/// The relaxed permutation [n, m, m] of rows [n, m] by m layers of odd-even exchanges: element by rank, doubly stochastic.
private func sortingNetwork(_ rows: Tensor, steepness: Double) throws -> Tensor {
    let (n, count) = (rows.shape[0], rows.shape[1])
    var values = rows
    var mixing = try Tensor.eye(count, dtype: rows.dtype, on: rows.device).broadcast(to: [n, count, count])
    for layer in 0..<count {
        let start = layer % 2
        let pairs = (count - start) / 2
        guard pairs > 0 else { continue }
        func exchanged(_ whole: Tensor, _ share: Tensor) throws -> Tensor {
            let axis = whole.rank - 1
            let middle = try whole.slice(axis: axis, from: start, to: start + 2 * pairs)
            let (a, b) = (try middle.slice(axis: axis, step: 2), try middle.slice(axis: axis, from: 1, step: 2))
            let low = share * a + (1 - share) * b
            let crossed = try Tensor.stack([low, a + b - low], axis: axis + 1).reshaped(middle.shape)
            let ends = [
                try whole.slice(axis: axis, from: 0, to: start), crossed, try whole.slice(axis: axis, from: start + 2 * pairs),
            ]
            return try Tensor.concatenate(ends, axis: axis)
        }
        let middle = try values.slice(axis: 1, from: start, to: start + 2 * pairs)
        let gap = try middle.slice(axis: 1, from: 1, step: 2) - middle.slice(axis: 1, step: 2)
        let alpha = (gap * steepness).atan() * (1 / Double.pi) + 0.5
        values = try exchanged(values, alpha)
        mixing = try exchanged(mixing, alpha.expandedDimensions(at: 1))
    }
    return mixing
}

extension LossDescription {
    static let groupOrderingLoss = LossDescription(
        "groupOrdering", .selfSupervised, "GroCo: a differentiable sort ranks positives above negatives",
        reference: "Shvetsova et al., Learning by Sorting: Self-Supervised Learning with Group Ordering Constraints, 2023",
        inputs: [.init("positives", ["n", "d"], .real(-1...1)), .init("negatives", ["n", "m"], .real(-1...1))],
        options: [.integer("hardest", 10), .number("steepness", 1), .reduction],
        catalogue: ["learning-by-sorting-self-supervised-learning-with-group-ordering"]
    ) {
        try groupOrdering(
            positives: $0["positives"], negatives: $0["negatives"], hardest: $0.integer("hardest"), steepness: $0.number("steepness"),
            reduction: $0.reduction())
    }
}
