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
    let softMin: SoftMin
    /// [batch, n] and [batch, m].
    let weights: (x: Tensor, y: Tensor)
    let logWeights: (x: Tensor, y: Tensor)
    let epsilon: Double
    let penalties: (x: MarginalPenalty, y: MarginalPenalty)
    /// The mass to transport, where it is not what is best.
    let mass: Double?
    /// Both sides are one: so are their potentials.
    let isSymmetric: Bool

    init(
        _ softMin: SoftMin, weights: (x: Tensor, y: Tensor), epsilon: Double,
        penalties: (x: MarginalPenalty, y: MarginalPenalty) = (.exact, .exact), mass: Double? = nil, isSymmetric: Bool = false
    ) throws {
        self.softMin = softMin
        self.weights = (try stopGradient(weights.x).evaluated(), try stopGradient(weights.y).evaluated())
        logWeights = (try self.weights.x.log().evaluated(), try self.weights.y.log().evaluated())
        (self.epsilon, self.penalties, self.mass, self.isSymmetric) = (epsilon, penalties, mass, isSymmetric)
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
        let device = weights.x.device
        var f = try schedule.initial?.x ?? .zeros(weights.x.shape, on: device)
        var g = try schedule.initial?.y ?? .zeros(weights.y.shape, on: device)
        var shift = try mass == nil ? nil : Tensor.zeros([softMin.batch, 1], on: device)
        var iterations = 0
        while true {
            var pace = Relaxation(isAllowed: !isSymmetric && mass == nil && penalties.x.isScaling && penalties.y.isScaling)
            while iterations < schedule.maximumIterations {
                let annealed = schedule.annealing.count
                let eps = iterations < annealed ? schedule.annealing[iterations] : epsilon
                let isChecked = iterations >= annealed && (iterations - annealed) % Relaxation.period == 0 && schedule.tolerance > 0
                let (softX, nextF) = try step(.x, own: f, other: g, eps, share: isSymmetric ? 0.5 : pace.factor, shift)
                iterations += 1
                if isSymmetric {
                    let error = isChecked ? try errors(f: f, g: f, soft: (softX, softX), shift: nil).x : .infinity
                    (f, g) = (nextF, nextF)
                    if error <= schedule.tolerance { break }
                    continue
                }
                let (softY, nextG) = try step(.y, own: g, other: nextF, eps, share: pace.factor, shift)
                let error = isChecked ? try errors(f: f, g: g, soft: (softX, softY), shift: shift) : (.infinity, .infinity)
                (f, g) = (nextF, nextG)
                if mass != nil { shift = try shifted(g, softY, eps) }
                guard isChecked else { continue }
                if max(error.x, error.y) <= (pace.factor > 1 ? 0.5 : 1) * schedule.tolerance { break }
                pace.observe(max(error.x, error.y))
            }
            let state = try finished(f, g, shift, iterations: iterations, tolerance: schedule.tolerance)
            // What was measured in passing is of potentials that had moved on.
            if state.isConverged || iterations >= schedule.maximumIterations { return state }
            (f, g, shift) = (state.f, state.g, state.shift)
        }
    }

    /// A last step without relaxation, and a close look at what came out.
    private func finished(_ f: Tensor, _ g: Tensor, _ shift: Tensor?, iterations: Int, tolerance: Double) throws -> State {
        var state: State
        if isSymmetric {
            let next = try step(.x, own: f, other: f, epsilon, share: 0.5, nil).next
            let soft = try softMin(.x, potentials: next, logWeights: logWeights.y, own: next, epsilon: epsilon).soft
            state = State(f: next, g: next, soft: (soft, soft), errors: (0, 0), iterations: iterations, isConverged: false)
        } else {
            let nextF = try step(.x, own: f, other: g, epsilon, share: 1, shift).next
            let (softY, nextG) = try step(.y, own: g, other: nextF, epsilon, share: 1, shift)
            let softX = try softMin(.x, potentials: nextG, logWeights: logWeights.y, own: nextF, epsilon: epsilon).soft
            state = State(
                f: nextF, g: nextG, shift: mass == nil ? nil : try shifted(nextG, softY, epsilon), soft: (softX, softY), errors: (0, 0),
                iterations: iterations, isConverged: false)
        }
        state.errors = try errors(f: state.f, g: state.g, soft: state.soft, shift: state.shift)
        state.isConverged = max(state.errors.x, state.errors.y) <= tolerance
        return state
    }

    /// One side's soft minima, and its potentials moved by a share of the way to the best ones.
    private func step(
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
    private func shifted(_ g: Tensor, _ soft: Tensor, _ eps: Double) throws -> Tensor? {
        guard let mass else { return nil }
        let logMass = try ((g - soft) / eps + logWeights.y).logSumExp(axes: [1], keepDimensions: true)
        return try ((log(mass) - logMass) * eps).evaluated()
    }

    /// Points without mass do not count.
    private func errors(f: Tensor, g: Tensor, soft: (x: Tensor, y: Tensor), shift: Tensor?) throws -> (x: Double, y: Double) {
        func error(_ potential: Tensor, _ soft: Tensor, _ weights: Tensor, _ penalty: MarginalPenalty) throws -> Tensor {
            let sum = shift.map { potential + $0 } ?? potential
            let off = try weights * penalty.excess(((sum - soft) / epsilon).exp(), potential)
            let counted = Tensor.select(weights .> 0, off, try .zeros([], on: weights.device))
            return try counted.sum(axes: [1]).max()
        }
        let both = try Tensor.stack([error(f, soft.x, weights.x, penalties.x), error(g, soft.y, weights.y, penalties.y)])
        let values = try both.array(of: Double.self)
        return (values[0], values[1])
    }
}

extension MarginalPenalty {
    fileprivate var isScaling: Bool { factor(1) != nil }
}

/// Over-relaxation of alternating steps, its factor found from how fast errors fall.
///
/// With a rate r per step at factor w, steps without it have the rate s = (r + w - 1)^2 / (r w^2), for which 2 / (1 + sqrt(1 - s)) is best.
/// Thibault et al., Overrelaxed Sinkhorn-Knopp Algorithm for Regularized Optimal Transport, 2017; Young, Iterative Solution of Large Linear
/// Systems, 1971.
private struct Relaxation {
    /// Steps between two looks at the errors.
    static let period = 10
    var factor = 1.0
    private var isAllowed: Bool
    private var last: Double?

    init(isAllowed: Bool) { self.isAllowed = isAllowed }

    mutating func observe(_ error: Double) {
        defer { last = error }
        guard isAllowed, let last, last > 0, error.isFinite else { return }
        let rate = pow(error / last, 1 / Double(Self.period))
        guard rate < 1 else {
            // Too bold, or at the limit of rounding.
            (isAllowed, factor) = (factor == 1, 1)
            return
        }
        guard rate > factor - 1 else { return }
        let plain = (rate + factor - 1) * (rate + factor - 1) / (rate * factor * factor)
        if plain < 1 { factor = max(factor, min(2 / (1 + (1 - plain).squareRoot()), 1.95)) }
    }
}
