import LossKitOps

/// SwAV: each view's scores of prototypes should predict the other view's assignment to them.
///
/// With `q` the assignments by ``sinkhornAssignment(scores:epsilon:iterations:)``, held still: for each row
/// `-sum_k q2_k log softmax(s1 / temperature)_k - sum_k q1_k log softmax(s2 / temperature)_k`. The authors' code takes half of that.
/// Gradient to the first scores `(softmax(s1 / temperature) - q2) / temperature`, to the second likewise.
///
/// - Parameters:
///   - first: [n, k], floating point: products of unit embeddings and unit prototypes.
///   - second: [n, k].
///   - temperature: Above 0.
///   - epsilon: Above 0, the assignment's entropy.
///   - iterations: Of the assignment, at least 0.
///   - reduction: Over rows.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Caron et al., Unsupervised Learning of Visual Features by Contrasting Cluster Assignments, 2020.
public func swAV(
    first: Tensor, second: Tensor, temperature: Double = 0.1, epsilon: Double = 0.05, iterations: Int = 3, reduction: Reduction = .mean
) throws -> Tensor {
    try requireViews(first, second, rows: 0, "swAV")
    try require(temperature > 0, "swAV", "temperature > 0", temperature)
    let (x, y) = (first.inArithmetic(), second.inArithmetic())
    let (q, r) = try (
        sinkhornAssignment(scores: x, epsilon: epsilon, iterations: iterations),
        sinkhornAssignment(scores: y, epsilon: epsilon, iterations: iterations)
    )
    let swapped = try (x / temperature).logSoftmax() * r + (y / temperature).logSoftmax() * q
    return try reduction(-swapped.sum(axes: [1])).asType(first.dtype)
}

/// Soft assignments [n, k] of rows to prototypes that use all prototypes alike, by the iteration of Sinkhorn and Knopp in logarithms.
///
/// Starts from `exp(scores / epsilon)`; each iteration scales prototypes to one sum, then rows to the sum 1. No derivative is carried
/// through it.
///
/// - Parameters:
///   - scores: [n, k], floating point.
///   - epsilon: Above 0; the smaller, the harder.
///   - iterations: At least 0.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Caron et al., Unsupervised Learning of Visual Features by Contrasting Cluster Assignments, 2020.
public func sinkhornAssignment(scores: Tensor, epsilon: Double = 0.05, iterations: Int = 3) throws -> Tensor {
    try requireShape(scores, [nil, nil], "scores", "sinkhornAssignment")
    try requireFloatingPoint(scores, "sinkhornAssignment")
    try require(epsilon > 0, "sinkhornAssignment", "epsilon > 0", epsilon)
    try require(iterations >= 0, "sinkhornAssignment", "iterations >= 0", iterations)
    var logarithms = stopGradient(scores) / epsilon
    if scores.shape[0] > 0 {
        for _ in 0..<iterations { logarithms = try logarithms.logSoftmax(axis: 0).logSoftmax(axis: 1) }
    }
    return try logarithms.softmax(axis: 1)
}

extension LossDescription {
    static let swAVLoss = LossDescription(
        "swAV", .selfSupervised, "Each view predicts the other's balanced assignment to prototypes",
        reference: "Caron et al., Unsupervised Learning of Visual Features by Contrasting Cluster Assignments, 2020",
        inputs: [.init("first", ["n", "m"], .real(-1...1)), .init("second", ["n", "m"], .real(-1...1))],
        options: [.number("temperature", 0.1), .number("epsilon", 0.05), .integer("iterations", 3), .reduction]
    ) {
        try swAV(
            first: $0["first"], second: $0["second"], temperature: $0.number("temperature"), epsilon: $0.number("epsilon"),
            iterations: $0.integer("iterations"), reduction: $0.reduction())
    }
}
