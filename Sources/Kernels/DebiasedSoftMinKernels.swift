import CLossKitHost
import LossKitDevice

/// Soft minima between two sets of float32 points, n of one and then m of another, and within each of them: four problems in one launch, every
/// row by the same operations in the same order, so that equal sets have equal potentials to the last bit.
///
/// Row r < n + m is point r against the other set, row n + m + r point r against its own.
package struct DebiasedSoftMinKernels: Sendable {
    package var n: Int
    package var m: Int
    /// Of points; 0 for matrices.
    package var d: Int
    package var cost: SoftMinKernels.Cost

    package init(n: Int, m: Int, d: Int, cost: SoftMinKernels.Cost) {
        (self.n, self.m, self.d, self.cost) = (n, m, d, cost)
    }

    /// How the next potentials come from the soft minima: keep potentials + take soft + carry before.
    package struct Step: Sendable {
        package var epsilon: Float
        package var keep: Float
        package var take: Float
        package var carry: Float

        package init(epsilon: Float, keep: Float, take: Float, carry: Float) {
            (self.epsilon, self.keep, self.take, self.carry) = (epsilon, keep, take, carry)
        }
    }

    private var total: Int { n + m }

    /// The rows of one of the four problems, its columns and the place of its first cost.
    private typealias Part = (rows: Range<Int>, first: Int, count: Int, matrix: Int)

    private var parts: [Part] {
        [
            (0..<n, n, m, 0), (n..<total, 0, n, n * m), (total..<total + n, 0, n, 2 * n * m),
            (total + n..<2 * total, n, m, 2 * n * m + n * n),
        ]
    }

    /// soft and next, [2 (n + m)], or of the first `rows` rows.
    ///
    /// - Parameters:
    ///   - inputs: Points [n + m, d]; columns [d, n] and then [d, m], or the costs [n, m], [m, n], [n, n] and [m, m]; log weights [n + m];
    ///     potentials [2 (n + m)].
    ///   - before: The potentials of a step before, [2 (n + m)].
    ///   - near: On the CPU, the columns that are near in each of the four problems.
    package func callAsFunction(
        _ inputs: SoftMinKernels.Inputs, before: BufferSlice, step: Step, rows: Int, soft: BufferSlice, next: BufferSlice,
        near: [NearColumns]? = nil, on device: Device
    ) throws {
        // Either half of the rows looks at 2 n m or n n + m m pairs.
        let pairs = rows > total ? total * total : 2 * n * m
        try device.run(
            "softmin_within", shape: [rows, n, m, d], reads: inputs.all + [before] + (near ?? []).flatMap(\.reads), writes: [soft, next],
            updates: (near ?? []).flatMap(\.updates),
            bytes: 4 * (cost == .matrix ? pairs : 2 * total * d) + 20 * rows, flops: pairs * (3 * d + 10),
            host: { pointers in
                let call = Shared(
                    (
                        points: pointers.read(0, as: Float.self), columns: pointers.read(1, as: Float.self),
                        weights: pointers.read(2, as: Float.self), potentials: pointers.read(3, as: Float.self),
                        before: pointers.read(4, as: Float.self), soft: pointers.write(0, as: Float.self),
                        next: pointers.write(1, as: Float.self)
                    ))
                @Sendable func sweep(_ part: Part, _ rows: Range<Int>, _ near: UnsafePointer<losskit_near>?) {
                    let (call, start, isOwn) = (call.value, part.rows.lowerBound, part.rows.lowerBound >= total)
                    var problem = losskit_softmin_problem(
                        power: cost.rawValue, epsilon: step.epsilon, n: Int64(part.rows.count), m: Int64(part.count), d: Int64(d),
                        points: call.points + (start - (isOwn ? total : 0)) * d,
                        columns: call.columns + (cost == .matrix ? part.matrix : part.first * d), log_weights: call.weights + part.first,
                        potentials: call.potentials + (isOwn ? total : 0) + part.first, near: near)
                    var epilogue = losskit_softmin_step(
                        keep: step.keep, take: step.take, carry: step.carry, own: call.potentials + start, before: call.before + start)
                    losskit_softmin(
                        &problem, &epilogue, Int64(rows.lowerBound - start), Int64(rows.upperBound - start), call.soft + start,
                        call.next + start)
                }
                if let near {
                    let lists = Shared(NearColumns.raw(near, pointers, reads: 5))
                    let pieces = parts.enumerated().flatMap { index, part in
                        NearColumns.pieces(of: part.rows.clamped(to: 0..<rows)).map { (index, $0) }
                    }
                    ThreadPool.forEach(pieces.count) { piece in
                        let (index, rows) = pieces[piece]
                        withUnsafePointer(to: lists.value[index]) { sweep(parts[index], rows, $0) }
                    }
                } else {
                    let grain = Swift.max(1, 1 << 15 / (Swift.max(n, m) * Swift.max(d, 4)))
                    ThreadPool.forEachChunk(of: rows, minimumPerChunk: grain) { chunk in
                        for part in parts where part.rows.overlaps(chunk) { sweep(part, chunk.clamped(to: part.rows), nil) }
                    }
                }
            },
            openCL: { encoder in
                try encoder.launch(
                    "softmin_within", in: "transport",
                    arguments: inputs.arguments + [
                        .buffer(before), .buffer(soft), .buffer(next), .int32(cost.rawValue), .float(step.epsilon), .float(step.keep),
                        .float(step.take), .float(step.carry), .count(n), .count(total), .count(d), .count(rows),
                    ], global: [rows], local: [min(16, encoder.traits.maxWorkGroupSize)])
            })
    }
}
