import LossKitOps

/// Entropic optimal transport between images or volumes: weights on one regular grid, for half the squared distance of its points.
///
/// `min over P of <P, C> + epsilon KL(P | a b) + D(P 1 | a) + E(P^T 1 | b)`, as of ``entropicTransport(_:a:b:epsilon:options:)``; C is a
/// sum over axes, so that a step costs O(points * extent) and memory is O(points).
/// Gradient: of the value for the weights, by the envelope theorem.
///
/// - Parameters:
///   - a: [..., extents], not negative; leading axes are a batch. Where both sides are exact, masses must be equal.
///   - b: The same shape.
///   - dimensions: How many of the last axes are the grid: 2 for images, 3 for volumes.
///   - spacing: Between neighbours, one for each axis or one for all; 1 / the largest extent by default, as GeomLoss has it.
///   - epsilon: At least 1e-30, in the cost's units. POT's `convolutional` functions have no half in the cost: theirs is twice this.
///   - options: As for clouds, with potentials of the shape of a to begin with; the gradient none or envelope.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: float32 in the log domain. Solomon et al., Convolutional Wasserstein Distances, 2015.
public func gridTransport(
    _ a: Tensor, _ b: Tensor, dimensions: Int = 2, spacing: [Double]? = nil, epsilon: Double, options: EntropicTransportOptions = .init()
) throws -> GridTransport {
    let operation = "gridTransport"
    try requireEpsilon(epsilon, operation)
    try require(
        options.gradient == .none || options.gradient == .envelope, operation, "the gradient none or envelope on a grid", options.gradient)
    let grid = try GridProblem(a, b, dimensions: dimensions, spacing: spacing, isBalanced: false, operation)
    let penalties = try options.penalties(grid.weights, operation)
    let problem = try EntropicProblem(
        SoftMin(grid.softMin), weights: grid.weights, epsilon: epsilon, penalties: penalties, mass: options.mass)
    let schedule = try options.schedule(from: grid.spread, to: epsilon, grid.weights, shapes: (a.shape, a.shape), operation)
    let state = try problem.solve(schedule)
    return try GridTransport(
        grid, problem, state, schedule, like: Tensor.commonSample(a, b), isDifferentiable: options.gradient == .envelope)
}

/// A solution of ``gridTransport(_:_:dimensions:spacing:epsilon:options:)``.
public struct GridTransport: Sendable {
    /// [...]: `<P, C> + epsilon KL(P | a b)` and the penalties, by the dual, a lower bound before convergence.
    public let value: Tensor
    /// f and g [..., extents]: `P = a b exp((f + g + massPotential - C) / epsilon)`.
    public let potentials: (x: Tensor, y: Tensor)
    /// [...]: 0 but where the mass is given; its multiplier then.
    public let massPotential: Tensor
    /// The L1 distances of the plan's marginals from what is best for the potentials: from the weights, where they are exact. Of a batch
    /// the largest.
    public let marginalErrors: (x: Double, y: Double)
    /// The larger of both.
    public var marginalError: Double { max(marginalErrors.x, marginalErrors.y) }
    /// Steps taken, each of both sides.
    public let iterations: Int
    /// The epsilons of the first steps; the others were at the target.
    public let schedule: [Double]
    /// Whether both marginal errors came down to the tolerance.
    public let isConverged: Bool
    /// The epsilon of the problem.
    public let epsilon: Double

    private let problem: EntropicProblem
    private let state: EntropicProblem.State
    private let grid: GridSoftMin
    private let lead: [Int]
    private let inputs: [Tensor]

    init(
        _ grid: GridProblem, _ problem: EntropicProblem, _ state: EntropicProblem.State, _ schedule: EntropicProblem.Schedule,
        like sample: Tensor, isDifferentiable: Bool
    ) throws {
        (self.problem, self.state, self.grid, lead) = (problem, state, grid.softMin, grid.lead)
        inputs = isDifferentiable ? [grid.weights.x, grid.weights.y] : []
        (marginalErrors, iterations, isConverged) = (state.errors, state.iterations, state.isConverged)
        (self.schedule, epsilon) = (schedule.annealing, problem.epsilon)
        let (lead, shape, inputs) = (grid.lead, grid.lead + grid.softMin.extents, inputs)
        let total = Tensor.record("gridTransport", inputs: inputs, output: try problem.value(state)) { pullback in
            let c = try pullback.cotangent.expandedDimensions(at: 1)
            let (massX, massY) = (
                try problem.weights.x.sum(axes: [1], keepDimensions: true), try problem.weights.y.sum(axes: [1], keepDimensions: true)
            )
            let slopes = [problem.slope(.x, state) + massY * problem.epsilon, problem.slope(.y, state) + massX * problem.epsilon]
            return slopes.map { slope in
                Tensor.record("gridTransportGradient", inputs: inputs + [c], output: slope * c) { _ in
                    throw TensorError.notDifferentiable(operation: "gridTransport", order: 2)
                }
            }
        }
        value = try total.reshaped(lead).asType(sample.dtype)
        potentials = (
            try Self.held(state.f, inputs).reshaped(shape), try Self.held(state.g, inputs).reshaped(shape)
        )
        massPotential = try Self.held(
            state.shift ?? Tensor.zeros([problem.softMin.batch, 1], on: problem.weights.x.device), inputs
        ).reshaped(lead)
    }

    /// What depends on the potentials, whose derivative is not known.
    private static func held(_ tensor: Tensor, _ inputs: [Tensor]) -> Tensor {
        Tensor.record("gridPotentials", inputs: inputs, output: tensor) { _ in
            throw TensorError.invalidArgument(operation: "gridTransport", expected: "a derivative of the value", actual: "another")
        }
    }

    /// The marginals of the plan, both [..., extents].
    public func marginals() throws -> (x: Tensor, y: Tensor) {
        let shape = lead + grid.extents
        func marginal(_ weights: Tensor, _ potential: Tensor, _ soft: Tensor) throws -> Tensor {
            let total = state.shift.map { potential + $0 } ?? potential
            return try Self.held(weights * ((total - soft) / epsilon).exp(), inputs).reshaped(shape)
        }
        return (
            try marginal(problem.weights.x, state.f, state.soft.x), try marginal(problem.weights.y, state.g, state.soft.y)
        )
    }

    /// `<P, C>` [...], along one axis after another.
    public func linearCost() throws -> Tensor {
        let rows = try marginals().x.reshaped([grid.batch, grid.count])
        let costs = try grid.extents.indices.map { try mean(along: $0) { $0 * $0 / 2 } }
        let total = costs.dropFirst().reduce(costs[0]) { $0 + $1 }
        return try (rows * total).sum(axes: [1]).reshaped(lead)
    }

    /// Where each point of the source goes on average [..., extents, dimensions], in units of the spacing from the first point.
    public func barycentricMap() throws -> Tensor {
        let parts = try grid.extents.indices.map { axis in
            var shape = [Int](repeating: 1, count: grid.extents.count)
            shape[axis] = grid.extents[axis]
            let places = try Tensor((0..<grid.extents[axis]).map { Float(Double($0) * grid.spacing[axis]) }, on: problem.weights.x.device)
            return try mean(along: axis) { $0 }.reshaped(lead + grid.extents) + places.reshaped(shape)
        }
        return Self.held(try Tensor.stack(parts, axis: -1), inputs)
    }

    /// Rows of the plan [..., rows, extents], of points of the source in row-major order.
    public func plan(rows: Range<Int>) throws -> Tensor {
        try require(rows.lowerBound >= 0 && rows.upperBound <= grid.count, "plan", "rows in 0..<\(grid.count)", rows)
        let places = try Tensor(
            (0..<grid.count).flatMap { place in
                var rest = place
                return grid.extents.indices.reversed().map { axis -> Float in
                    defer { rest /= grid.extents[axis] }
                    return Float(Double(rest % grid.extents[axis]) * grid.spacing[axis])
                }
            }, shape: [grid.count, grid.extents.count], on: problem.weights.x.device)
        let costs = try pairwiseDistance(places[rows], places, metric: .squaredEuclidean) * 0.5
        func part(_ tensor: Tensor) throws -> Tensor {
            try tensor.slice(axis: 1, from: rows.lowerBound, to: rows.upperBound).expandedDimensions(at: 2)
        }
        let f = state.shift.map { state.f + $0 } ?? state.f
        let exponents = try ((part(f) - costs) + state.g.expandedDimensions(at: 1)) / epsilon
        let plan = try exponents.exp() * part(problem.weights.x) * problem.weights.y.expandedDimensions(at: 1)
        return try Self.held(plan, inputs).reshaped(lead + [rows.count] + grid.extents)
    }

    private func mean(along axis: Int, of worth: (Double) -> Double) throws -> Tensor {
        try grid.mean(along: axis, of: worth, potentials: state.g, logWeights: problem.logWeights.y, epsilon: epsilon)
    }
}
