import LossKitOps

extension EntropicProblem {
    /// Potentials on their way to the optimum.
    struct Run {
        private let problem: EntropicProblem
        private let schedule: Schedule
        private(set) var iterations = 0
        var f: Tensor
        var g: Tensor
        var shift: Tensor?
        private var annealing: [Double]

        /// From so many points on each side, potentials come from a sample of at least half as many first.
        private static let sampled = 1024

        init(problem: EntropicProblem, schedule: Schedule) throws {
            (self.problem, self.schedule, annealing) = (problem, schedule, schedule.annealing)
            let device = problem.weights.x.device
            f = try schedule.initial?.x ?? .zeros(problem.weights.x.shape, on: device)
            g = try schedule.initial?.y ?? .zeros(problem.weights.y.shape, on: device)
            shift = try problem.mass == nil ? nil : Tensor.zeros([problem.softMin.batch, 1], on: device)
        }

        /// Steps at falling epsilons; of many points by a sample of them.
        mutating func start() throws {
            if try startFromSample() {
                annealing = []
                return
            }
            while iterations < annealing.count { try advance(annealing[iterations], share: 1) }
        }

        /// Potentials from those of every so many points, if that is worth while.
        private mutating func startFromSample() throws -> Bool {
            let (softMin, weights) = (problem.softMin, problem.weights)
            let steps = (x: softMin.n / (Self.sampled / 2), y: softMin.m / (Self.sampled / 2))
            guard problem.isScaling, !annealing.isEmpty, min(softMin.n, softMin.m) >= 2 * Self.sampled else { return false }
            func part(_ whole: Tensor, _ step: Int) throws -> Tensor? {
                let part = try whole.slice(axis: 1, step: step)
                let (mass, all) = (try part.sum(axes: [1], keepDimensions: true), try whole.sum(axes: [1], keepDimensions: true))
                return try mass.min().scalar() > 0 ? (part * (all / mass)).evaluated() : nil
            }
            guard let x = try part(weights.x, steps.x), let y = try part(weights.y, steps.y) else { return false }
            let few = try EntropicProblem(
                softMin.sampled(x: steps.x, y: steps.y), weights: (x, y), epsilon: problem.epsilon, penalties: problem.penalties)
            var rough = schedule
            (rough.tolerance, rough.maximumIterations) = (max(schedule.tolerance, 1e-2), annealing.count + 100)
            let state = try few.solve(rough)
            f = try problem.penalties.x.potential(
                softMin.sampled(x: 1, y: steps.y)(.x, potentials: state.g, logWeights: few.logWeights.y, own: f, epsilon: problem.epsilon)
                    .soft, problem.epsilon
            ).evaluated()
            g = try problem.penalties.y.potential(
                softMin.sampled(x: steps.x, y: 1)(.y, potentials: state.f, logWeights: few.logWeights.x, own: g, epsilon: problem.epsilon)
                    .soft, problem.epsilon
            ).evaluated()
            return true
        }

        /// A step of both sides and their soft minima.
        @discardableResult
        private mutating func advance(_ epsilon: Double, share: Double) throws -> (x: Tensor, y: Tensor) {
            let (softX, nextF) = try problem.step(.x, own: f, other: g, epsilon, share: share, shift)
            let (softY, nextG) = try problem.step(.y, own: g, other: nextF, epsilon, share: share, shift)
            (f, g) = (nextF, nextG)
            if problem.mass != nil { shift = try problem.shifted(g, softY, epsilon) }
            iterations += 1
            return (softX, softY)
        }

        /// Steps on a held kernel until both errors are down; false when that kernel is of no use.
        mutating func scale(to tolerance: Double) throws -> Bool {
            // What is absorbed has to be near the target's potentials.
            try advance(problem.epsilon, share: 1)
            guard iterations < schedule.maximumIterations else { return true }
            func slack(_ penalty: MarginalPenalty) -> Double {
                if case .divergence(let rho) = penalty { problem.epsilon / rho } else { 0 }
            }
            let (penalties, epsilon) = (problem.penalties, problem.epsilon)
            guard
                var kernel = try KernelScaling.ifItFits(
                    problem.softMin, weights: problem.weights, potentials: (f, g), epsilon: epsilon,
                    factors: (penalties.x.factor(epsilon) ?? 1, penalties.y.factor(epsilon) ?? 1),
                    slacks: (slack(penalties.x), slack(penalties.y)))
            else { return false }
            var pace = Relaxation(isAllowed: tolerance > 0)
            for taken in 0..<schedule.maximumIterations - iterations {
                guard let errors = try kernel.step(share: pace.factor) else { return false }
                iterations += 1
                let error = max(errors.x, errors.y)
                if tolerance > 0, error <= (pace.factor > 1 ? 0.5 : 1) * tolerance { break }
                if taken % Relaxation.period == 0 { pace.observe(error) }
            }
            let found = try kernel.potentials()
            (f, g) = (try found.x.to(f.device), try found.y.to(g.device))
            return true
        }

        /// Steps until both errors are down, looked at from time to time.
        mutating func iterate() throws {
            var pace = Relaxation(isAllowed: problem.isScaling)
            while iterations < schedule.maximumIterations {
                let isChecked = (iterations - annealing.count) % Relaxation.period == 0 && schedule.tolerance > 0
                let (before, other) = (f, g)
                let offset = shift
                let soft = try advance(problem.epsilon, share: pace.factor)
                guard isChecked else { continue }
                let errors = try problem.errors(f: before, g: other, soft: soft, shift: offset)
                let error = max(errors.x, errors.y)
                if error <= (pace.factor > 1 ? 0.5 : 1) * schedule.tolerance { break }
                pace.observe(error)
            }
        }
    }
}
