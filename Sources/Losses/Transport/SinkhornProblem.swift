import LossKitOps

/// A debiased divergence: entropic transport between two clouds, less half of each one's with itself.
struct SinkhornProblem {
    private let inputs: [Tensor]
    private let between: EntropicProblem
    private let within: (x: EntropicProblem, y: EntropicProblem)
    private let spread: Double
    private let sample: Tensor

    init(_ x: Tensor, _ y: Tensor, a: Tensor?, b: Tensor?, epsilon: Double, power: Int, reach: Double?, linearMemory: Bool) throws {
        let operation = "sinkhornDivergence"
        guard try x.checked().rank == 2, try y.checked().rank == 2 else {
            throw TensorError.shapeMismatch(
                operation: operation, expected: "points [n, d] and [m, d], n and m above 0", actual: [x.shape, y.shape])
        }
        // Its reciprocal is taken in float32.
        try require(epsilon >= 1e-30 && epsilon.isFinite, operation, "a finite epsilon of at least 1e-30", epsilon)
        if let reach { try require(reach > 0 && reach.isFinite, operation, "reach > 0", reach) }
        let cost = try TransportCost.points(x, y, power: power).prepared(operation)
        let points = cost.inputs
        sample = try Tensor.commonSample(x, y)
        let weights = (
            x: try TransportCost.weights(a, lead: [], count: x.shape[0], like: x, operation),
            y: try TransportCost.weights(b, lead: [], count: y.shape[0], like: y, operation)
        )
        inputs = points + [weights.x, weights.y]
        if reach == nil { try EntropicProblem.checkBalance(weights, operation) }
        let penalty = reach.map { MarginalPenalty.divergence(TransportCost.epsilon(blur: $0, power: power)) } ?? .exact
        let softMin: SoftMin
        (softMin, spread) = try cost.softMin(isLinearInMemory: linearMemory)
        between = try EntropicProblem(softMin, weights: weights, epsilon: epsilon, penalties: (penalty, penalty))
        func own(_ points: Tensor, _ weights: Tensor) throws -> EntropicProblem {
            try EntropicProblem(
                TransportCost.points(points, points, power: power).softMin(isLinearInMemory: linearMemory).softMin,
                weights: (weights, weights), epsilon: epsilon,
                penalties: (penalty, penalty), isSymmetric: true)
        }
        within = (try own(points[0], weights.x), try own(points[1], weights.y))
    }

    func solve(tolerance: Double, maximumIterations: Int) throws -> SinkhornResult {
        let schedule = EntropicProblem.Schedule(
            tolerance: tolerance, maximumIterations: maximumIterations, from: spread, to: between.epsilon, ratio: 0.64)
        let state = try between.solve(schedule)
        // These fall by half a step: a closer look costs little, and their errors do not add to the problem's between the clouds.
        var close = schedule
        close.tolerance = tolerance / 4
        let own = (x: try within.x.solve(close), y: try within.y.solve(close))
        return SinkhornResult(
            value: try divergence(state, own).asType(sample.dtype),
            potentials: (try state.f.squeezed(axes: [0]), try state.g.squeezed(axes: [0])), marginalErrors: state.errors,
            iterations: state.iterations, isConverged: state.isConverged)
    }

    /// The value from the potentials, with its derivatives by the envelope theorem.
    private func divergence(
        _ state: EntropicProblem.State, _ own: (x: EntropicProblem.State, y: EntropicProblem.State)
    ) throws -> Tensor {
        let (between, within) = (between, within)
        let (a, b) = between.weights
        // Differences first: the terms themselves are much larger.
        let ofX = try (a * (between.gain(.x, state) - within.x.gain(.x, own.x))).sum()
        let ofY = try (b * (between.gain(.y, state) - within.y.gain(.x, own.y))).sum()
        let inputs = inputs
        return Tensor.record("sinkhornDivergence", inputs: inputs, output: ofX + ofY) { pullback in
            let c = pullback.cotangent
            let gradients = try [
                pullback.isNeeded[0] ? between.pull(.x, state) - within.x.pull(.x, own.x) : nil,
                pullback.isNeeded[1] ? between.pull(.y, state) - within.y.pull(.x, own.y) : nil,
                pullback.isNeeded[2] ? between.slope(.x, state) - within.x.slope(.x, own.x) : nil,
                pullback.isNeeded[3] ? between.slope(.y, state) - within.y.slope(.x, own.y) : nil,
            ]
            return gradients.map { gradient in
                gradient.map { gradient in
                    Tensor.record("sinkhornGradient", inputs: inputs + [c], output: gradient * c) { _ in
                        throw TensorError.notDifferentiable(operation: "sinkhornDivergence", order: 2)
                    }
                }
            }
        }
    }
}

extension EntropicProblem {
    static func checkBalance(_ weights: (x: Tensor, y: Tensor), _ operation: String) throws {
        let masses = (
            try stopGradient(weights.x).sum(axes: [1]).array(of: Double.self),
            try stopGradient(weights.y).sum(axes: [1]).array(of: Double.self)
        )
        for (x, y) in zip(masses.0, masses.1) {
            try require(abs(x - y) <= 1e-4 * max(x, y), operation, "equal masses (or a reach)", "\(x) and \(y)")
        }
    }
}
