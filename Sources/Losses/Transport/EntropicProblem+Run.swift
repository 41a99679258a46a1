import LossKitOps

extension EntropicProblem {
    /// Potentials on their way to the optimum.
    struct Run {
        private var problem: EntropicProblem
        private let schedule: Schedule
        private(set) var iterations = 0 {
            didSet { reportProgress(iterations, of: schedule.maximumIterations, "steps at most") }
        }
        var f: Tensor
        var g: Tensor
        var shift: Tensor?
        private var pace: Relaxation
        private var annealing: [Double]
        private var isFromSample = false

        init(problem: EntropicProblem, schedule: Schedule) throws {
            (self.problem, self.schedule, annealing) = (problem, schedule, schedule.annealing)
            pace = Relaxation(isAllowed: problem.isScaling)
            let device = problem.weights.x.device
            f = try schedule.initial?.x ?? .zeros(problem.weights.x.shape, on: device)
            g = try schedule.initial?.y ?? .zeros(problem.weights.y.shape, on: device)
            shift = try problem.mass == nil ? nil : Tensor.zeros([problem.softMin.batch, 1], on: device)
        }

        /// Steps at falling epsilons; of many points by a sample of them.
        mutating func start() throws {
            if try startFromSample() {
                (annealing, isFromSample) = ([], true)
                return
            }
            guard !annealing.isEmpty else { return }
            let online = problem
            problem = try problem.prepared()
            while iterations < annealing.count { try advance(annealing[iterations], share: 1) }
            // The kernel takes the place of costs that are held.
            if online.holdsKernel { problem = online }
        }

        /// Potentials from those of every so many points, if that is worth while.
        private mutating func startFromSample() throws -> Bool {
            let (softMin, weights) = (problem.softMin, problem.weights)
            guard problem.isScaling, !softMin.isStructured, !annealing.isEmpty, let steps = EntropicProblem.sampling(softMin),
                let x = try EntropicProblem.sampled(weights.x, step: steps.x), let y = try EntropicProblem.sampled(weights.y, step: steps.y)
            else { return false }
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

        /// A solution by steps on a held kernel; nil when that is of no use.
        mutating func scale() throws -> State? {
            // What is absorbed has to be near the target's potentials.
            var isNear = iterations > 0 || isFromSample
            while true {
                if !isNear { try advance(problem.epsilon, share: 1) }
                func slack(_ penalty: MarginalPenalty) -> Double {
                    if case .divergence(let rho) = penalty { problem.epsilon / rho } else { 0 }
                }
                let (penalties, epsilon) = (problem.penalties, problem.epsilon)
                guard
                    var kernel = try KernelScaling.ifItFits(
                        problem.softMin, weights: problem.weights, potentials: (f, g), epsilon: epsilon,
                        factors: (penalties.x.factor(epsilon) ?? 1, penalties.y.factor(epsilon) ?? 1),
                        slacks: (slack(penalties.x), slack(penalties.y)))
                else { return nil }
                if let state = try scale(&kernel) { return state }
                guard isNear else { return nil }
                isNear = false
            }
        }

        private mutating func scale(_ kernel: inout KernelScaling) throws -> State? {
            let tolerance = schedule.tolerance
            var pace = Relaxation(isAllowed: tolerance > 0)
            var taken = 0
            while iterations < schedule.maximumIterations {
                guard let errors = try kernel.step(share: pace.factor) else { return nil }
                iterations += 1
                let error = max(errors.x, errors.y)
                let isLook = taken % Relaxation.period == 0
                if pace.isWorthALook(error, tolerance, isDue: isLook) {
                    // What was measured in passing is of potentials that had moved on.
                    if let state = try finished(&kernel, within: tolerance) { return state }
                    iterations = min(iterations + 1, schedule.maximumIterations)
                }
                if isLook { pace.observe(error) }
                taken += 1
            }
            return try finished(&kernel)
        }

        /// The rows' best potentials for those of the columns, and how far the columns' marginals are from what is best; nil, and the kernel as
        /// it was, where they are too far.
        private func finished(_ kernel: inout KernelScaling, within most: Double = .infinity) throws -> State? {
            let kept = try kernel.scalings()
            guard let errors = try kernel.step(share: 1) else { return nil }
            guard errors.y <= most else {
                kernel.restore(kept)
                return nil
            }
            let (g, best) = (try kernel.potentials(kept).y, try kernel.potentials())
            let penalties = problem.penalties
            func soft(_ best: Tensor, _ penalty: MarginalPenalty) throws -> Tensor {
                try (best * (1 / (penalty.factor(problem.epsilon) ?? 1))).evaluated()
            }
            return try problem.state(
                f: best.x, g: g, soft: (soft(best.x, penalties.x), soft(best.y, penalties.y)), errors: (0, errors.y),
                iterations: iterations, tolerance: schedule.tolerance)
        }

        /// Steps until both errors are down as far as float32 can tell, looked at from time to time.
        mutating func iterate() throws {
            problem = try problem.prepared()
            pace.forget()
            let mass = schedule.tolerance > 0 ? try problem.weights.x.sum(axes: [1]).max().scalar() : 0
            // No device runs dry for a look: it is waited for when the step after it is launched, and on the CPU there is nothing to wait for.
            let isQueued = f.device.isOpenCL
            var pending: Measured?
            while iterations < schedule.maximumIterations {
                let isChecked = (iterations - annealing.count) % Relaxation.period == 0 && schedule.tolerance > 0
                let (before, other) = (f, g)
                let offset = shift
                let soft = try advance(problem.epsilon, share: pace.factor)
                if isChecked {
                    let sizes = [try before.absolute().max(), try other.absolute().max()]
                    pending = try problem.measured(f: before, g: other, soft: soft, shift: offset, besides: sizes)
                }
                guard let look = pending, !(isChecked && isQueued) else { continue }
                pending = nil
                let (errors, sizes) = try look.read()
                // What rounding of potentials may do to the marginals.
                let noise = sizes.reduce(0, max) * mass / problem.epsilon * 0x1p-22
                let (error, enough) = (max(errors.x, errors.y), max(schedule.tolerance, noise))
                if pace.isWorthALook(error, enough, isDue: true) {
                    guard pace.factor > 1 else { break }
                    iterations = min(iterations + 1, schedule.maximumIterations)
                    if try errorAside() <= enough { break }
                }
                pace.observe(error)
            }
        }

        /// How far the columns' marginals are from what is best with the rows' best potentials.
        private func errorAside() throws -> Double {
            let (softX, best) = try problem.step(.x, own: f, other: g, problem.epsilon, share: 1, shift)
            let softY = try problem.step(.y, own: g, other: best, problem.epsilon, share: 1, shift).soft
            return try problem.errors(f: best, g: g, soft: (softX, softY), shift: shift).y
        }

        /// Steps in doubles until both errors are down: few, since what float32 leaves is small.
        mutating func refine() throws -> State {
            let wide = try WideProblem(problem)
            var current = try wide.start(f: f, g: g, shift: shift)
            pace.forget()
            var taken = 0
            while true {
                let look = try wide.look(current)
                let error = max(look.errors.x, look.errors.y)
                if error <= schedule.tolerance || iterations >= schedule.maximumIterations {
                    return try problem.state(
                        f: look.f, g: look.g, shift: look.shift, soft: look.soft, errors: look.errors, iterations: iterations,
                        tolerance: schedule.tolerance)
                }
                if taken % Relaxation.period == 0 { pace.observe(error) }
                iterations += 1
                guard pace.factor > 1 else {
                    (current, taken) = (look.next, taken + 1)
                    continue
                }
                for _ in 0..<Relaxation.period where iterations < schedule.maximumIterations {
                    current = try wide.step(current, share: pace.factor)
                    (iterations, taken) = (iterations + 1, taken + 1)
                }
            }
        }
    }

    /// From so many points on each side, potentials come from a sample of at least half as many first.
    private static let leastSampled = 512

    /// Every so many points of each side, of many a quarter, that potentials come from first; nil where there are too few.
    static func sampling(_ softMin: SoftMin) -> (x: Int, y: Int)? {
        guard min(softMin.n, softMin.m) >= 2 * leastSampled else { return nil }
        func step(_ count: Int) -> Int { count >= 8 * leastSampled ? 4 : count / (leastSampled / 2) }
        return (step(softMin.n), step(softMin.m))
    }

    /// Weights of every so many points with the mass of all; nil where they have none.
    static func sampled(_ weights: Tensor, step: Int) throws -> Tensor? {
        let part = try weights.slice(axis: 1, step: step)
        let (mass, all) = (try part.sum(axes: [1], keepDimensions: true), try weights.sum(axes: [1], keepDimensions: true))
        return try mass.min().scalar() > 0 ? (part * (all / mass)).evaluated() : nil
    }
}
