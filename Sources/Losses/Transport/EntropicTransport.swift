import LossKitOps

/// Entropic optimal transport between weights, balanced, unbalanced or partial.
///
/// `min over P of <P, C> + epsilon KL(P | a b) + D(P 1 | a) + E(P^T 1 | b)`, KL(p | q) = sum(p log(p / q) - p + q), with D and E as the
/// options say.
/// Gradient: as the options say; of the value with respect to cost and weights the plan, and
/// `-D*(-f_i) + epsilon (sum b - (P 1)_i / a_i)`.
///
/// - Parameters:
///   - cost: Of points, a formula or matrices; leading axes are a batch.
///   - a: [..., n] or [n], not negative, 1 / n each by default. Where both sides are exact, masses must be equal.
///   - b: [..., m] or [m].
///   - epsilon: At least 1e-30, in the cost's units; for conventions elsewhere see ``TransportCost``.
///   - options: Penalties, stopping, annealing, warm start, derivatives.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``. Not to
///   converge is no error: the solution says so.
/// - Note: In the log domain, in alternating over-relaxed steps: of two launches in float32 on centred points, and then in doubles until the
///   tolerance is true; or by scaling a kernel that has the potentials absorbed in doubles, in one pass over its memory. Of 2^22 pairs and more
///   in up to three dimensions the CPU looks at those blocks alone that have 1e-9 of a row's sum at potentials nearby, and looks for them
///   anew when these have moved away. Peyre and Cuturi,
///   Computational Optimal Transport, 2019; Chizat et al., Scaling Algorithms for Unbalanced Optimal Transport Problems, 2018; Benamou et
///   al., Iterative Bregman Projections for Regularized Transportation Problems, 2015.
public func entropicTransport(
    _ cost: TransportCost, a: Tensor? = nil, b: Tensor? = nil, epsilon: Double, options: EntropicTransportOptions = .init()
) throws -> EntropicTransport {
    let operation = "entropicTransport"
    let prepared = try cost.prepared(operation)
    try requireEpsilon(epsilon, operation)
    if case .unrolled(let steps) = options.gradient { try require(steps > 0, operation, "steps to unroll above 0", steps) }
    let (lead, n, m) = cost.extents
    let like = prepared.inputs[0]
    let weights = (
        x: try TransportCost.weights(a, lead: lead, count: n, like: like, operation),
        y: try TransportCost.weights(b, lead: lead, count: m, like: like, operation)
    )
    let penalties = try options.penalties(weights, operation)
    if options.mass != nil {
        try require(
            options.gradient == .none || options.gradient == .envelope, operation, "the gradient none or envelope where the mass is given",
            options.gradient)
    }
    let (softMin, spread) = try prepared.softMin(isLinearInMemory: options.linearMemory)
    let problem = try EntropicProblem(softMin, weights: weights, epsilon: epsilon, penalties: penalties, mass: options.mass)
    let schedule = try options.schedule(from: spread, to: epsilon, weights, shapes: (lead + [n], lead + [m]), operation)
    let state = try problem.solve(schedule)
    return try EntropicTransport(prepared, lead: lead, weights: weights, problem, state, schedule, options.gradient)
}

/// A solution of ``entropicTransport(_:a:b:epsilon:options:)``.
public struct EntropicTransport: Sendable {
    /// [...]: `<P, C> + epsilon KL(P | a b)` and the penalties, by the dual, a lower bound before convergence.
    public let value: Tensor
    /// f [..., n] and g [..., m]: `P = a b exp((f + g + massPotential - C) / epsilon)`, with ``potentialRemainders`` added to them.
    public let potentials: (x: Tensor, y: Tensor)
    /// What float32 leaves of the potentials: over an epsilon of a thousandth of them, their rounding would be a ten-thousandth of a mass.
    public let potentialRemainders: (x: Tensor, y: Tensor)
    /// [...]: 0 but where the mass is given; its multiplier then.
    public let massPotential: Tensor
    /// The L1 distances of the plan's marginals from what is best for the potentials, from the weights where they are exact, to about 1e-6;
    /// of a batch the largest.
    public let marginalErrors: (x: Double, y: Double)
    /// The larger of both.
    public var marginalError: Double { max(marginalErrors.x, marginalErrors.y) }
    /// Steps of all points taken, each of both sides.
    public let iterations: Int
    /// The epsilons of the first steps; the others were at the target.
    public let schedule: [Double]
    /// Whether both marginal errors came down to the tolerance.
    public let isConverged: Bool
    /// The epsilon of the problem.
    public let epsilon: Double

    private let cost: TransportCost
    private let weights: (x: Tensor, y: Tensor)
    private let held: (f: Tensor, g: Tensor)
    private let softMin: SoftMin
    private let lead: [Int]

    init(
        _ cost: TransportCost, lead: [Int], weights: (x: Tensor, y: Tensor), _ problem: EntropicProblem, _ state: EntropicProblem.State,
        _ schedule: EntropicProblem.Schedule, _ mode: EntropicTransportOptions.Gradient
    ) throws {
        let solved = try TransportDerivatives(cost, weights, problem, state).attached(mode)
        (self.cost, self.weights, self.lead) =
            mode == .none ? (cost.of(cost.inputs.map(stopGradient)), problem.weights, lead) : (cost, weights, lead)
        held = (solved.f, solved.g)
        softMin = problem.softMin
        value = try solved.value.reshaped(lead)
        var state = state
        if case .unrolled = mode {
            // Steps in float32 went on from there.
            (state.f, state.g, state.remainders) = (stopGradient(solved.f), stopGradient(solved.g), nil)
            state.errors = try problem.wideErrors(state)
            state.isConverged = max(state.errors.x, state.errors.y) <= schedule.tolerance
        }
        let (n, m) = (problem.softMin.n, problem.softMin.m)
        let device = state.f.device
        let rest = try state.remainders ?? (.zeros(state.f.shape, on: device), .zeros(state.g.shape, on: device))
        potentials = (try solved.f.asType(.float32).reshaped(lead + [n]), try solved.g.asType(.float32).reshaped(lead + [m]))
        potentialRemainders = (try rest.x.reshaped(lead + [n]), try rest.y.reshaped(lead + [m]))
        massPotential = try (state.shift ?? Tensor.zeros([problem.softMin.batch, 1], on: device)).reshaped(lead)
        (marginalErrors, iterations, isConverged) = (state.errors, state.iterations, state.isConverged)
        (self.schedule, epsilon) = (schedule.annealing, problem.epsilon)
    }

    private var rows: Int { weights.x.shape[1] }

    /// The plan [..., n, m].
    public func plan() throws -> Tensor { try plan(rows: 0..<rows) }

    /// Rows of the plan [..., rows, m].
    public func plan(rows: Range<Int>) throws -> Tensor {
        try block(rows).plan.reshaped(lead + [rows.count, weights.y.shape[1]])
    }

    /// `<P, C>` [...], by blocks of rows.
    public func linearCost() throws -> Tensor {
        try blocks { (try ($0.plan * $0.cost).sum(axes: [1, 2])) }.reduce(Tensor.zeros([], on: weights.x.device)) { $0 + $1 }.reshaped(lead)
    }

    /// The marginals of the plan, [..., n] and [..., m], by blocks of rows.
    public func marginals() throws -> (x: Tensor, y: Tensor) {
        let parts = try blocks { (rows: try $0.plan.sum(axes: [2]), columns: try $0.plan.sum(axes: [1])) }
        let columns = parts.map(\.columns).reduce(try Tensor.zeros([], on: weights.x.device)) { $0 + $1 }
        return (
            try Tensor.concatenate(parts.map(\.rows), axis: 1).reshaped(lead + [rows]), try columns.reshaped(lead + [weights.y.shape[1]])
        )
    }

    /// Where each point goes on average [..., n, d], `sum_j P_ij values_j / sum_j P_ij`: of points y, or of other values [..., m, d] on
    /// their side.
    ///
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for cost matrices without values.
    public func barycentricMap(values: Tensor? = nil) throws -> Tensor {
        var targets = try values?.checked().asType(.float32)
        if let given = targets {
            guard given.rank == lead.count + 2, given.shape[lead.count] == weights.y.shape[1] else {
                throw TensorError.shapeMismatch(
                    operation: "barycentricMap", expected: "values \(lead + [weights.y.shape[1]]) by any number", actual: [given.shape])
            }
            targets = try given.reshaped([weights.x.shape[0]] + given.shape.suffix(2))
        } else {
            targets = cost.targets
        }
        guard let targets else {
            throw TensorError.invalidArgument(operation: "barycentricMap", expected: "values for a cost matrix", actual: "none")
        }
        let parts = try blocks { try $0.plan.matmul(targets) / $0.plan.sum(axes: [2], keepDimensions: true) }
        return try Tensor.concatenate(parts, axis: 1).reshaped(lead + [rows, targets.shape[2]])
    }

    private struct Block {
        let plan: Tensor
        let cost: Tensor
    }

    private func block(_ rows: Range<Int>) throws -> Block {
        guard rows.lowerBound >= 0, rows.upperBound <= self.rows else {
            throw TensorError.invalidArgument(operation: "plan", expected: "rows in 0..<\(self.rows)", actual: "\(rows)")
        }
        let block = try cost.matrix(rows: rows)
        // The numbers come from exponents in doubles, their derivatives from those in float32.
        let plan = try exactPlan(rows)
        guard Tensor.records(cost.inputs + [weights.x, weights.y, held.f, held.g]) else { return Block(plan: plan, cost: block) }
        let shift = try massPotential.reshaped([weights.x.shape[0], 1])
        let f = try (held.f + shift).slice(axis: 1, from: rows.lowerBound, to: rows.upperBound).expandedDimensions(at: 2)
        let mass = try weights.x.slice(axis: 1, from: rows.lowerBound, to: rows.upperBound).expandedDimensions(at: 2)
        let exponents = try ((f - block) + held.g.expandedDimensions(at: 1)) / epsilon
        let moving = exponents.exp() * mass * (try weights.y.expandedDimensions(at: 1))
        return Block(plan: (moving + stopGradient(plan - moving)).asType(plan.dtype), cost: block)
    }

    private func exactPlan(_ rows: Range<Int>) throws -> Tensor {
        func whole(_ potential: Tensor, _ rest: Tensor) throws -> Tensor {
            let sum = try stopGradient(potential).to(.cpu).asType(.float64) + rest.to(.cpu).asType(.float64)
            return try sum.reshaped([weights.x.shape[0], -1])
        }
        let shift = try massPotential.reshaped([weights.x.shape[0], 1]).to(.cpu).asType(.float64)
        let f = try whole(potentials.x, potentialRemainders.x) + shift
        return try softMin.plan(
            rows: rows, potentials: (f.evaluated(), whole(potentials.y, potentialRemainders.y).evaluated()),
            weights: (stopGradient(weights.x), stopGradient(weights.y)), epsilon: epsilon)
    }

    private func blocks<T>(_ body: (Block) throws -> T) throws -> [T] {
        try cost.blocks.map { try body(block($0)) }
    }
}
