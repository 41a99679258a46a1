import LossKitOps

/// Adaptive multi-head contrastive loss: several heads, and a temperature of each head and pair.
///
/// Of each row and head, with cosines s: `-s_ii / t_i + max_j s_ij / t_ij + beta (O(t_i) - O(t_ij*))`, j over other rows and j* the largest
/// of them; summed over heads. `O(t) = dimension / 2 log t + 1 / t`. With `isSoft` the logarithm of the sum of exponentials, the positive's
/// included, stands for the maximum: InfoNCE at one head and one temperature.
/// Gradient to s_ii `-1 / t_i`, to t_i `s_ii / t_i^2 + beta (dimension / (2 t_i) - 1 / t_i^2)`.
///
/// - Parameters:
///   - first: [heads, n, d], floating point, n >= 2.
///   - second: [heads, n, d]; row i is the positive of row i.
///   - positiveTemperatures: [heads, n], above 0.
///   - negativeTemperatures: [heads, n, n], above 0; the diagonal is not read.
///   - beta: Weight of the temperatures' prior.
///   - dimension: The prior's dimension, d where it is nil: which of d and the authors' variants the paper means is not certain.
///   - isSoft: Whether all negatives count.
///   - reduction: Over rows.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Memory is that of the temperatures, one of each pair. Wang et al., Adaptive Multi-head Contrastive Learning, 2024.
public func multiHeadContrastive(
    first: Tensor, second: Tensor, positiveTemperatures: Tensor, negativeTemperatures: Tensor, beta: Double = 0.1,
    dimension: Double? = nil, isSoft: Bool = false, reduction: Reduction = .mean
) throws -> Tensor {
    let operation = "multiHeadContrastive"
    try requireShape(first, [nil, nil, nil], "embeddings", operation)
    try requireEqualShapes(first, second, operation)
    try requireFloatingPoint(first, operation)
    try requireFloatingPoint(second, operation)
    let (heads, n, d) = (first.shape[0], first.shape[1], first.shape[2])
    try requireShape(positiveTemperatures, [heads, n], "positiveTemperatures", operation)
    try requireShape(negativeTemperatures, [heads, n, n], "negativeTemperatures", operation)
    guard n > 0 else { return try reduction(first.sum(axes: [0, 2]) * 0) }
    try require(n > 1, operation, "at least 2 rows", n)
    let (x, y) = (try first.inArithmetic().unitRows(), try second.inArithmetic().unitRows())
    let (own, t) = (positiveTemperatures.inArithmetic(), negativeTemperatures.inArithmetic())
    let similarity = try x.matmul(y.swappingAxes(-1, -2))
    let isOwn = try Tensor.eye(n, dtype: similarity.dtype, on: first.device) .> 0
    let positive = try (x * y).sum(axes: [2]) / own
    let others = Tensor.select(isOwn, try similarity.constant(-.infinity), similarity / Tensor.select(isOwn, try t.constant(1), t))
    let hardest = try others.argMax(axis: 2, keepDimensions: true)
    let negative: Tensor
    if isSoft {
        negative = try Tensor.select(isOwn, positive.expandedDimensions(at: 2), others).logSumExp(axes: [2])
    } else {
        negative = try others.takeAlongAxis(hardest, axis: 2).squeezed(axes: [2])
    }
    let size = (dimension ?? Double(d)) / 2
    func prior(_ t: Tensor) -> Tensor { t.log() * size + t.reciprocal() }
    let priors = try prior(own) - prior(t.takeAlongAxis(hardest, axis: 2).squeezed(axes: [2]))
    return try reduction((negative - positive + priors * beta).sum(axes: [0])).asType(first.dtype)
}

extension LossDescription {
    static let multiHeadContrastiveLoss = LossDescription(
        "multiHeadContrastive", .selfSupervised, "Several heads, a temperature of each head and pair",
        reference: "Wang et al., Adaptive Multi-head Contrastive Learning, 2024",
        inputs: [
            .init("first", ["e", "n", "d"]), .init("second", ["e", "n", "d"]),
            .init("positiveTemperatures", ["e", "n"], .real(0.3...2)), .init("negativeTemperatures", ["e", "n", "n"], .real(0.3...2)),
        ],
        options: [.number("beta", 0.1), .number("dimension", nil), .flag("isSoft", false), .reduction],
        catalogue: ["adaptive-multi-head-contrastive-learning"]
    ) {
        try multiHeadContrastive(
            first: $0["first"], second: $0["second"], positiveTemperatures: $0["positiveTemperatures"],
            negativeTemperatures: $0["negativeTemperatures"], beta: $0.number("beta"), dimension: $0.optionalNumber("dimension"),
            isSoft: $0.flag("isSoft"), reduction: $0.reduction())
    }
}
