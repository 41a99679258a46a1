import LossKitOps

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Entropic transport for cost matrices in float64 on the processor: what has to be solved to more digits than float32 has.
///
/// `P = a b exp((f + g - C) / epsilon)` by scaling a kernel that has the potentials absorbed: one pass over it a step.
struct ExactScaling {
    /// a [n, 1] and b [1, m].
    let weights: (x: Tensor, y: Tensor)
    let epsilon: Double
    let tolerance: Double
    let maximumIterations: Int
    /// f [n, 1] and g [1, m].
    private(set) var potentials: (x: Tensor, y: Tensor)
    /// Of the last problem.
    private(set) var iterations = 0

    /// Scalings absorb into potentials beyond this logarithm.
    private static let mostDrift = 50.0
    /// Steps between two looks.
    private static let period = 10

    init(_ weights: (x: Tensor, y: Tensor), epsilon: Double, tolerance: Double, maximumIterations: Int) throws {
        (self.weights, self.epsilon) = (weights, epsilon)
        (self.tolerance, self.maximumIterations) = (tolerance, maximumIterations)
        potentials = (
            try Tensor.zeros(weights.x.shape, dtype: .float64, on: .cpu), try Tensor.zeros(weights.y.shape, dtype: .float64, on: .cpu)
        )
    }

    /// The logarithm of the plan over `a b` for costs [n, m], from the potentials of the last problem.
    mutating func solve(_ costs: Tensor) throws -> Tensor {
        let (logA, logB) = (try weights.x.log().evaluated(), try weights.y.log().evaluated())
        let (a, b): ([Double], [Double]) = (try weights.x.array(), try weights.y.array())
        let scaled = try (costs * (-1 / epsilon)).evaluated()
        iterations = 0
        while true {
            var (f, g) = (potentials.x, potentials.y)
            f = try ((g / epsilon + scaled + logB).logSumExp(axes: [1], keepDimensions: true) * -epsilon).evaluated()
            g = try ((f / epsilon + scaled + logA).logSumExp(axes: [0], keepDimensions: true) * -epsilon).evaluated()
            iterations += 1
            var scaling = try RowScaling(((f + g) / epsilon + scaled).exp().array(), masses: a, v: b)
            var v = [Double](repeating: 1, count: b.count)
            var (isDone, best, looks) = (false, Double.infinity, 0)
            while !isDone, iterations < maximumIterations {
                let error = scaling.advance()
                for k in v.indices {
                    v[k] = 1 / scaling.sums[k]
                    scaling.v[k] = b[k] * v[k]
                }
                iterations += 1
                guard iterations % Self.period == 0 else { continue }
                // Or as far as rounding lets it.
                (looks, best) = error < 0.9 * best ? (0, error) : (looks + 1, best)
                isDone = error <= tolerance || (looks >= 20 && best < 1e-10)
                let drift = (v + scaling.rows).reduce(0) { Swift.max($0, abs(log($1))) }
                if !(drift <= Self.mostDrift) { break }
            }
            let (logU, logV) = (scaling.rows.map { -log($0) * epsilon }, v.map { log($0) * epsilon })
            if (logU + logV).allSatisfy(\.isFinite) {
                f = try (f + Tensor(logU, shape: f.shape, on: .cpu)).evaluated()
                g = try (g + Tensor(logV, shape: g.shape, on: .cpu)).evaluated()
            }
            potentials = (f, g)
            if isDone || iterations >= maximumIterations { return try ((f + g) / epsilon + scaled).evaluated() }
        }
    }
}
