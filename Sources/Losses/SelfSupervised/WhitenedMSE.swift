import LossKitOps

/// W-MSE: two views agree after whitening, which keeps embeddings from collapsing.
///
/// Each view is whitened by the inverse of the Cholesky factor of its covariance, `(1 - epsilon) Cov + epsilon I` over n - 1; then the mean
/// of `2 - 2 cos(x_i, y_i)`, or of `|x_i - y_i|^2 / d` without `isNormalized`. Gradients flow through the factors.
///
/// - Parameters:
///   - first: [n, d], floating point; n > d unless epsilon is above 0.
///   - second: [n, d].
///   - epsilon: In 0...1, how far covariances are shrunk to the identity.
///   - isNormalized: Whether whitened embeddings are compared by direction alone.
///   - sliceSize: Rows that are whitened together, a divisor of n; nil for all. Permute both views alike to slice at random.
/// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for a covariance that is not positive definite, and for options;
///   ``TensorError/shapeMismatch(operation:expected:actual:)``.
/// - Note: Ermolov et al., Whitening for Self-Supervised Representation Learning, 2021.
public func whitenedMSE(
    first: Tensor, second: Tensor, epsilon: Double = 0, isNormalized: Bool = true, sliceSize: Int? = nil
) throws -> Tensor {
    try requireViews(first, second, rows: 2, "whitenedMSE")
    try require((0...1).contains(epsilon), "whitenedMSE", "epsilon in 0...1", epsilon)
    let (n, d) = (first.shape[0], first.shape[1])
    let size = sliceSize ?? n
    try require(size >= 2 && n % size == 0, "whitenedMSE", "a sliceSize of at least 2 that divides \(n)", size)
    func whitened(_ view: Tensor) throws -> Tensor {
        let apart = try view.inArithmetic().reshaped([n / size, size, d]).centredColumns()
        // Without epsilon the scale does not matter.
        let centred = epsilon == 0 ? try apart / apart.magnitude(axes: [1, 2]) : apart
        let covariance = try centred.swappingAxes(-1, -2).matmul(centred) * ((1 - epsilon) / Double(size - 1))
        let factor = try cholesky(covariance + Tensor.eye(d, dtype: covariance.dtype, on: view.device) * epsilon)
        return try triangularSolve(factor, centred.swappingAxes(-1, -2)).swappingAxes(-1, -2).reshaped([n, d])
    }
    let (x, y) = (try whitened(first), try whitened(second))
    let value = isNormalized ? try (x.unitRows() - y.unitRows()).square().sum(axes: [1]).mean() : try (x - y).square().mean()
    return value.asType(first.dtype)
}

extension LossDescription {
    static let whitenedMSELoss = LossDescription(
        "whitenedMSE", .selfSupervised, "W-MSE: whitened views agree",
        reference: "Ermolov et al., Whitening for Self-Supervised Representation Learning, 2021",
        inputs: [.init("first", ["n", "d"]), .init("second", ["n", "d"])],
        options: [.number("epsilon", 0), .flag("isNormalized", true), .integer("sliceSize", 0)]
    ) {
        let size = try $0.integer("sliceSize")
        return try whitenedMSE(
            first: $0["first"], second: $0["second"], epsilon: $0.number("epsilon"), isNormalized: $0.flag("isNormalized"),
            sliceSize: size == 0 ? nil : size)
    }
}
