import LossKitOps

/// ``sinkhornDivergence(_:_:a:b:epsilon:power:reach:tolerance:maximumIterations:linearMemory:)`` of any cost, a formula of a point of each cloud:
/// GeomLoss' `cost`.
///
/// Not negative where `exp(-C / epsilon)` is a positive definite kernel. Gradient: as there, for points, weights and parameters.
///
/// - Parameters:
///   - x: [..., n, d], finite; leading axes are a batch.
///   - y: [..., m, d].
///   - a: [..., n] or [n], not negative; 1 / n each by default. Balanced problems need equal masses.
///   - b: [..., m] or [m].
///   - epsilon: At least 1e-30, in the cost's units.
///   - rho: The price of mass that is created or destroyed, in the cost's units; nil for a balanced problem.
///   - tolerance: Stop at this L1 error of either marginal.
///   - maximumIterations: Stop at the latest here.
///   - cost: C, the same with its points exchanged; finite.
/// - Returns: [...].
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Three problems one after the other, each online as ``TransportCost/formula(_:_:_:)``; their values are subtracted in float32.
public func sinkhornDivergence(
    _ x: Tensor, _ y: Tensor, a: Tensor? = nil, b: Tensor? = nil, epsilon: Double = 0.05, rho: Double? = nil, tolerance: Double = 1e-3,
    maximumIterations: Int = 1000, cost: @escaping @Sendable (_ x: Formula, _ y: Formula) -> Formula
) throws -> Tensor {
    try sinkhorn(
        x, y, a: a, b: b, epsilon: epsilon, rho: rho, tolerance: tolerance, maximumIterations: maximumIterations, cost: cost
    ).value
}

/// ``sinkhornDivergence(_:_:a:b:epsilon:rho:tolerance:maximumIterations:cost:)`` with its potentials and an account of its convergence: it is
/// converged where all three problems are, and iterations are those of the one that took the most.
public func sinkhorn(
    _ x: Tensor, _ y: Tensor, a: Tensor? = nil, b: Tensor? = nil, epsilon: Double = 0.05, rho: Double? = nil, tolerance: Double = 1e-3,
    maximumIterations: Int = 1000, cost: @escaping @Sendable (_ x: Formula, _ y: Formula) -> Formula
) throws -> SinkhornResult {
    let penalty = rho.map { MarginalPenalty.divergence($0) } ?? .exact
    let options = EntropicTransportOptions(source: penalty, target: penalty, tolerance: tolerance, maximumIterations: maximumIterations)
    func solution(_ x: Tensor, _ y: Tensor, _ a: Tensor?, _ b: Tensor?) throws -> EntropicTransport {
        try entropicTransport(.formula(x, y, cost), a: a, b: b, epsilon: epsilon, options: options)
    }
    let between = try solution(x, y, a, b)
    let within = [try solution(x, x, a, a), try solution(y, y, b, b)]
    var divergence = between.value - (within[0].value + within[1].value) / 2
    if rho != nil {
        // What the entropies' constants, products of masses, leave.
        func mass(_ weights: Tensor?) throws -> Tensor { try weights?.sum(axes: [-1]) ?? .ones([], on: x.device) }
        divergence = try divergence + (mass(a) - mass(b)).square() * (epsilon / 2)
    }
    let all = [between] + within
    return SinkhornResult(
        value: try divergence.asType(Tensor.commonSample(x, y).dtype),
        potentials: (stopGradient(between.potentials.x), stopGradient(between.potentials.y)), marginalErrors: between.marginalErrors,
        iterations: all.map(\.iterations).max() ?? 0, isConverged: all.allSatisfy(\.isConverged))
}
