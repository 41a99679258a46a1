import LossKitOps

/// A barycentre on points that are given, and how it was found.
public struct WassersteinBarycenter: Sendable {
    /// [s], of sum 1, on a grid of the grid's shape; asking for its derivative is an error.
    public let distribution: Tensor
    /// The largest L1 distance of a plan's marginal on the barycentre's side from the barycentre, debiased also of its own plan's; on the
    /// other side plans have the distributions.
    public let marginalError: Double
    /// Steps taken.
    public let iterations: Int
    /// The epsilons of the first steps; the others were at the target.
    public let schedule: [Double]
    /// Whether the error came down to the tolerance.
    public let isConverged: Bool
}

/// Settings of barycentres.
public struct BarycenterOptions: Sendable {
    /// Whether what entropy blurs is taken back: what is least of Sinkhorn divergences instead of entropic costs.
    public var isDebiased: Bool
    /// Stop at this L1 error of the plans' marginals.
    public var tolerance: Double
    /// Stop at the latest here.
    public var maximumIterations: Int
    /// Epsilon begins at the largest cost and falls by this factor with each step; 1 for none of that.
    public var annealing: Double

    /// Settings; debiased, to 1e-4 by default.
    public init(isDebiased: Bool = true, tolerance: Double = 1e-4, maximumIterations: Int = 1000, annealing: Double = 0.64) {
        (self.isDebiased, self.tolerance) = (isDebiased, tolerance)
        (self.maximumIterations, self.annealing) = (maximumIterations, annealing)
    }
}

/// The masses on s points that are nearest to several distributions by entropic transport.
///
/// `min over w of sum_k lambda_k OT(w, a_k)`, `OT = min <P, C> + epsilon sum P log P`; debiased, the same of Sinkhorn divergences.
///
/// - Parameters:
///   - distributions: a [k, n], not negative, each with the sum 1.
///   - cost: Between the barycentre's points and the distributions': of points [s, d] and [n, d], or [k, n, d] where each distribution has
///     points of its own; or matrices [s, n] or [k, s, n]. To be debiased, matrices have to be square and symmetric.
///   - weights: lambda [k], not negative; 1 / k each by default; scaled to the sum 1.
///   - epsilon: At least 1e-30, in the cost's units.
///   - options: Debiasing, stopping, annealing.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``. Not to
///   converge is no error: the solution says so.
/// - Note: float32 in the log domain; points in O(k (s + n)) memory, matrices held k times. POT's `barycenter` and `barycenter_debiased`.
///   Debiased, mass that is due nowhere near falls ever more slowly: an error of 1e-6 leaves 1e-3 of it.
///   Benamou et al., Iterative Bregman Projections for Regularized Transportation Problems, 2015; Janati et al., Debiased Sinkhorn
///   Barycenters, 2020.
public func wassersteinBarycenter(
    distributions: Tensor, cost: TransportCost, weights: Tensor? = nil, epsilon: Double, options: BarycenterOptions = .init()
) throws -> WassersteinBarycenter {
    let operation = "wassersteinBarycenter"
    guard try distributions.checked().rank == 2, distributions.count > 0 else {
        throw TensorError.shapeMismatch(
            operation: operation, expected: "distributions [k, n], k and n above 0", actual: [distributions.shape])
    }
    let (k, n) = (distributions.shape[0], distributions.shape[1])
    func batched(_ tensor: Tensor, _ rank: Int) throws -> Tensor {
        try tensor.checked().rank == rank ? tensor.broadcast(to: [k] + tensor.shape) : tensor
    }
    let between: TransportCost
    var within: TransportCost?
    switch cost {
    case .points(let support, let points, let power):
        guard try support.checked().rank == 2, try points.checked().rank >= 2, points.shape[points.rank - 2] == n,
            points.rank == 2 || (points.rank == 3 && points.shape[0] == k)
        else {
            throw TensorError.shapeMismatch(
                operation: operation, expected: "points [s, d] and [\(n), d] or [\(k), \(n), d]", actual: [support.shape, points.shape])
        }
        between = try .points(batched(stopGradient(support), 2), batched(stopGradient(points), 2), power: power)
        within = .points(try batched(stopGradient(support), 2)[0..<1], try batched(stopGradient(support), 2)[0..<1], power: power)
    case .matrix(let costs):
        guard try costs.checked().rank >= 2, costs.shape[costs.rank - 1] == n, costs.rank == 2 || (costs.rank == 3 && costs.shape[0] == k)
        else {
            throw TensorError.shapeMismatch(
                operation: operation, expected: "costs [s, \(n)] or [\(k), s, \(n)]", actual: [costs.shape])
        }
        between = .matrix(try batched(stopGradient(costs), 2))
        if options.isDebiased {
            let isSymmetric = try costs.shape == [n, n] && (costs .== costs.transposed()).all().booleans()[0]
            try require(isSymmetric, operation, "a symmetric cost matrix [\(n), \(n)] to be debiased", "costs \(costs.shape)")
            within = .matrix(try stopGradient(costs).expandedDimensions(at: 0))
        }
    case .formula(let support, let points, let formula):
        guard try support.checked().rank == 2, try points.checked().rank == 2, points.shape[0] == n else {
            throw TensorError.shapeMismatch(
                operation: operation, expected: "points [s, d] and [\(n), e] of a formula", actual: [support.shape, points.shape])
        }
        let (x, y) = (stopGradient(support), stopGradient(points))
        between = .matrix(try batched(formula(.x(x), .y(y)).matrix(), 2))
        if options.isDebiased { within = .matrix(try formula(.x(x), .y(x)).matrix().expandedDimensions(at: 0)) }
    }
    let (softMin, spread) = try between.prepared(operation).softMin(isLinearInMemory: false)
    let own = try options.isDebiased ? within?.prepared(operation).softMin(isLinearInMemory: false).softMin : nil
    let problem = try BarycenterProblem(distributions, weights, softMin, own: own, epsilon: epsilon, options, operation)
    return try problem.solve(options, from: spread, inputs: [distributions] + cost.inputs)
}

/// ``wassersteinBarycenter(distributions:cost:weights:epsilon:options:)`` of images or volumes on one regular grid, for half the squared
/// distance of its points: O(points * extent) a step.
///
/// - Parameters:
///   - images: [k, extents], not negative, each with the sum 1.
///   - weights: lambda [k], not negative; 1 / k each by default; scaled to the sum 1.
///   - epsilon: At least 1e-30. POT's `convolutional_barycenter2d` has no half in the cost: its `reg` is twice this.
///   - spacing: Between neighbours, one for each axis or one for all; 1 / the largest extent by default.
///   - options: Debiasing, stopping, annealing.
/// - Throws: As there.
/// - Note: POT's `convolutional_barycenter2d` and `convolutional_barycenter2d_debiased`. Solomon et al., Convolutional Wasserstein
///   Distances, 2015.
public func wassersteinBarycenter(
    images: Tensor, weights: Tensor? = nil, epsilon: Double, spacing: [Double]? = nil, options: BarycenterOptions = .init()
) throws -> WassersteinBarycenter {
    let operation = "wassersteinBarycenter"
    guard try images.checked().rank >= 2, images.count > 0 else {
        throw TensorError.shapeMismatch(operation: operation, expected: "images [k, extents], not empty", actual: [images.shape])
    }
    let (k, extents) = (images.shape[0], Array(images.shape.dropFirst()))
    let steps = try GridProblem.spacing(spacing, extents: extents, operation)
    func grid(_ batch: Int) throws -> SoftMin {
        try SoftMin(GridSoftMin(extents: extents, spacing: steps, batch: batch, on: images.device))
    }
    let flat = try images.reshaped([k, extents.reduce(1, *)])
    let problem = try BarycenterProblem(
        flat, weights, grid(k), own: options.isDebiased ? grid(1) : nil, epsilon: epsilon, options, operation)
    let found = try problem.solve(options, from: GridProblem.spread(extents, steps), inputs: [images])
    return WassersteinBarycenter(
        distribution: try found.distribution.reshaped(extents), marginalError: found.marginalError, iterations: found.iterations,
        schedule: found.schedule, isConverged: found.isConverged)
}
