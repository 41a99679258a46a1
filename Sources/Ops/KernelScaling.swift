import LossKitDevice
import LossKitKernels

/// Alternating steps of entropic transport on a kernel `exp((f + g - C) / epsilon)` that is held, one for each of a batch.
///
/// The potentials f and g are absorbed in it, with exponents formed in doubles, so that float32 holds what counts, and a step costs one pass
/// over its memory instead of an exponential for each pair and side; absorbed anew when they have moved far. On the processor.
package struct KernelScaling {
    /// The weights of a row or a column are off by this factor at most before potentials are absorbed anew.
    private static let mostDrift = 25.0

    private let softMin: SoftMin
    private let weights: (x: Tensor, y: Tensor)
    private let epsilon: Double
    private let penalties: (factors: (x: Double, y: Double), slacks: (x: Double, y: Double))
    private let kernels: ScalingKernels
    private var problems: [Problem] = []

    private struct Problem {
        var kernel: Tensor
        var a: Tensor
        var b: Tensor
        /// Over epsilon.
        var base: (x: Tensor, y: Tensor)
        var logs: (u: Tensor, v: Tensor)
        var scaled: Tensor
        var sums: Tensor
    }

    /// - Parameters:
    ///   - factors: Of each side's best potentials.
    ///   - slacks: epsilon / rho of each side, 0 where it is exact.
    init(
        _ softMin: SoftMin, weights: (x: Tensor, y: Tensor), potentials: (x: Tensor, y: Tensor), epsilon: Double,
        factors: (x: Double, y: Double), slacks: (x: Double, y: Double)
    ) throws {
        (self.softMin, self.epsilon, penalties) = (softMin, epsilon, (factors, slacks))
        self.weights = (try weights.x.to(.cpu).packed().evaluated(), try weights.y.to(.cpu).packed().evaluated())
        kernels = ScalingKernels(n: softMin.n, m: softMin.m)
        func base(_ potentials: Tensor) throws -> Tensor { try (potentials.to(.cpu).asType(.float64) / epsilon).evaluated() }
        try absorb((base(potentials.x), base(potentials.y)))
    }

    /// The same; nil where there is no memory for the kernels.
    package static func ifItFits(
        _ softMin: SoftMin, weights: (x: Tensor, y: Tensor), potentials: (x: Tensor, y: Tensor), epsilon: Double,
        factors: (x: Double, y: Double), slacks: (x: Double, y: Double)
    ) throws -> KernelScaling? {
        do {
            return try KernelScaling(softMin, weights: weights, potentials: potentials, epsilon: epsilon, factors: factors, slacks: slacks)
        } catch DeviceError.outOfMemory {
            return nil
        }
    }

    /// Fills the kernels for potentials over epsilon, float64 [batch, n] and [batch, m].
    private mutating func absorb(_ bases: (x: Tensor, y: Tensor)) throws {
        let old = problems
        problems = []
        for entry in 0..<softMin.batch {
            let base = (x: try bases.x[entry].packed().evaluated(), y: try bases.y[entry].packed().evaluated())
            let kernel = try old.isEmpty ? Tensor.empty([softMin.n, softMin.m], dtype: .float32, on: .cpu) : old[entry].kernel
            try softMin.fill(kernel, entry: entry, rows: 0..<softMin.n, bases: base, epsilon: epsilon)
            let b = try weights.y[entry].packed().evaluated()
            problems.append(
                Problem(
                    kernel: kernel, a: try weights.x[entry].packed().evaluated(), b: b,
                    base: base,
                    logs: (
                        // Memory of their own, which steps write.
                        try Tensor([Double](repeating: 0, count: softMin.n), on: .cpu),
                        try Tensor([Double](repeating: 0, count: softMin.m), on: .cpu)
                    ), scaled: try Tensor(b.array(of: Float.self), on: .cpu),
                    sums: try Tensor.empty([kernels.sumCount], dtype: .float32, on: .cpu)))
        }
    }

    /// A step of all; the largest errors before it. Nil when the kernel has become of no use.
    package mutating func step(share: Double) throws -> (x: Double, y: Double)? {
        let step = ScalingKernels.Step(share: share, factors: penalties.factors, slacks: penalties.slacks)
        var (errors, drift) = ((x: 0.0, y: 0.0), 0.0)
        for problem in problems {
            let notes = try kernels.step(
                step, fixed: [problem.kernel, problem.a, problem.b, problem.base.x, problem.base.y].map { try $0.slice() },
                moving: [problem.logs.u, problem.logs.v, problem.scaled, problem.sums].map { try $0.output() })
            errors = (Swift.max(errors.x, notes.errors.x), Swift.max(errors.y, notes.errors.y))
            drift = notes.drift <= drift ? drift : notes.drift
        }
        guard drift.isFinite, drift < 80 else { return nil }
        if drift > Self.mostDrift { try absorb(bases()) }
        return errors
    }

    /// What steps move.
    package struct Scalings {
        fileprivate let parts: [(logs: (u: Tensor, v: Tensor), scaled: Tensor, base: (x: Tensor, y: Tensor))]
    }

    /// A copy of the scalings as they are.
    package func scalings() throws -> Scalings {
        func copy(_ tensor: Tensor) throws -> Tensor { try Tensor(tensor.array(of: Double.self), on: .cpu) }
        return Scalings(
            parts: try problems.map {
                ((try copy($0.logs.u), try copy($0.logs.v)), try Tensor($0.scaled.array(of: Float.self), on: .cpu), $0.base)
            })
    }

    /// Goes on from scalings that are no longer needed, unless their potentials have been absorbed since.
    package mutating func restore(_ scalings: Scalings) {
        for (entry, part) in scalings.parts.enumerated() where problems[entry].base.x.isSame(as: part.base.x) {
            (problems[entry].logs, problems[entry].scaled) = (part.logs, part.scaled)
        }
    }

    /// The potentials over epsilon as they are, or as they were with other scalings.
    private func bases(_ scalings: Scalings? = nil) throws -> (x: Tensor, y: Tensor) {
        let parts = scalings?.parts.map { (base: $0.base, logs: $0.logs) } ?? problems.map { (base: $0.base, logs: $0.logs) }
        return (
            try Tensor.stack(parts.map { $0.base.x + $0.logs.u }).evaluated(),
            try Tensor.stack(parts.map { $0.base.y + $0.logs.v }).evaluated()
        )
    }

    /// The potentials as they are, or as they were with other scalings, float64 [batch, n] and [batch, m], on the CPU.
    package func potentials(_ scalings: Scalings? = nil) throws -> (x: Tensor, y: Tensor) {
        let bases = try bases(scalings)
        return (try (bases.x * epsilon).evaluated(), try (bases.y * epsilon).evaluated())
    }
}
