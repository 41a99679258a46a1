import LossKitOps

/// Robust global contrastive loss (iSogCLR): every anchor has a temperature of its own, which the loss prices.
///
/// With `h_ij = cos(x_i, y_j) - cos(x_i, y_i)`: for each row `t_i log(mean_{j != i} exp(h_ij / t_i)) + rho t_i`, the dual of the worst
/// reweighting of negatives within a KL ball of radius rho. Gradient to `h_ij` the softmax of `h_i / t_i`, to `t_i`
/// `log mean_j exp(h_ij / t_i) + rho - sum_j softmax_j h_ij / t_i`.
///
/// - Parameters:
///   - first: [n, d], floating point, n >= 2: anchors.
///   - second: [n, d]; row i is the positive of anchor i.
///   - temperatures: [n], above 0; keep them within 0.05...0.7 (the authors' range for images) after each step.
///   - rho: At least 0.
///   - reduction: Over anchors.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: O(n d) memory. Qiu et al., Not All Semantics are Created Equal: Contrastive Self-Supervised Learning with Automatic Temperature
///   Individualization, 2023.
public func robustGlobalContrastive(
    first: Tensor, second: Tensor, temperatures: Tensor, rho: Double = 0.3, reduction: Reduction = .mean
) throws -> Tensor {
    try requireViews(first, second, rows: 0, "robustGlobalContrastive")
    try requireShape(temperatures, [first.shape[0]], "temperatures", "robustGlobalContrastive")
    try require(rho >= 0, "robustGlobalContrastive", "rho >= 0", rho)
    let n = first.shape[0]
    let t = temperatures.inArithmetic()
    guard n > 0 else { return try reduction(t * 0).asType(first.dtype) }
    try require(n > 1, "robustGlobalContrastive", "at least 2 anchors", n)
    let (x, y) = (try first.inArithmetic().unitRows(), try second.inArithmetic().unitRows())
    let own = try (x * y).sum(axes: [1], keepDimensions: true)
    let sums = try RowBlocks(rows: n, columns: n, beside: x).joined([x, own, t.expandedDimensions(at: 1)], [y]) { range, rows, columns in
        let gaps = try (rows[0].matmul(columns[0].transposed()) - rows[1]) / rows[2]
        let places = try Tensor.places(range, columns: n, beside: x)
        return try Tensor.select(places.column .== places.row, gaps.constant(-.infinity), gaps).logSumExp(axes: [1])
    }
    let mean = try sums - sums.constant(Double(n - 1)).log()
    return try reduction(t * (mean + rho)).asType(first.dtype)
}

/// What stochastic training of individual temperatures keeps for each sample.
public struct TemperatureState: Sendable {
    /// Running means [n] of `exp(cos(x_i, y_j) / t_i)` over negatives; zeros for samples that were never seen.
    public var averages: Tensor
    /// Running gradients [n] of the temperatures.
    public var momenta: Tensor
    /// Temperatures [n].
    public var temperatures: Tensor

    /// The state of samples that were never seen.
    public init(averages: Tensor, momenta: Tensor, temperatures: Tensor) {
        (self.averages, self.momenta, self.temperatures) = (averages, momenta, temperatures)
    }
}

/// One stochastic step of ``robustGlobalContrastive(first:second:temperatures:rho:reduction:)`` for a batch's samples.
///
/// `u <- (1 - gamma) u + gamma mean_j exp(s_ij / t_i)` (all of it on a first visit), weights `p_ij = exp(s_ij / t_i) / u_i`, held still,
/// the loss to differentiate `-s_ii + mean_j p_ij s_ij`, and the temperatures moved against `log u_i + rho - mean_j p_ij s_ij / t_i` with
/// momentum, then clamped.
///
/// - Parameters:
///   - first: [n, d], floating point, n >= 2.
///   - second: [n, d].
///   - state: Of the batch's samples.
///   - gamma: In 0...1.
///   - rho: At least 0.
///   - rate: Of the temperatures' step.
///   - momentum: In 0...1.
///   - range: Where temperatures stay.
/// - Returns: The rows' loss [n] and the state one step on.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
public func robustGlobalContrastiveStep(
    first: Tensor, second: Tensor, state: TemperatureState, gamma: Double = 0.9, rho: Double = 0.3, rate: Double = 0.01,
    momentum: Double = 0.9, range: ClosedRange<Double> = 0.05...0.7
) throws -> (loss: Tensor, state: TemperatureState) {
    try requireViews(first, second, rows: 2, "robustGlobalContrastiveStep")
    let n = first.shape[0]
    for values in [state.averages, state.momenta, state.temperatures] {
        try requireShape(values, [n], "state", "robustGlobalContrastiveStep")
    }
    try require((0...1).contains(gamma), "robustGlobalContrastiveStep", "gamma in 0...1", gamma)
    let (x, y) = (try first.inArithmetic().unitRows(), try second.inArithmetic().unitRows())
    let t = stopGradient(state.temperatures)
    // Of each row the means over negatives of exponentials, and of cosines times those.
    let blocks = RowBlocks(rows: n, columns: n, beside: x)
    let means = try blocks.joined([x, t.inArithmetic().expandedDimensions(at: 1)], [y]) { range, rows, columns in
        let similarity = try rows[0].matmul(columns[0].transposed())
        let places = try Tensor.places(range, columns: n, beside: x)
        let exponentials = try Tensor.select(
            places.column .== places.row, similarity.constant(0), (stopGradient(similarity) / rows[1]).exp())
        return try Tensor.stack([exponentials.sum(axes: [1]), (exponentials * similarity).sum(axes: [1])], axis: 1) / Double(n - 1)
    }
    let current = try stopGradient(means.slice(axis: 1, from: 0, to: 1)).flattened()
    let averages = Tensor.select(state.averages .== 0, current, state.averages * (1 - gamma) + current * gamma)
    let pull = try means.slice(axis: 1, from: 1).flattened() / averages
    let slope = averages.log() + rho - stopGradient(pull) / t
    let momenta = state.momenta * (1 - momentum) + slope * momentum
    let moved = (t - momenta * rate).clamped(min: range.lowerBound, max: range.upperBound)
    return (
        try pull - (x * y).sum(axes: [1]), TemperatureState(averages: averages, momenta: momenta, temperatures: moved)
    )
}

extension LossDescription {
    static let robustGlobalContrastiveLoss = LossDescription(
        "robustGlobalContrastive", .selfSupervised, "Contrast with a temperature of each anchor's own",
        reference: "Qiu et al., Not All Semantics are Created Equal, 2023",
        inputs: [.init("first", ["n", "d"]), .init("second", ["n", "d"]), .init("temperatures", ["n"], .real(0.3...1))],
        options: [.number("rho", 0.3), .reduction],
        catalogue: ["not-all-semantics-are-created-equal-contrastive-self-supervised"]
    ) {
        try robustGlobalContrastive(
            first: $0["first"], second: $0["second"], temperatures: $0["temperatures"], rho: $0.number("rho"), reduction: $0.reduction())
    }
}
