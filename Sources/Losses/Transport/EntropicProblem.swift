import LossKitOps

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// One problem of entropic transport in float32, or a batch of them, with its solver, written over soft minima alone:
///
/// max over f, g of `<a, -D*(-f)> + <b, -E*(-g)> - epsilon (sum P - sum a sum b)`, `P = a b exp((f + g - C) / epsilon)`, D and E the
/// penalties.
/// Each side is maximised in turn; with a mass to transport, a shift of all exponents is a third one.
struct EntropicProblem: Sendable {
    private(set) var softMin: SoftMin
    /// [batch, n] and [batch, m].
    let weights: (x: Tensor, y: Tensor)
    let logWeights: (x: Tensor, y: Tensor)
    let epsilon: Double
    let penalties: (x: MarginalPenalty, y: MarginalPenalty)
    /// The mass to transport, where it is not what is best.
    let mass: Double?

    init(
        _ softMin: SoftMin, weights: (x: Tensor, y: Tensor), epsilon: Double,
        penalties: (x: MarginalPenalty, y: MarginalPenalty) = (.exact, .exact), mass: Double? = nil
    ) throws {
        self.softMin = softMin
        self.weights = (try stopGradient(weights.x).evaluated(), try stopGradient(weights.y).evaluated())
        logWeights = (try self.weights.x.log().evaluated(), try self.weights.y.log().evaluated())
        (self.epsilon, self.penalties, self.mass) = (epsilon, penalties, mass)
    }

    /// The same with costs held, where many online steps are faster with them.
    func prepared() throws -> EntropicProblem {
        var copy = self
        copy.softMin = try softMin.prepared()
        return copy
    }

    /// How long to iterate, and from where.
    struct Schedule {
        var tolerance: Double
        var maximumIterations: Int
        /// The epsilons of the first steps.
        var annealing: [Double]
        var initial: (x: Tensor, y: Tensor)?

        /// From the largest cost down to the target by a constant ratio.
        init(tolerance: Double, maximumIterations: Int, from largest: Double, to epsilon: Double, ratio: Double) {
            (self.tolerance, self.maximumIterations) = (tolerance, maximumIterations)
            annealing = []
            var eps = largest
            while ratio < 1, eps > epsilon, eps.isFinite, annealing.count < maximumIterations / 2 {
                annealing.append(eps)
                eps *= ratio
            }
        }
    }

    /// Potentials with what is known of them.
    struct State: Sendable {
        /// [batch, n] and [batch, m].
        var f: Tensor
        var g: Tensor
        /// What float32 leaves of them, where they are known better.
        var remainders: (x: Tensor, y: Tensor)?
        /// [batch, 1]: added to all sums of both, where a mass is given.
        var shift: Tensor?
        /// The soft minima of one another.
        var soft: (x: Tensor, y: Tensor)
        /// The L1 distances of the marginals from what is best for the potentials; of a batch the largest.
        var errors: (x: Double, y: Double)
        var iterations: Int
        var isConverged: Bool
    }

    func solve(_ schedule: Schedule) throws -> State {
        var run = try Run(problem: self, schedule: schedule)
        try run.start()
        if holdsKernel, let state = try run.scale() { return state }
        guard !softMin.isStructured else { return try settled(&run, schedule) }
        try run.iterate()
        return try run.refine()
    }

    /// Whether steps may be made on a kernel that is held.
    var holdsKernel: Bool { isScaling && softMin.holdsKernel }

    /// Whether the best potentials are multiples of soft minima.
    var isScaling: Bool { mass == nil && penalties.x.factor(1) != nil && penalties.y.factor(1) != nil }

    /// One side's soft minima, and its potentials moved by a share of the way to the best ones.
    func step(
        _ side: SoftMin.Side, own: Tensor, other: Tensor, _ eps: Double, share: Double, _ shift: Tensor?
    ) throws -> (soft: Tensor, next: Tensor) {
        let (penalty, weights) = side == .x ? (penalties.x, logWeights.y) : (penalties.y, logWeights.x)
        if let factor = penalty.factor(eps), shift == nil {
            return try softMin(
                side, potentials: other, logWeights: weights, own: own, epsilon: eps, keep: 1 - share, take: share * factor)
        }
        let soft = try softMin(side, potentials: other, logWeights: weights, own: own, epsilon: eps).soft
        let best = penalty.potential(shift.map { soft - $0 } ?? soft, eps)
        return (soft, try (share == 1 ? best : own * (1 - share) + best * share).evaluated())
    }

    /// The shift with which the plan has the mass that is asked for.
    func shifted(_ g: Tensor, _ soft: Tensor, _ eps: Double, logWeights: Tensor? = nil) throws -> Tensor? {
        guard let mass else { return nil }
        let logMass = try ((g - soft) / eps + (logWeights ?? self.logWeights.y)).logSumExp(axes: [1], keepDimensions: true)
        return try ((log(mass) - logMass) * eps).evaluated()
    }

    /// How far the marginals are from what is best for the potentials, as far as their type can tell. Points without mass do not count.
    func errors(f: Tensor, g: Tensor, soft: (x: Tensor, y: Tensor), shift: Tensor?) throws -> (x: Double, y: Double) {
        try measured(f: f, g: g, soft: soft, shift: shift).read().errors
    }

    /// The same on its way, so that the next step can be launched before it is waited for, with other numbers that are needed then.
    func measured(
        f: Tensor, g: Tensor, soft: (x: Tensor, y: Tensor), shift: Tensor?, besides others: [Tensor] = []
    ) throws -> Measured {
        func error(_ potential: Tensor, _ soft: Tensor, _ weights: Tensor, _ penalty: MarginalPenalty) throws -> Tensor {
            let sum = shift.map { potential + $0 } ?? potential
            let weights = try weights.to(potential.device)
            let off = try weights * penalty.excess(((sum - soft) / epsilon).exp(), potential)
            let counted = Tensor.select(weights .> 0, off, try .zeros([], on: weights.device))
            return try counted.sum(axes: [1]).max()
        }
        let both = [try error(f, soft.x, weights.x, penalties.x), try error(g, soft.y, weights.y, penalties.y)]
        return Measured(values: try Tensor.stack(both + others).evaluated())
    }

    /// Marginal errors that may not be there yet.
    struct Measured {
        fileprivate let values: Tensor

        /// Waits for them and for the other numbers.
        func read() throws -> (errors: (x: Double, y: Double), others: [Double]) {
            let values = try values.array(of: Double.self)
            return ((values[0], values[1]), Array(values[2...]))
        }
    }
}
