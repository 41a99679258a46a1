import LossKitOps

/// Angular loss: the angle at a negative of the triangle it forms with a positive pair, below a bound.
///
/// Over positive pairs `log(1 + sum_n exp(4 tan^2 alpha (x_a + x_p).x_n - 2 (1 + tan^2 alpha) x_a.x_p))`, of unit vectors. Gradient: a
/// softmax over the negatives.
///
/// - Parameters:
///   - embeddings: [n, d].
///   - labels: [n], integers.
///   - alpha: The bound in degrees, above 0 and at most 70; 36 to 55 in the paper.
///   - reducer: Over positive pairs, both orders of each.
/// - Returns: A scalar; a pair without negatives has loss 0.
/// - Throws: Shape and type mismatches, an angle out of range.
/// - Note: The sums over negatives of all pairs are one matrix product of exponentials, which stay within float32 up to 70 degrees: memory
///   grows with n^2. `AngularLoss` of pytorch-metric-learning, which leaves the negatives as long as they are.
///   Wang et al., Deep Metric Learning with Angular Loss, 2017.
public func angular(embeddings: Tensor, labels: Tensor, alpha: Double = 40, reducer: Reducer = .mean) throws -> Tensor {
    try require(alpha > 0 && alpha <= 70, "angular", "alpha above 0 and at most 70 degrees", alpha)
    let pairs = try EmbeddingPairs(embeddings, labels, distance: .cosine, "angular")
    let cosine = -pairs.far
    let slope = try cosine.constant(alpha * .pi / 180).tan().square()
    let zero = try cosine.constant(0)
    let weights = Tensor.select(pairs.isNegative, (cosine * slope * 4).exp(), zero)
    let sums = try weights.matmul(weights.transposed())
    let isAlone = sums .<= 0
    let logarithm = try Tensor.select(isAlone, cosine.constant(-1e30), Tensor.select(isAlone, cosine.constant(1), sums).log())
    let exponent = logarithm - cosine * (slope + 1) * 2
    return try pairs.reduce(exponent.softplus(), where: pairs.isPositive, reducer)
}

extension LossDescription {
    static let angularLoss = LossDescription(
        "angular", .metricLearning, "The angle at a negative, below a bound",
        reference: "Wang et al., Deep Metric Learning with Angular Loss, 2017", inputs: Input.labelledBatch,
        options: [.number("alpha", 40), .reducer(.mean)]
    ) { try angular(embeddings: $0["embeddings"], labels: $0["labels"], alpha: $0.number("alpha"), reducer: $0.reducer()) }
}
