import LossKitOps

/// Barlow Twins: the cross-correlation of two views' coordinates should be the identity.
///
/// With columns brought to mean 0 and variance 1 over n, `C = x^T y / n`: `sum_i (1 - C_ii)^2 + lambda sum_{i != j} C_ij^2`.
///
/// - Parameters:
///   - first: [n, d], floating point.
///   - second: [n, d].
///   - lambda: The weight of redundancy.
///   - epsilon: Above 0, added to variances as batch normalisation does.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Zbontar et al., Barlow Twins: Self-Supervised Learning via Redundancy Reduction, 2021.
public func barlowTwins(first: Tensor, second: Tensor, lambda: Double = 5e-3, epsilon: Double = 1e-5) throws -> Tensor {
    try requireViews(first, second, rows: 1, "barlowTwins")
    try require(epsilon > 0, "barlowTwins", "epsilon > 0", epsilon)
    let x = try first.inArithmetic().standardizedColumns(correction: 0, epsilon: epsilon)
    let y = try second.inArithmetic().standardizedColumns(correction: 0, epsilon: epsilon)
    return try redundancy(of: correlation(x, y), lambda: lambda).asType(first.dtype)
}

/// `x^T y / n`.
func correlation(_ x: Tensor, _ y: Tensor) throws -> Tensor { try x.swappingAxes(0, 1).matmul(y) / Double(x.shape[0]) }

/// How far a cross-correlation is from the identity, elements off the diagonal weighted by lambda.
func redundancy(of correlation: Tensor, lambda: Double) throws -> Tensor {
    try (1 - correlation.diagonal()).square().sum() + correlation.offDiagonalSquares() * lambda
}

extension LossDescription {
    static let barlowTwinsLoss = LossDescription(
        "barlowTwins", .selfSupervised, "The cross-correlation of two views is the identity",
        reference: "Zbontar et al., Barlow Twins: Self-Supervised Learning via Redundancy Reduction, 2021",
        inputs: [.init("first", ["n", "d"]), .init("second", ["n", "d"])], options: [.number("lambda", 5e-3), .number("epsilon", 1e-5)]
    ) { try barlowTwins(first: $0["first"], second: $0["second"], lambda: $0.number("lambda"), epsilon: $0.number("epsilon")) }
}
