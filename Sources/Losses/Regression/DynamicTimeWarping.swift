import LossKitOps

/// Dynamic time warping: how far two sequences are along their best alignment.
///
/// The least sum of distances over all paths of pairs of steps from both beginnings to both ends that never go back. Gradient through the
/// pairs on the first best path; a second derivative is not provided.
///
/// - Parameters:
///   - x: [n, t, d], floating point: n sequences of t steps, t >= 1.
///   - y: [n, m, d], m >= 1.
///   - metric: Of steps.
///   - reduction: Over pairs of sequences.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/notDifferentiable(operation:order:)`` for a second
///   derivative.
/// - Note: Distances and sums in float32. Sakoe and Chiba, Dynamic Programming Algorithm Optimization for Spoken Word Recognition, 1978.
public func dtw(x: Tensor, y: Tensor, metric: Metric = .euclidean, reduction: Reduction = .mean) throws -> Tensor {
    try requireSequences(x, y, "dtw")
    return try reduction(warpingCosts(pairwiseDistance(x.inArithmetic(), y.inArithmetic(), metric: metric), gamma: 0).asType(x.dtype))
}

/// Soft dynamic time warping: the soft minimum over all alignments of two sequences.
///
/// `-gamma log sum over paths of exp(-(sum of squared distances) / gamma)`, which falls below dynamic time warping by up to gamma times the
/// logarithm of the number of paths, and may be negative. The divergence takes half of each sequence's own value off, so that equal
/// sequences have 0. Gradient: each pair's distance has the weight of the paths through it, by the backward recursion; a second derivative
/// is not provided.
///
/// - Parameters:
///   - x: [n, t, d], floating point: n sequences of t steps, t >= 1.
///   - y: [n, m, d], m >= 1.
///   - gamma: Above 0, in units of squared distances.
///   - isDivergence: Whether each sequence's own value comes off.
///   - reduction: Over pairs of sequences.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``,
///   ``TensorError/notDifferentiable(operation:order:)`` for a second derivative.
/// - Note: Distances and sums in float32. Cuturi and Blondel, Soft-DTW: A Differentiable Loss Function for Time-Series, 2017; Blondel, Mensch and Vert,
///   Differentiable Divergences Between Time Series, 2021.
public func softDTW(x: Tensor, y: Tensor, gamma: Double = 1, isDivergence: Bool = false, reduction: Reduction = .mean) throws -> Tensor {
    try requireSequences(x, y, "softDTW")
    try require(gamma > 0 && gamma.isFinite, "softDTW", "gamma > 0", gamma)
    func warped(_ a: Tensor, _ b: Tensor) throws -> Tensor {
        try warpingCosts(pairwiseDistance(a.inArithmetic(), b.inArithmetic(), metric: .squaredEuclidean), gamma: gamma)
    }
    let value = try warped(x, y)
    return try reduction((isDivergence ? value - (warped(x, x) + warped(y, y)) * 0.5 : value).asType(x.dtype))
}

private func requireSequences(_ x: Tensor, _ y: Tensor, _ operation: String) throws {
    try requireShape(x, [nil, nil, nil], "x", operation)
    try requireShape(y, [x.shape[0], nil, x.shape[2]], "y", operation)
    try requireFloatingPoint(x, operation)
    try requireFloatingPoint(y, operation)
    try require(x.shape[1] > 0 && y.shape[1] > 0, operation, "sequences of at least one step", [x.shape, y.shape])
}

extension LossDescription {
    private static let sequences: [Input] = [.init("x", ["n", "t", "d"]), .init("y", ["n", "m", "d"])]

    static let dtwLoss = LossDescription(
        "dtw", .regression, "How far two sequences are along their best alignment",
        reference: "Sakoe and Chiba, Dynamic Programming Algorithm Optimization for Spoken Word Recognition, 1978",
        inputs: sequences, options: [.choice("metric", Metric.euclidean), .reduction]
    ) { try dtw(x: $0["x"], y: $0["y"], metric: $0.choice("metric"), reduction: $0.reduction()) }

    static let softDTWLoss = LossDescription(
        "softDTW", .regression, "The soft minimum over all alignments of two sequences",
        reference: "Cuturi and Blondel, Soft-DTW: A Differentiable Loss Function for Time-Series, 2017",
        inputs: sequences, options: [.number("gamma", 1), .flag("isDivergence", false), .reduction]
    ) {
        try softDTW(
            x: $0["x"], y: $0["y"], gamma: $0.number("gamma"), isDivergence: $0.flag("isDivergence"), reduction: $0.reduction())
    }
}
