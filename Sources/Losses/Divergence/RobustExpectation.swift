import LossKitOps

/// The divergence that keeps the worst case of ``robustExpectation(values:probabilities:lambda:divergence:reduction:)`` near.
public enum RobustDivergence: String, Sendable, CaseIterable {
    /// `sum |p - p0| / 2`.
    case totalVariation
    /// Kullback and Leibler's.
    case kullbackLeibler
    /// `sum (p - p0)^2 / p0`.
    case chiSquare
}

/// The worst expectation of values over distributions that pay for leaving a nominal one.
///
/// `min_p <p, v> + lambda D(p | p0)`, in closed form. Total variation: `<p0, min(v, min v + lambda)>`. Kullback-Leibler:
/// `-lambda log <p0, exp(-v / lambda)>`. Chi-square: `max_a <p0, m> - Var_p0(m) / (4 lambda)` with `m = min(v, a)`, whose best a is found
/// exactly by sorting. Gradient: the worst p. It lies between min v (for lambda near 0) and `<p0, v>` (for large lambda).
///
/// - Parameters:
///   - values: [..., s], floating point.
///   - probabilities: [..., s], rows of the sum 1: p0, held still.
///   - lambda: Above 0.
///   - divergence: D.
///   - reduction: Over rows.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Of a linear Markov decision process, apply it to each latent factor and fit its expectations by ridge regression with `solve`;
///   that wrapper's constants are not confirmed, so it is left to the caller. Robust Offline Reinforcement Learning with Linearly
///   Structured f-Divergence Regularization, 2024.
public func robustExpectation(
    values: Tensor, probabilities: Tensor, lambda: Double = 1, divergence: RobustDivergence = .kullbackLeibler,
    reduction: Reduction = .mean
) throws -> Tensor {
    try requireEqualShapes(values, probabilities, "robustExpectation")
    try requireFloatingPoint(values, "robustExpectation")
    try require(values.rank > 0 && values.shape[values.rank - 1] > 0, "robustExpectation", "values [..., s] with s > 0", values.shape)
    try require(lambda > 0 && lambda.isFinite, "robustExpectation", "lambda > 0", lambda)
    let (v, p) = (values.inArithmetic(), stopGradient(probabilities).inArithmetic())
    guard v.count > 0 else { return try reduction(v.sum(axes: [-1])).asType(values.dtype) }
    let result: Tensor
    switch divergence {
    case .totalVariation:
        let least = try v.min(axes: [-1], keepDimensions: true)
        result = try (p * Tensor.minimum(v, least + lambda)).sum(axes: [-1])
    case .kullbackLeibler:
        // Relative to the least value that has mass: exact for a large lambda, whose logarithm is near 0, and a small one.
        let inner = try stopGradient(Tensor.select(p .> 0, v, v.constant(.infinity))).min(axes: [-1], keepDimensions: true)
        let rise = Tensor.select(p .> 0, v, inner) - inner
        result = try inner.squeezed(axes: [-1]) - (p * (rise / -lambda).expm1()).sum(axes: [-1]).log1p() * lambda
    case .chiSquare:
        let bound = try chiSquareBound(v, p, lambda)
        let kept = Tensor.minimum(v, bound)
        let mean = try (p * kept).sum(axes: [-1], keepDimensions: true)
        let variance = try (p * (kept - mean).square()).sum(axes: [-1])
        result = try mean.squeezed(axes: [-1]) - variance * (0.25 / lambda)
    }
    return try reduction(result).asType(values.dtype)
}

/// Where to cap values: the a with `sum_k p_k max(0, a - v_k) = 2 lambda`, infinity where even the largest value is not that far.
private func chiSquareBound(_ v: Tensor, _ p: Tensor, _ lambda: Double) throws -> Tensor {
    let axis = v.rank - 1
    let order = try v.argSort(axis: axis)
    let sorted = try v.takeAlongAxis(order, axis: axis)
    // Relative to the least value, so that large values lose no digits.
    let least = try sorted.slice(axis: axis, from: 0, to: 1)
    let rise = sorted - least
    let mass = try p.takeAlongAxis(order, axis: axis)
    let below = try mass.cumulativeSum(axis: axis)
    let moment = try (mass * rise).cumulativeSum(axis: axis)
    // The sum at a = v_k grows with k: the last k where it is not past the goal is the last value below a.
    let isBelow = stopGradient(rise * below - moment) .<= 2 * lambda
    let last = try isBelow.asType(.int64).sum(axes: [axis], keepDimensions: true) - 1
    let bound = try ((moment + 2 * lambda) / below).takeAlongAxis(last, axis: axis)
    let largest = try rise.slice(axis: axis, from: v.shape[axis] - 1)
    return try Tensor.select(bound .< largest, bound + least, v.constant(.infinity))
}

extension LossDescription {
    static let robustExpectationLoss = LossDescription(
        "robustExpectation", .divergence, "The worst expectation near a nominal distribution",
        reference: "Robust Offline Reinforcement Learning with Linearly Structured f-Divergence Regularization, 2024",
        inputs: [.init("values", ["n", "m"]), .init("probabilities", ["n", "m"], .probabilities, isDifferentiable: false)],
        options: [.number("lambda", 1), .choice("divergence", RobustDivergence.kullbackLeibler), .reduction],
        catalogue: ["robust-offline-reinforcement-learning-with-linearly-structured-f-divergence"]
    ) {
        try robustExpectation(
            values: $0["values"], probabilities: $0["probabilities"], lambda: $0.number("lambda"),
            divergence: $0.choice("divergence"), reduction: $0.reduction())
    }
}
