import LossKitOps

extension EntropicProblem {
    /// A state of potentials in doubles, as float32 and remainders on the problem's device.
    func state(
        f: Tensor, g: Tensor, shift: Tensor? = nil, soft: (x: Tensor, y: Tensor), errors: (x: Double, y: Double), iterations: Int,
        tolerance: Double
    ) throws -> State {
        let home = weights.x.device
        func single(_ tensor: Tensor) throws -> Tensor { try tensor.asType(.float32).to(home).evaluated() }
        func rest(_ tensor: Tensor) throws -> Tensor { try single(tensor - tensor.asType(.float32).asType(.float64)) }
        return State(
            f: try single(f), g: try single(g), remainders: (try rest(f), try rest(g)), shift: try shift.map(single),
            soft: (try single(soft.x), try single(soft.y)), errors: errors, iterations: iterations,
            isConverged: max(errors.x, errors.y) <= tolerance)
    }

    /// The errors of float32 potentials, by soft minima in doubles.
    func wideErrors(_ state: State) throws -> (x: Double, y: Double) {
        let wide = try WideProblem(self)
        let current = try wide.start(f: state.f, g: state.g, shift: state.shift)
        let soft = (x: try wide.soft(.x, current), y: try wide.soft(.y, current))
        return try errors(f: current.f, g: current.g, soft: soft, shift: current.shift)
    }
}

/// Steps of an ``EntropicProblem`` in doubles.
struct WideProblem {
    private let problem: EntropicProblem
    private let softMin: WideSoftMin
    private let logWeights: (x: Tensor, y: Tensor)

    init(_ problem: EntropicProblem) throws {
        self.problem = problem
        softMin = try WideSoftMin(problem.softMin)
        let device = softMin.device
        func logs(_ weights: Tensor) throws -> Tensor { try weights.to(device).asType(.float64).log().evaluated() }
        logWeights = (try logs(problem.weights.x), try logs(problem.weights.y))
    }

    /// Potentials, float64.
    struct Potentials {
        var f: Tensor
        var g: Tensor
        var shift: Tensor?
    }

    func start(f: Tensor, g: Tensor, shift: Tensor?) throws -> Potentials {
        func wide(_ tensor: Tensor) throws -> Tensor { try tensor.to(softMin.device).asType(.float64).evaluated() }
        return Potentials(f: try wide(f), g: try wide(g), shift: try shift.map(wide))
    }

    func soft(_ side: SoftMin.Side, _ current: Potentials) throws -> Tensor {
        let isX = side == .x
        return try softMin(
            side, potentials: isX ? current.g : current.f, logWeights: isX ? logWeights.y : logWeights.x,
            own: isX ? current.f : current.g, epsilon: problem.epsilon)
    }

    private func best(_ side: SoftMin.Side, _ soft: Tensor, _ shift: Tensor?) throws -> Tensor {
        let penalty = side == .x ? problem.penalties.x : problem.penalties.y
        return try penalty.potential(shift.map { soft - $0 } ?? soft, problem.epsilon).evaluated()
    }

    private func shifted(_ g: Tensor, _ soft: Tensor) throws -> Tensor? {
        try problem.shifted(g, soft, problem.epsilon, logWeights: logWeights.y)
    }

    /// A step of both sides, a share of the way to the best potentials.
    func step(_ current: Potentials, share: Double) throws -> Potentials {
        var next = current
        next.f = try (current.f * (1 - share) + best(.x, soft(.x, current), current.shift) * share).evaluated()
        let soft = try soft(.y, next)
        next.g = try (current.g * (1 - share) + best(.y, soft, current.shift) * share).evaluated()
        next.shift = try shifted(next.g, soft)
        return next
    }

    /// Potentials with what is known of them, and those of the step that is known with that.
    struct Look {
        var f: Tensor
        var g: Tensor
        var shift: Tensor?
        var soft: (x: Tensor, y: Tensor)
        var errors: (x: Double, y: Double)
        var next: Potentials
    }

    /// The rows' best potentials for those of the columns, and how far the columns' marginals are from what is best; with a mass, a whole step.
    func look(_ current: Potentials) throws -> Look {
        var seen = current
        let softX = try soft(.x, current)
        seen.f = try best(.x, softX, current.shift)
        let softY = try soft(.y, seen)
        let best = try best(.y, softY, current.shift)
        var soft = (x: softX, y: softY)
        if problem.mass != nil {
            (seen.g, seen.shift) = (best, try shifted(best, softY))
            soft.x = try self.soft(.x, seen)
        }
        let errors = try problem.errors(f: seen.f, g: seen.g, soft: soft, shift: seen.shift)
        return Look(
            f: seen.f, g: seen.g, shift: seen.shift, soft: soft, errors: errors,
            next: Potentials(f: seen.f, g: best, shift: seen.shift))
    }
}
