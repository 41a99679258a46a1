import CLossKitHost
import LossKitDevice

/// Steps of entropic transport between n and m weights that scale a kernel which is held, potentials absorbed in it: one pass over its memory each.
///
/// On the CPU alone. The parts that rows are summed in do not depend on how many threads there are.
package struct ScalingKernels: Sendable {
    /// The sums of columns that are held side by side.
    private static let mostParts = 16

    package let n: Int
    package let m: Int
    private var parts: Int { Swift.min(Self.mostParts, n) }

    package init(n: Int, m: Int) { (self.n, self.m) = (n, m) }

    /// Floats that the sums of columns need.
    package var sumCount: Int { parts * m }

    /// What a step goes by.
    package struct Step: Sendable {
        /// The share of the way to the best potentials.
        package var share: Double
        /// The factors of the best potentials of both sides, and epsilon / rho, 0 for exact marginals.
        package var factors: (x: Double, y: Double)
        package var slacks: (x: Double, y: Double)

        package init(share: Double, factors: (x: Double, y: Double), slacks: (x: Double, y: Double)) {
            (self.share, self.factors, self.slacks) = (share, factors, slacks)
        }
    }

    /// How far the marginals were from what is best for the potentials before the step, and the largest |log scaling| after it.
    package struct Notes: Sendable {
        package var errors: (x: Double, y: Double)
        package var drift: Double
    }

    /// A step of the rows and then of the columns.
    ///
    /// - Parameters:
    ///   - fixed: The kernel [n, m]; weights [n] and [m]; absorbed potentials over epsilon, float64 [n] and [m].
    ///   - moving: log scalings, float64 [n] and [m]; the weights of columns times their scaling, float32 [m]; room for ``sumCount`` floats.
    package func step(_ step: Step, fixed: [BufferSlice], moving: [BufferSlice]) throws -> Notes {
        var notes = Notes(errors: (0, 0), drift: 0)
        try host("scaling", reads: fixed, updates: moving, bytes: 4 * n * m, flops: 4 * n * m) { pointers in
            let scaling = losskit_scaling(
                n: Int64(n), m: Int64(m), kernel: pointers.read(0), a: pointers.read(1), b: pointers.read(2), base_x: pointers.read(3),
                base_y: pointers.read(4), log_u: pointers.update(0), log_v: pointers.update(1), v: pointers.update(2), share: step.share,
                factor_x: step.factors.x, factor_y: step.factors.y, slack_x: step.slacks.x, slack_y: step.slacks.y)
            let call = Shared((scaling: scaling, sums: pointers.update(3, as: Float.self)))
            let rows = noted(parts, of: n) { part, range, notes in
                var scaling = call.value.scaling
                losskit_scaling_rows(&scaling, Int64(range.lowerBound), Int64(range.upperBound), call.value.sums + part * m, notes)
            }
            let columns = noted(Swift.max(1, Swift.min(Self.mostParts, m / 1024)), of: m) { _, range, notes in
                var scaling = call.value.scaling
                losskit_scaling_columns(
                    &scaling, Int64(range.lowerBound), Int64(range.upperBound), call.value.sums, Int64(parts), notes)
            }
            notes = Notes(errors: (rows.error, columns.error), drift: rows.drift > columns.drift ? rows.drift : columns.drift)
        }
        return notes
    }

    /// The notes of all parts together.
    private func noted(
        _ parts: Int, of count: Int, _ body: @escaping @Sendable (Int, Range<Int>, UnsafeMutablePointer<losskit_scaling_notes>) -> Void
    ) -> losskit_scaling_notes {
        let notes = UnsafeMutablePointer<losskit_scaling_notes>.allocate(capacity: parts)
        defer { notes.deallocate() }
        notes.initialize(repeating: losskit_scaling_notes(error: 0, drift: 0), count: parts)
        let shared = Shared(notes)
        ThreadPool.forEach(parts) { part in
            body(part, count * part / parts..<count * (part + 1) / parts, shared.value + part)
        }
        var sum = losskit_scaling_notes(error: 0, drift: 0)
        for part in 0..<parts {
            sum.error += notes[part].error
            sum.drift = !(notes[part].drift <= sum.drift) ? notes[part].drift : sum.drift
        }
        return sum
    }

    private func host(
        _ name: StaticString, reads: [BufferSlice], writes: [BufferSlice] = [], updates: [BufferSlice] = [], bytes: Int, flops: Int,
        _ body: (HostPointers) throws -> Void
    ) throws {
        try Device.cpu.run(
            name, shape: [n, m], reads: reads, writes: writes, updates: updates, bytes: bytes, flops: flops, host: body,
            openCL: { _ in })
    }
}
