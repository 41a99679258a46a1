import LossKitOps

/// A barycentre whose points were moved, and how it was found.
public struct FreeSupportBarycenter: Sendable {
    /// [s, d]; asking for its derivative is an error.
    public let points: Tensor
    /// Steps taken.
    public let iterations: Int
    /// The root mean square of how far the points went in the last one.
    public let displacement: Double
    /// Whether that came down to the tolerance.
    public let isConverged: Bool
}

/// Points that are near to several weighted clouds in the Wasserstein distance, each moved to the mean of where the plans to all clouds
/// send it.
///
/// `min over z of sum_k lambda_k W((z, b), (x_k, a_k))` for the squared distance by fixed-point steps
/// `z_i <- sum_k lambda_k sum_j P^k_ij x_kj / b_i`, P^k the plan from z to cloud k.
///
/// - Parameters:
///   - clouds: Points [n_k, d] with weights [n_k], nil for equal ones.
///   - start: [s, d]: where z begins, which decides which of the minima is found.
///   - masses: b [s], above 0; equal by default.
///   - weights: lambda [k], not negative; 1 / k each by default; scaled to the sum 1.
///   - epsilon: For entropic plans, at least 1e-30, of the cost |x - y|^2 / 2, so that POT's `reg` is twice this; nil for exact plans,
///     which are for hundreds of points.
///   - tolerance: Stop when points move by less, as a root mean square.
///   - maximumIterations: Stop at the latest here.
///   - innerTolerance: The L1 error of marginals at which an entropic plan is solved.
///   - innerIterations: Stop a plan at the latest here.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``. Not to
///   converge is no error: the solution says so.
/// - Note: POT's `lp.free_support_barycenter` and `bregman.free_support_sinkhorn_barycenter`. Cuturi and Doucet, Fast Computation of
///   Wasserstein Barycenters, 2014; Alvarez-Esteban et al., A Fixed-Point Approach to Barycenters in Wasserstein Space, 2016.
public func freeSupportBarycenter(
    _ clouds: [(points: Tensor, weights: Tensor?)], start: Tensor, masses: Tensor? = nil, weights: Tensor? = nil, epsilon: Double? = nil,
    tolerance: Double = 1e-4, maximumIterations: Int = 100, innerTolerance: Double = 1e-5, innerIterations: Int = 5000
) throws -> FreeSupportBarycenter {
    let operation = "freeSupportBarycenter"
    try require(!clouds.isEmpty, operation, "clouds, one at least", "none")
    try require(maximumIterations > 0, operation, "maximumIterations > 0", maximumIterations)
    if let epsilon { try requireEpsilon(epsilon, operation) }
    for cloud in clouds { _ = try TransportCost.points(start, cloud.points, power: 2).prepared(operation) }
    guard start.rank == 2 else {
        throw TensorError.shapeMismatch(operation: operation, expected: "a start [s, d]", actual: [start.shape])
    }
    let lambda = try BarycenterProblem.shares(weights, count: clouds.count, like: start, operation).array(of: Double.self)
    let held = try clouds.map { cloud in
        (
            points: try stopGradient(cloud.points).asType(.float32).evaluated(),
            mass: try TransportCost.weights(
                cloud.weights.map(stopGradient), lead: [], count: cloud.points.shape[0], like: start, operation
            ).squeezed(axes: [0]).evaluated()
        )
    }
    let own = try TransportCost.weights(masses.map(stopGradient), lead: [], count: start.shape[0], like: start, operation)
        .squeezed(axes: [0]).evaluated()
    try require(try own.min().scalar() > 0, operation, "masses above 0", "0")
    for cloud in held {
        try EntropicProblem.checkBalance(
            (try own.expandedDimensions(at: 0), try cloud.mass.expandedDimensions(at: 0)), operation)
    }
    var z = try stopGradient(start).asType(.float32).evaluated()
    var potentials: [(x: Tensor, y: Tensor)?] = clouds.map { _ in nil }
    var (iterations, displacement) = (0, Double.infinity)
    while iterations < maximumIterations, displacement > tolerance {
        var next = try Tensor.zeros(z.shape, on: z.device)
        for (index, cloud) in held.enumerated() where lambda[index] > 0 {
            let target: Tensor
            if let epsilon {
                let plan = try entropicTransport(
                    .points(z, cloud.points, power: 2), a: own, b: cloud.mass, epsilon: epsilon,
                    options: .init(
                        tolerance: innerTolerance, maximumIterations: innerIterations, initial: potentials[index], gradient: .none))
                potentials[index] = plan.potentials
                target = try plan.barycentricMap()
            } else {
                let costs = try pairwiseDistance(z, cloud.points, metric: .squaredEuclidean)
                let plan = try exactTransport(a: own, b: cloud.mass, cost: costs).plan
                target = try plan.matmul(cloud.points) / plan.sum(axes: [1], keepDimensions: true)
            }
            next = try (next + target * lambda[index]).evaluated()
        }
        displacement = try (next - z).square().sum(axes: [1]).mean().scalar().squareRoot()
        z = next
        iterations += 1
    }
    let inputs = [start] + clouds.map(\.points) + clouds.compactMap(\.weights)
    let points = Tensor.record("freeSupportBarycenter", inputs: inputs, output: z) { _ in
        throw TensorError.invalidArgument(operation: "freeSupportBarycenter", expected: "no derivative of the barycentre", actual: "one")
    }
    return FreeSupportBarycenter(
        points: points.asType(start.dtype), iterations: iterations, displacement: displacement, isConverged: displacement <= tolerance)
}
