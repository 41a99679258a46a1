import LossKitOps

/// Mixed Barlow Twins: Barlow Twins, and embeddings of mixed inputs that correlate as the mixture of the views' correlations.
///
/// With columns brought to mean 0 and variance 1 over n - 1 and `C(a, b) = a^T b / n`: the Barlow Twins term of `C(x, y)`, and
/// `weight lambda (|C(m, x) - G(x)|^2 + |C(m, y) - G(y)|^2)` with `G(b) = alpha C(x, b) + (1 - alpha) C(y[permutation], b)`.
/// Gradients flow through the targets G as well.
///
/// - Parameters:
///   - first: [n, d], floating point, n >= 2.
///   - second: [n, d].
///   - mixed: [n, d], of `alpha x + (1 - alpha) y[permutation]`, x and y the inputs.
///   - permutation: [n], integers from 0 up to n.
///   - alpha: In 0...1, drawn evenly each step.
///   - lambda: The weight of redundancy; 1/128 in the paper's small sets.
///   - weight: Of the mixed terms.
///   - epsilon: At least 0, added to variances.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches.
/// - Note: Bandara et al., Guarding Barlow Twins Against Overfitting with Mixed Samples, 2023.
public func mixedBarlowTwins(
    first: Tensor, second: Tensor, mixed: Tensor, permutation: Tensor, alpha: Double = 0.5, lambda: Double = 0.005, weight: Double = 5,
    epsilon: Double = 1e-12
) throws -> Tensor {
    try requireViews(first, second, rows: 2, "mixedBarlowTwins")
    try requireEqualShapes(first, mixed, "mixedBarlowTwins")
    let permutation = try checkedClasses(permutation, shape: [first.shape[0]], below: first.shape[0], "mixedBarlowTwins permutation")
    try require((0...1).contains(alpha), "mixedBarlowTwins", "alpha in 0...1", alpha)
    try require(epsilon >= 0, "mixedBarlowTwins", "epsilon >= 0", epsilon)
    let x = try first.inArithmetic().standardizedColumns(correction: 1, epsilon: epsilon)
    let y = try second.inArithmetic().standardizedColumns(correction: 1, epsilon: epsilon)
    let m = try mixed.inArithmetic().standardizedColumns(correction: 1, epsilon: epsilon)
    // C is linear in its first argument: the difference of both sides is the correlation of what is left of the mixture.
    let rest = try m - x * alpha - y.rows(at: permutation) * (1 - alpha)
    let apart = try correlation(rest, x).square().sum() + correlation(rest, y).square().sum()
    return try (redundancy(of: correlation(x, y), lambda: lambda) + apart * (weight * lambda)).asType(first.dtype)
}

extension LossDescription {
    static let mixedBarlowTwinsLoss = LossDescription(
        "mixedBarlowTwins", .selfSupervised, "Barlow Twins, and mixed inputs correlate as the mixture does",
        reference: "Bandara et al., Guarding Barlow Twins Against Overfitting with Mixed Samples, 2023",
        inputs: [
            .init("first", ["n", "d"]), .init("second", ["n", "d"]), .init("mixed", ["n", "d"]), .init("permutation", ["n"], .classes("n")),
        ],
        options: [.number("alpha", 0.5), .number("lambda", 0.005), .number("weight", 5), .number("epsilon", 1e-12)],
        catalogue: ["guarding-barlow-twins-against-overfitting-with-mixed-samples"]
    ) {
        try mixedBarlowTwins(
            first: $0["first"], second: $0["second"], mixed: $0["mixed"], permutation: $0["permutation"], alpha: $0.number("alpha"),
            lambda: $0.number("lambda"), weight: $0.number("weight"), epsilon: $0.number("epsilon"))
    }
}
