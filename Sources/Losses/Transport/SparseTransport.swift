import LossKitOps

/// A solution of ``sparseTransport(cost:a:b:gamma:maximumNonzeros:tolerance:maximumIterations:)``.
public struct SparseTransport: Sendable {
    /// The maximum of the semi-dual. Gradient: the plan for the cost, the potentials for the masses, exact where no supports tie.
    public let value: Tensor
    /// [n, m]: columns with the sums b and at most so many entries that are not 0.
    public let plan: Tensor
    /// [n]: alpha.
    public let potential: Tensor
    /// The L1 distance of the plan's row sums from a: 0 at the optimum unless supports tie there, which they do the more the fewer entries
    /// are allowed.
    public let marginalError: Double
    /// Whether that came down to the tolerance.
    public let isConverged: Bool
    /// Steps taken.
    public let iterations: Int
}

/// Optimal transport whose plan has at most k entries in each column, with a quadratic regularisation.
///
/// `max over alpha of <alpha, a> - sum_j Omega*_j(alpha - c_j)`, `Omega*_j(s) = max <s, t> - gamma / 2 |t|^2` over t >= 0 with the sum b_j and
/// at most k entries that are not 0: the projection of the k largest of s / gamma. k of 1 is transport without regularisation, in the limit
/// of small gamma or not; k of n plain quadratic regularisation.
///
/// - Parameters:
///   - cost: [n, m], finite floating point.
///   - a: [n], not negative, with the sum of b; 1 / n each by default.
///   - b: [m]; 1 / m each by default.
///   - gamma: Above 0.
///   - maximumNonzeros: k, in 1...n.
///   - tolerance: Stop at this L1 error of the row sums.
///   - maximumIterations: Stop at the latest here.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: On the host in float64, by L-BFGS, O(n m log n) a step; what does not converge so, as where costs are far above gamma, by damped
///   Newton steps, O(n^2 (n + m)), at a gamma that falls. Not to converge is no error: the solution says so. POT's `smooth_ot_semi_dual`
///   with `sparsity_constrained`. Liu, Puigcerver and Blondel, Sparsity-Constrained Optimal Transport, 2023.
public func sparseTransport(
    cost: Tensor, a: Tensor? = nil, b: Tensor? = nil, gamma: Double = 1, maximumNonzeros: Int = 2, tolerance: Double = 1e-9,
    maximumIterations: Int = 1000
) throws -> SparseTransport {
    let operation = "sparseTransport"
    guard try cost.checked().rank == 2, cost.count > 0 else {
        throw TensorError.shapeMismatch(operation: operation, expected: "costs [n, m], n and m above 0", actual: [cost.shape])
    }
    let (n, m) = (cost.shape[0], cost.shape[1])
    try require(gamma > 0 && gamma.isFinite, operation, "a finite gamma above 0", gamma)
    try require((1...n).contains(maximumNonzeros), operation, "1 to \(n) entries a column", maximumNonzeros)
    try require(maximumIterations > 0, operation, "maximumIterations > 0", maximumIterations)
    try requireAll(cost, operation, "finite costs") { $0.isFinite() }
    let costs = try stopGradient(cost).array(of: Double.self)
    let (ofRows, ofColumns) = (
        try TransportCost.weights(a, lead: [], count: n, like: cost, operation),
        try TransportCost.weights(b, lead: [], count: m, like: cost, operation)
    )
    try EntropicProblem.checkBalance((ofRows, ofColumns), operation)
    let masses = try a.map { try stopGradient($0).array(of: Double.self) } ?? .init(repeating: 1 / Double(n), count: n)
    let wanted = try b.map { try stopGradient($0).array(of: Double.self) } ?? .init(repeating: 1 / Double(m), count: m)
    // Masses that differ by their rounding would let the dual rise for ever along a constant.
    let (given, asked) = (masses.reduce(0, +), wanted.reduce(0, +))
    let dual = SparseSemiDual(
        costs: costs, a: masses, b: asked > 0 ? wanted.map { $0 * (given / asked) } : wanted, gamma: gamma, most: maximumNonzeros)
    let solved = dual.maximum(tolerance: tolerance, maximumIterations: maximumIterations)
    let point = dual.evaluate(solved.point)
    let marginalError = point.gradient.reduce(0) { $0 + abs($1) }
    func exact(_ values: [Double], _ shape: [Int]) throws -> Tensor {
        try Tensor(values, shape: shape, dtype: cost.dtype, on: cost.device)
    }
    let (plan, alpha, beta) = (try exact(point.plan, [n, m]), try exact(solved.point, [n]), try exact(point.beta, [m]))
    let inputs = [cost] + [a, b].compactMap { $0 }
    let value = Tensor.record("sparseTransport", inputs: inputs, output: try exact([point.value], [])) { pullback in
        let c = pullback.cotangent
        let slopes = [plan * c] + (a.map { [(alpha * c).asType($0.dtype)] } ?? []) + (b.map { [(beta * c).asType($0.dtype)] } ?? [])
        return slopes.map { slope in
            Tensor.record("sparseTransportGradient", inputs: inputs + [c], output: slope) { _ in
                throw TensorError.notDifferentiable(operation: operation, order: 2)
            }
        }
    }
    return SparseTransport(
        value: value, plan: plan, potential: alpha, marginalError: marginalError, isConverged: marginalError <= tolerance,
        iterations: solved.iterations)
}

extension LossDescription {
    static let sparseTransportLoss = LossDescription(
        "sparseTransport", .transport, "Optimal transport with at most so many entries in each column of the plan",
        reference: "Liu, Puigcerver and Blondel, Sparsity-Constrained Optimal Transport, 2023",
        inputs: [
            .init("cost", ["n", "m"]), .init("a", ["n"], .probabilities, isOptional: true),
            .init("b", ["m"], .probabilities, isOptional: true),
        ], options: [.number("gamma", 1), .integer("maximumNonzeros", 2)], catalogue: ["sparsity-constrained-optimal-transport"]
    ) {
        try sparseTransport(
            cost: $0["cost"], a: $0.optional("a"), b: $0.optional("b"), gamma: $0.number("gamma"),
            maximumNonzeros: min($0.integer("maximumNonzeros"), max(1, $0["cost"].shape.first ?? 1))
        ).value
    }
}
