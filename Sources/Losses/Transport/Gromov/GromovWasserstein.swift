import LossKitOps

/// Settings of Gromov-Wasserstein transport.
public struct GromovWassersteinOptions: Sendable {
    /// How one plan leads to the next.
    public enum Solver: Sendable, Hashable {
        /// Mirror descent on the entropic problem; POT's `PGD`.
        case projectedGradient
        /// Mirror descent on the problem without entropy, whose epsilon is a step's length alone; POT's `PPA`.
        case proximalPoint
    }

    /// How one plan leads to the next.
    public var solver: Solver
    /// Stop when a step changes the plan by less, in L1.
    public var tolerance: Double
    /// Stop at the latest after so many plans.
    public var maximumIterations: Int
    /// The plan [n, m] to begin with; the product of the weights by default. It decides which of the minima is found.
    public var initial: Tensor?
    /// The L1 error of the marginals at which a step's own problem is solved.
    public var innerTolerance: Double
    /// Stop a step's own problem at the latest after so many scalings.
    public var innerIterations: Int

    /// Settings; to changes of 1e-9 by default.
    public init(
        solver: Solver = .projectedGradient, tolerance: Double = 1e-9, maximumIterations: Int = 1000, initial: Tensor? = nil,
        innerTolerance: Double = 1e-9, innerIterations: Int = 1000
    ) {
        (self.solver, self.tolerance, self.maximumIterations, self.initial) = (solver, tolerance, maximumIterations, initial)
        (self.innerTolerance, self.innerIterations) = (innerTolerance, innerIterations)
    }
}

/// A coupling of two spaces that are known by their own structure alone.
public struct GromovWasserstein: Sendable {
    /// ``cost`` + epsilon KL(P | a b); of the proximal solver the cost alone. Gradient: by the envelope theorem, exact at convergence, for
    /// structures, features and weights (up to a constant on each side).
    public let value: Tensor
    /// `alpha sum_ijkl (C_ik - D_jl)^2 P_ij P_kl + (1 - alpha) <P, M>`; POT's `gw_dist`. Gradient: the plan held, for structures and
    /// features.
    public let cost: Tensor
    /// P [n, m]; asking for its derivative is an error.
    public let plan: Tensor
    /// The L1 distances of the plan's marginals from the weights.
    public let marginalErrors: (x: Double, y: Double)
    /// Plans solved for.
    public let iterations: Int
    /// The L1 change of the last one.
    public let change: Double
    /// Whether that came down to the tolerance, and the marginals to 1e-6 or the inner one.
    public let isConverged: Bool
}

/// Entropic Gromov-Wasserstein transport between spaces that are known by distances, or any structure, within each.
///
/// `min over P of sum_ijkl (C_ik - D_jl)^2 P_ij P_kl + epsilon KL(P | a b)`, P 1 = a, P^T 1 = b, by mirror descent: each step is entropic
/// transport for the derivative at the last plan. A local minimum: the problem is not convex.
///
/// - Parameters:
///   - x: C [n, n], finite; need not be symmetric.
///   - y: D [m, m].
///   - a: [n], not negative; 1 / n each by default. Masses have to be 1.
///   - b: [m].
///   - epsilon: Above 0, in units of C squared.
///   - options: Solver, stopping, the plan to begin with.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``. Not to
///   converge is no error: the solution says so.
/// - Note: float64 on the processor, O(n m (n + m)) a step. POT's `entropic_gromov_wasserstein` with the same epsilon. Peyre, Cuturi and
///   Solomon, Gromov-Wasserstein Averaging of Kernel and Distance Matrices, 2016; Xu et al., Gromov-Wasserstein Learning for Graph Matching
///   and Node Embedding, 2019.
public func gromovWasserstein(
    _ x: Tensor, _ y: Tensor, a: Tensor? = nil, b: Tensor? = nil, epsilon: Double, options: GromovWassersteinOptions = .init()
) throws -> GromovWasserstein {
    try GromovProblem(x, y, features: nil, alpha: 1, a: a, b: b, epsilon: epsilon, options, "gromovWasserstein").solve(options)
}

/// ``gromovWasserstein(_:_:a:b:epsilon:options:)`` fused with a cost between the points' features.
///
/// `min over P of alpha sum_ijkl (C_ik - D_jl)^2 P_ij P_kl + (1 - alpha) <P, M> + epsilon KL(P | a b)`.
///
/// - Parameters:
///   - cost: M [n, m] between the features, finite.
///   - x: C [n, n].
///   - y: D [m, m].
///   - alpha: The structures' share, in 0...1.
///   - a: [n], not negative; 1 / n each by default. Masses have to be 1.
///   - b: [m].
///   - epsilon: Above 0.
///   - options: Solver, stopping, the plan to begin with.
/// - Throws: As there.
/// - Note: POT's `entropic_fused_gromov_wasserstein`. Vayer et al., Fused Gromov-Wasserstein Distance for Structured Objects, 2020.
public func fusedGromovWasserstein(
    cost: Tensor, _ x: Tensor, _ y: Tensor, alpha: Double = 0.5, a: Tensor? = nil, b: Tensor? = nil, epsilon: Double,
    options: GromovWassersteinOptions = .init()
) throws -> GromovWasserstein {
    try GromovProblem(x, y, features: cost, alpha: alpha, a: a, b: b, epsilon: epsilon, options, "fusedGromovWasserstein").solve(options)
}
