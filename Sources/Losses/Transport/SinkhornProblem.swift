import LossKitOps

/// A debiased divergence: entropic transport between two clouds, less half of each one's with itself.
struct SinkhornProblem {
    private let inputs: [Tensor]
    private let between: EntropicProblem
    private let within: (x: EntropicProblem, y: EntropicProblem)
    private let softMin: DebiasedSoftMin
    private let spread: Double
    private let sample: Tensor
    private let power: Int
    private let reach: Double?

    init(_ x: Tensor, _ y: Tensor, a: Tensor?, b: Tensor?, epsilon: Double, power: Int, reach: Double?, linearMemory: Bool) throws {
        let operation = "sinkhornDivergence"
        guard try x.checked().rank == 2, try y.checked().rank == 2 else {
            throw TensorError.shapeMismatch(
                operation: operation, expected: "points [n, d] and [m, d], n and m above 0", actual: [x.shape, y.shape])
        }
        // Its reciprocal is taken in float32.
        try require(epsilon >= 1e-30 && epsilon.isFinite, operation, "a finite epsilon of at least 1e-30", epsilon)
        if let reach { try require(reach > 0 && reach.isFinite, operation, "reach > 0", reach) }
        (self.power, self.reach) = (power, reach)
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
        // Far from the origin squared distances would be lost in rounding.
        let centre = try stopGradient(points[0]).mean(axes: [1], keepDimensions: true)
        let centred = (
            x: try (stopGradient(points[0]) - centre).evaluated(), y: try (stopGradient(points[1]) - centre).evaluated()
        )
        spread = try TransportCost.spread(centred.x, centred.y, power: power)
        let online = try SoftMin(centred.x, centred.y, given: (points[0], points[1]), power: power, isLinearInMemory: true)
        func problem(_ softMin: SoftMin, _ weights: (Tensor, Tensor)) throws -> EntropicProblem {
            try EntropicProblem(softMin, weights: weights, epsilon: epsilon, penalties: (penalty, penalty))
        }
        between = try problem(online, weights)
        within = (try problem(online.within(.x), (weights.x, weights.x)), try problem(online.within(.y), (weights.y, weights.y)))
        let logWeights = try Tensor.concatenate([between.logWeights.x, between.logWeights.y], axis: 1).squeezed(axes: [0])
        softMin = try DebiasedSoftMin(
            centred.x.squeezed(axes: [0]), centred.y.squeezed(axes: [0]), logWeights: logWeights, power: power,
            isLinearInMemory: linearMemory)
    }

    /// Potentials of all four problems on their way to the optimum.
    private struct Progress {
        var potentials: Tensor
        var before: Tensor
        var iterations = 0
        /// The epsilons of the first steps.
        var annealing: [Double]
    }

    /// All four problems in step, in averaged steps of everything at once: what they have in common cancels, rounding too.
    func solve(tolerance: Double, maximumIterations: Int) throws -> SinkhornResult {
        var progress = try start(tolerance: tolerance, maximumIterations: maximumIterations)
        while true {
            try advance(&progress, tolerance: tolerance, maximumIterations: maximumIterations)
            let last = try softMin(progress.potentials, epsilon: between.epsilon, take: factor(between.epsilon)).next
            let soft = try softMin(last, epsilon: between.epsilon).soft
            var found = try state(last, soft)
            found.errors = try between.wideErrors(found)
            found.iterations = progress.iterations
            found.isConverged = max(found.errors.x, found.errors.y) <= tolerance
            if found.isConverged || progress.iterations >= maximumIterations {
                return SinkhornResult(
                    value: try divergence(found, state(last, soft, isOwn: true)).asType(sample.dtype),
                    potentials: (try found.f.squeezed(axes: [0]), try found.g.squeezed(axes: [0])), marginalErrors: found.errors,
                    iterations: found.iterations, isConverged: found.isConverged)
            }
            // What was measured in passing is of potentials that had moved on.
            (progress.before, progress.potentials) = (last, last)
        }
    }

    /// Potentials of 0 and falling epsilons, or those of a sample.
    private func start(tolerance: Double, maximumIterations: Int) throws -> Progress {
        let schedule = EntropicProblem.Schedule(
            tolerance: tolerance, maximumIterations: maximumIterations, from: spread, to: between.epsilon, ratio: 0.64)
        if !schedule.annealing.isEmpty, let potentials = try potentialsOfSample(maximumIterations: schedule.annealing.count + 100) {
            return Progress(potentials: potentials, before: potentials, annealing: [])
        }
        let zero = try Tensor.zeros([2 * softMin.count], on: sample.device)
        return Progress(potentials: zero, before: zero, annealing: schedule.annealing)
    }

    /// Steps until the errors between the clouds are down, looked at from time to time.
    private func advance(_ progress: inout Progress, tolerance: Double, maximumIterations: Int) throws {
        var pace = Relaxation()
        let annealed = progress.annealing.count
        // Waited for when the step after it is launched, as in transport.
        let isQueued = sample.device.isOpenCL
        var pending: EntropicProblem.Measured?
        while progress.iterations < maximumIterations {
            let taken = progress.iterations
            let eps = taken < annealed ? progress.annealing[taken] : between.epsilon
            let step = try softMin(
                progress.potentials, before: progress.before, epsilon: eps, keep: 1 - pace.length / 2 + pace.carry,
                take: pace.length / 2 * factor(eps), carry: -pace.carry)
            let isChecked = tolerance > 0 && taken >= annealed && (taken - annealed) % Relaxation.period == 0
            if isChecked {
                let seen = try state(progress.potentials, step.soft)
                pending = try between.measured(f: seen.f, g: seen.g, soft: seen.soft, shift: nil)
            }
            (progress.before, progress.potentials) = (progress.potentials, step.next)
            progress.iterations += 1
            guard let look = pending, !(isChecked && isQueued) else { continue }
            pending = nil
            let errors = try look.read().errors
            let error = max(errors.x, errors.y)
            if error <= (pace.carry > 0 ? 0.5 : 1) * tolerance { return }
            pace.observe(error)
        }
    }

    /// Potentials from those of every so many points of either cloud, where that is worth while.
    private func potentialsOfSample(maximumIterations: Int) throws -> Tensor? {
        guard let steps = EntropicProblem.sampling(between.softMin),
            let a = try EntropicProblem.sampled(stopGradient(inputs[2]), step: steps.x),
            let b = try EntropicProblem.sampled(stopGradient(inputs[3]), step: steps.y)
        else { return nil }
        let (x, y) = (
            try stopGradient(inputs[0]).slice(axis: 1, step: steps.x).squeezed(axes: [0]),
            try stopGradient(inputs[1]).slice(axis: 1, step: steps.y).squeezed(axes: [0])
        )
        let few = try SinkhornProblem(
            x, y, a: a.squeezed(axes: [0]), b: b.squeezed(axes: [0]), epsilon: between.epsilon, power: power, reach: reach,
            linearMemory: true)
        var progress = try few.start(tolerance: Self.sampleTolerance, maximumIterations: maximumIterations)
        try few.advance(&progress, tolerance: Self.sampleTolerance, maximumIterations: maximumIterations)
        let between = try few.state(progress.potentials, progress.potentials)
        let own = try few.state(progress.potentials, progress.potentials, isOwn: true)
        func extended(
            _ problem: EntropicProblem, _ side: SoftMin.Side, _ steps: (x: Int, y: Int), _ potentials: Tensor, _ logWeights: Tensor
        ) throws -> Tensor {
            let count = side == .x ? problem.softMin.n : problem.softMin.m
            let soft = try problem.softMin.sampled(x: steps.x, y: steps.y)(
                side, potentials: potentials, logWeights: logWeights, own: .zeros([1, count], on: sample.device), epsilon: problem.epsilon
            ).soft
            return try (soft * factor(problem.epsilon)).squeezed(axes: [0])
        }
        let weights = few.between.logWeights
        return try Tensor.concatenate([
            extended(self.between, .x, (1, steps.y), between.g, weights.y), extended(self.between, .y, (steps.x, 1), between.f, weights.x),
            extended(within.x, .x, (1, steps.x), own.f, weights.x), extended(within.y, .x, (1, steps.y), own.g, weights.y),
        ]).evaluated()
    }

    /// Marginal errors that potentials of a sample may have.
    private static let sampleTolerance = 1e-2

    private func factor(_ epsilon: Double) -> Double { between.penalties.x.factor(epsilon) ?? 1 }

    /// The potentials between the clouds, or those within each, with their soft minima.
    private func state(_ potentials: Tensor, _ soft: Tensor, isOwn: Bool = false) throws -> EntropicProblem.State {
        let (n, count, start) = (between.softMin.n, softMin.count, isOwn ? softMin.count : 0)
        func part(_ tensor: Tensor, _ from: Int, _ to: Int) throws -> Tensor {
            try tensor.slice(axis: 0, from: start + from, to: start + to).expandedDimensions(at: 0)
        }
        return EntropicProblem.State(
            f: try part(potentials, 0, n), g: try part(potentials, n, count), soft: (try part(soft, 0, n), try part(soft, n, count)),
            errors: (0, 0), iterations: 0, isConverged: false)
    }

    /// The value from the potentials, with its derivatives by the envelope theorem.
    private func divergence(
        _ state: EntropicProblem.State, _ both: EntropicProblem.State
    ) throws -> Tensor {
        let (between, within) = (between, within)
        func alone(_ potential: Tensor, _ soft: Tensor) -> EntropicProblem.State {
            EntropicProblem.State(f: potential, g: potential, soft: (soft, soft), errors: (0, 0), iterations: 0, isConverged: false)
        }
        let own = (x: alone(both.f, both.soft.x), y: alone(both.g, both.soft.y))
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
