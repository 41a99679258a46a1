import LossKitOps

/// The debiased Sinkhorn divergence between images or volumes on one regular grid.
///
/// `S(a, b) = OT(a, b) - OT(a, a) / 2 - OT(b, b) / 2`, OT as of ``gridTransport(_:_:dimensions:spacing:epsilon:options:)``.
/// With `reach`, mass may be created and destroyed at the price `reach^2 KL` of each marginal.
/// Gradient: for the weights, that of the dual at its optimum; a second derivative is not provided.
///
/// - Parameters:
///   - a: [..., extents], not negative; leading axes are a batch. Without a reach, masses must be equal.
///   - b: The same shape.
///   - dimensions: How many of the last axes are the grid.
///   - spacing: Between neighbours, one for each axis or one for all; 1 / the largest extent by default.
///   - epsilon: At least 1e-30, in the cost's units: the square of GeomLoss' `blur`.
///   - reach: Length beyond which mass is not moved; nil for a balanced problem.
///   - tolerance: Stop at this L1 error of the marginals.
///   - maximumIterations: Stop at the latest here.
/// - Returns: [...].
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: float32 in the log domain, O(points) memory, O(points * extent) a step of all three problems at once, by the same operations in
///   the same order, so that equal images are apart by rounding alone. GeomLoss' `ImagesLoss`. Feydy et al., Interpolating between Optimal
///   Transport and MMD, 2019; Solomon et al., Convolutional Wasserstein Distances, 2015.
public func gridSinkhornDivergence(
    _ a: Tensor, _ b: Tensor, dimensions: Int = 2, spacing: [Double]? = nil, epsilon: Double, reach: Double? = nil,
    tolerance: Double = 1e-3, maximumIterations: Int = 1000
) throws -> Tensor {
    try gridSinkhorn(
        a, b, dimensions: dimensions, spacing: spacing, epsilon: epsilon, reach: reach, tolerance: tolerance,
        maximumIterations: maximumIterations
    ).value
}

/// ``gridSinkhornDivergence(_:_:dimensions:spacing:epsilon:reach:tolerance:maximumIterations:)`` with its potentials [..., extents] and an
/// account of its convergence, of all three problems.
public func gridSinkhorn(
    _ a: Tensor, _ b: Tensor, dimensions: Int = 2, spacing: [Double]? = nil, epsilon: Double, reach: Double? = nil,
    tolerance: Double = 1e-3, maximumIterations: Int = 1000
) throws -> SinkhornResult {
    let operation = "gridSinkhornDivergence"
    try requireEpsilon(epsilon, operation)
    if let reach { try require(reach > 0 && reach.isFinite, operation, "reach > 0", reach) }
    try require(maximumIterations > 0, operation, "maximumIterations > 0", maximumIterations)
    let grid = try GridProblem(a, b, dimensions: dimensions, spacing: spacing, isBalanced: reach == nil, operation)
    let penalty = reach.map { MarginalPenalty.divergence($0 * $0) } ?? .exact
    let batch = grid.softMin.batch
    let (x, y) = (stopGradient(grid.weights.x), stopGradient(grid.weights.y))
    // Between both, within the first, within the second.
    let problem = try EntropicProblem(
        SoftMin(
            GridSoftMin(extents: grid.softMin.extents, spacing: grid.softMin.spacing, batch: 3 * batch, on: a.device)),
        weights: (try Tensor.concatenate([x, x, y]), try Tensor.concatenate([y, x, y])), epsilon: epsilon, penalties: (penalty, penalty))
    let state = try problem.solve(
        EntropicProblem.Schedule(
            tolerance: tolerance, maximumIterations: maximumIterations, from: grid.spread, to: epsilon, ratio: 0.64))
    /// Between, less the mean of both sides within: of a quantity of each side.
    @Sendable func debiased(_ ofX: Tensor, _ ofY: Tensor) -> (x: Tensor, y: Tensor) {
        let (first, second) = (batch..<2 * batch, 2 * batch..<3 * batch)
        return (ofX[0..<batch] - (ofX[first] + ofY[first]) * 0.5, ofY[0..<batch] - (ofX[second] + ofY[second]) * 0.5)
    }
    let gains = debiased(problem.gain(.x, state), problem.gain(.y, state))
    let value = try (x * gains.x).sum(axes: [1]) + (y * gains.y).sum(axes: [1])
    let inputs = [grid.weights.x, grid.weights.y]
    let recorded = Tensor.record("gridSinkhornDivergence", inputs: inputs, output: value) { pullback in
        let c = try pullback.cotangent.expandedDimensions(at: 1)
        let slopes = debiased(problem.slope(.x, state), problem.slope(.y, state))
        return [slopes.x, slopes.y].map { slope in
            Tensor.record("gridSinkhornGradient", inputs: inputs + [c], output: slope * c) { _ in
                throw TensorError.notDifferentiable(operation: operation, order: 2)
            }
        }
    }
    return SinkhornResult(
        value: try recorded.reshaped(grid.lead).asType(Tensor.commonSample(a, b).dtype),
        potentials: (try state.f[0..<batch].reshaped(a.shape), try state.g[0..<batch].reshaped(a.shape)),
        marginalErrors: state.errors, iterations: state.iterations, isConverged: state.isConverged)
}
