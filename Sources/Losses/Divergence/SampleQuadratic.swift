import LossKitOps

/// An unbiased estimate of `|p - q|^2` between two distributions over a finite alphabet, from counts of samples alone.
///
/// With a of N draws of the target and b of M draws of the model:
/// `sum_x b (b - 1) / (M (M - 1)) - 2 a b / (N M) + a (a - 1) / (N (N - 1))`, a U-statistic, which may be negative; the last term is the
/// target's own, left out without `includesTarget`, with which one draw of the target would do. Samples carry no gradient; of counts it
/// is that of the formula. Where the model's probabilities are at hand, `|p - q|^2` itself has the gradient `2 (q - p)`.
///
/// - Parameters:
///   - targetCounts: [..., x]: a, each row of N >= 1 draws (2 with `includesTarget`), which rows may differ in.
///   - modelCounts: [..., x]: b, of M >= 2 draws.
///   - includesTarget: Whether the term of the target alone counts.
///   - reduction: Over rows.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Fewer draws give NaN or infinity. The paper's characterisation allows polynomials of at most as high a degree as there are
///   draws; the Poisson-sampled cross-entropy is not offered, since its form is not certain. Proper Losses for Discrete Generative
///   Models, 2023.
public func sampleQuadratic(
    targetCounts: Tensor, modelCounts: Tensor, includesTarget: Bool = true, reduction: Reduction = .mean
) throws -> Tensor {
    try requireEqualShapes(targetCounts, modelCounts, "sampleQuadratic")
    try requireFloatingPoint(targetCounts, "sampleQuadratic")
    try require(targetCounts.rank > 0, "sampleQuadratic", "counts [..., x]", targetCounts.shape)
    let (a, b) = (targetCounts.inArithmetic(), modelCounts.inArithmetic())
    let (n, m) = (try a.sum(axes: [-1]), try b.sum(axes: [-1]))
    func pairs(_ counts: Tensor, _ total: Tensor) throws -> Tensor { try (counts * (counts - 1)).sum(axes: [-1]) / (total * (total - 1)) }
    let cross = try (a * b).sum(axes: [-1]) / (n * m)
    let value = try pairs(b, m) - cross * 2
    return try reduction(includesTarget ? value + pairs(a, n) : value).asType(targetCounts.dtype)
}

extension LossDescription {
    static let sampleQuadraticLoss = LossDescription(
        "sampleQuadratic", .divergence, "An unbiased squared distance of distributions, from counts of samples",
        reference: "Proper Losses for Discrete Generative Models, 2023",
        inputs: [.init("targetCounts", ["n", "m"], .real(1...6)), .init("modelCounts", ["n", "m"], .real(1...6))],
        options: [.flag("includesTarget", true), .reduction], catalogue: ["proper-losses-for-discrete-generative-models"]
    ) {
        try sampleQuadratic(
            targetCounts: $0["targetCounts"], modelCounts: $0["modelCounts"], includesTarget: $0.flag("includesTarget"),
            reduction: $0.reduction())
    }
}
