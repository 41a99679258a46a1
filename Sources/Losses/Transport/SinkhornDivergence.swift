import LossKitOps

/// How a solution of entropic optimal transport came out.
public struct SinkhornResult: Sendable {
    /// The divergence; differentiable by the envelope theorem.
    public let value: Tensor
    /// The dual potentials of the problem between x and y: [..., n] and [..., m].
    public let potentials: (x: Tensor, y: Tensor)
    /// The L1 distances between the marginals of the plan `a_i b_j exp((f_i + g_j - C_ij) / epsilon)` that the potentials give and the
    /// weights a and b; with `reach`, between the marginals and `a_i exp(-f_i / rho)` and `b_j exp(-g_j / rho)`, which they equal at the optimum.
    public let marginalErrors: (x: Double, y: Double)
    /// The larger of both.
    public var marginalError: Double { max(marginalErrors.x, marginalErrors.y) }
    /// Steps taken, those of the epsilon schedule included.
    public let iterations: Int
    /// Whether both marginal errors came down to the tolerance.
    public let isConverged: Bool
}

/// The debiased Sinkhorn divergence between two weighted point clouds.
///
/// `S(a, b) = OT(a, b) - OT(a, a) / 2 - OT(b, b) / 2`, with
/// `OT(a, b) = min over plans P of <P, C> + epsilon KL(P | a b)`, `C = |x - y|^2 / 2` (power 2) or `|x - y|` (power 1).
/// With `reach`, mass may be created and destroyed at the price `rho KL` of each marginal, `rho = reach^power`.
/// Gradient: that of the dual at its optimum, exact at convergence; a second derivative is not provided.
///
/// - Parameters:
///   - x: [n, d], finite.
///   - y: [m, d].
///   - a: [n], not negative; 1 / n each by default. Balanced problems need equal masses.
///   - b: [m].
///   - epsilon: Above 0, in the cost's units. GeomLoss' `blur` is its root for power 2.
///   - power: 1 or 2.
///   - reach: Length beyond which mass is not moved; nil for a balanced problem.
///   - tolerance: Stop at this L1 error of either marginal.
///   - maximumIterations: Stop at the latest here.
///   - linearMemory: Never to hold costs; see ``EntropicTransportOptions/linearMemory``.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: float32 in the log domain on centred points, O(n + m) memory, by near pairs alone where
///   ``entropicTransport(_:a:b:epsilon:options:)`` does so; a step is one launch for all three problems, by the same operations
///   in the same order, so that equal clouds are apart by 0. Feydy et al., Interpolating between Optimal Transport and MMD, 2019.
public func sinkhornDivergence(
    _ x: Tensor, _ y: Tensor, a: Tensor? = nil, b: Tensor? = nil, epsilon: Double = 0.05, power: Int = 2, reach: Double? = nil,
    tolerance: Double = 1e-3, maximumIterations: Int = 1000, linearMemory: Bool = false
) throws -> Tensor {
    try sinkhorn(
        x, y, a: a, b: b, epsilon: epsilon, power: power, reach: reach, tolerance: tolerance, maximumIterations: maximumIterations,
        linearMemory: linearMemory
    ).value
}

/// ``sinkhornDivergence(_:_:a:b:epsilon:power:reach:tolerance:maximumIterations:linearMemory:)`` with its potentials and an account of its
/// convergence.
public func sinkhorn(
    _ x: Tensor, _ y: Tensor, a: Tensor? = nil, b: Tensor? = nil, epsilon: Double = 0.05, power: Int = 2, reach: Double? = nil,
    tolerance: Double = 1e-3, maximumIterations: Int = 1000, linearMemory: Bool = false
) throws -> SinkhornResult {
    let problem = try SinkhornProblem(x, y, a: a, b: b, epsilon: epsilon, power: power, reach: reach, linearMemory: linearMemory)
    try require(maximumIterations > 0, "sinkhornDivergence", "maximumIterations > 0", maximumIterations)
    return try problem.solve(tolerance: tolerance, maximumIterations: maximumIterations)
}

extension LossDescription {
    static let sinkhornDivergenceLoss = LossDescription(
        "sinkhornDivergence", .transport, "Debiased entropic optimal transport between weighted point clouds",
        reference: "Feydy et al., Interpolating between Optimal Transport and MMD using Sinkhorn Divergences, 2019",
        inputs: [
            .init("x", ["n", "d"]), .init("y", ["m", "d"]), .init("a", ["n"], .probabilities, isOptional: true),
            .init("b", ["m"], .probabilities, isOptional: true),
        ],
        options: [
            .number("epsilon", 0.05), .integer("power", 2), .number("reach", nil), .number("tolerance", 1e-3),
            .integer("maximumIterations", 1000), .flag("linearMemory", false),
        ]
    ) {
        try sinkhornDivergence(
            $0["x"], $0["y"], a: $0.optional("a"), b: $0.optional("b"), epsilon: $0.number("epsilon"), power: $0.integer("power"),
            reach: $0.optionalNumber("reach"), tolerance: $0.number("tolerance"), maximumIterations: $0.integer("maximumIterations"),
            linearMemory: $0.flag("linearMemory"))
    }
}
