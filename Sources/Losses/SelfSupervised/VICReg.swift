import LossKitOps

/// VICReg: two views agree, each coordinate keeps its spread, and no two coordinates say the same.
///
/// `invariance mean (x - y)^2 + variance (v(x) + v(y)) + covariance (c(x) + c(y))` with `v = mean_j max(0, 1 - sqrt(Var_j + epsilon))` and
/// `c = sum_{i != j} Cov_ij^2 / d`, variances and covariances over n - 1. Gradients flow to both views.
///
/// - Parameters:
///   - first: [n, d], floating point, n >= 2.
///   - second: [n, d].
///   - invarianceWeight: The paper's lambda.
///   - varianceWeight: The paper's mu; the authors' code halves the term, which 12.5 does too.
///   - covarianceWeight: The paper's nu.
///   - epsilon: Above 0.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Algorithm 1 of Bardes, Ponce and LeCun, VICReg, 2022.
public func vicReg(
    first: Tensor, second: Tensor, invarianceWeight: Double = 25, varianceWeight: Double = 25, covarianceWeight: Double = 1,
    epsilon: Double = 1e-4
) throws -> Tensor {
    try requireViews(first, second, rows: 2, "vicReg")
    try require(epsilon > 0, "vicReg", "epsilon > 0", epsilon)
    let (n, d) = (Double(first.shape[0]), Double(first.shape[1]))
    func regularizers(_ embeddings: Tensor) throws -> Tensor {
        let centred = try embeddings.centredColumns()
        let deviation = try (centred.square().sum(axes: [0]) / (n - 1) + epsilon).squareRoot()
        let covariance = try centred.swappingAxes(0, 1).matmul(centred) / (n - 1)
        return try (1 - deviation).relu().mean() * varianceWeight + covariance.offDiagonalSquares() * (covarianceWeight / d)
    }
    let (x, y) = (first.inArithmetic(), second.inArithmetic())
    let value = try (x - y).square().mean() * invarianceWeight + regularizers(x) + regularizers(y)
    return value.asType(first.dtype)
}

extension LossDescription {
    static let vicRegLoss = LossDescription(
        "vicReg", .selfSupervised, "Invariance, variance and covariance of two views",
        reference: "Bardes, Ponce and LeCun, VICReg: Variance-Invariance-Covariance Regularization for Self-Supervised Learning, 2022",
        inputs: [.init("first", ["n", "d"], .real(-1...1)), .init("second", ["n", "d"], .real(-1...1))],
        options: [
            .number("invarianceWeight", 25), .number("varianceWeight", 25), .number("covarianceWeight", 1), .number("epsilon", 1e-4),
        ]
    ) {
        try vicReg(
            first: $0["first"], second: $0["second"], invarianceWeight: $0.number("invarianceWeight"),
            varianceWeight: $0.number("varianceWeight"), covarianceWeight: $0.number("covarianceWeight"), epsilon: $0.number("epsilon"))
    }
}
