import CLossKitHost
import LossKitDevice

/// Soft minima of a cost between n points and m columns, for each of a batch: online from float32 points in O(n + m) memory, or from
/// matrices.
///
/// A column's exponent is its log weight plus (potential - C) / epsilon.
package struct SoftMinKernels: Sendable {
    /// Where the cost C comes from.
    package enum Cost: Int32, Sendable {
        /// Matrices.
        case matrix = 0
        /// |x - y|.
        case distance = 1
        /// |x - y|^2 / 2.
        case halfSquare = 2
    }

    package var batch: Int
    package var n: Int
    package var m: Int
    /// Of points; 0 for matrices.
    package var d: Int
    package var cost: Cost

    package init(batch: Int, n: Int, m: Int, d: Int, cost: Cost) {
        (self.batch, self.n, self.m, self.d, self.cost) = (batch, n, m, d, cost)
    }

    /// What all rows read.
    package struct Inputs: Sendable {
        /// [batch, n, d].
        package var points: BufferSlice
        /// [batch, d, m]; for matrices [batch, n, m].
        package var columns: BufferSlice
        /// [batch, m].
        package var logWeights: BufferSlice
        /// [batch, m].
        package var potentials: BufferSlice

        package init(points: BufferSlice, columns: BufferSlice, logWeights: BufferSlice, potentials: BufferSlice) {
            (self.points, self.columns, self.logWeights, self.potentials) = (points, columns, logWeights, potentials)
        }

        var all: [BufferSlice] { [points, columns, logWeights, potentials] }
        var arguments: [KernelArgument] { all.map { .buffer($0) } }
    }

    private var rows: Int { batch * n }
    /// Points of a row that are worth a dispatch to another thread.
    private var rowsAtOnce: Int { max(1, 1 << 15 / (max(m, 1) * max(d, 4))) }
    private var columnBytes: Int { 4 * (cost == .matrix ? rows * m : batch * m * d) }

    private func problem(_ pointers: HostPointers, epsilon: Float) -> losskit_softmin_problem {
        losskit_softmin_problem(
            power: cost.rawValue, epsilon: epsilon, n: Int64(n), m: Int64(m), d: Int64(d), points: pointers.read(0),
            columns: pointers.read(1), log_weights: pointers.read(2), potentials: pointers.read(3), near: nil)
    }

    /// soft = -epsilon log sum exp(exponents) and next = keep own + take soft, all [batch, n]; on the CPU of those columns that are near.
    package func callAsFunction(
        _ inputs: Inputs, own: BufferSlice, epsilon: Float, keep: Float, take: Float, soft: BufferSlice, next: BufferSlice,
        near: NearColumns? = nil, on device: Device
    ) throws {
        try device.run(
            "softmin", shape: [batch, n, m, d], reads: inputs.all + [own] + (near?.reads ?? []), writes: [soft, next],
            updates: near?.updates ?? [],
            bytes: columnBytes + 4 * (rows * d + 2 * batch * m + 3 * rows), flops: rows * m * (3 * d + 10),
            host: { pointers in
                let call = Shared(
                    (
                        problem: problem(pointers, epsilon: epsilon),
                        step: losskit_softmin_step(keep: keep, take: take, carry: 0, own: pointers.read(4), before: nil),
                        soft: pointers.write(0, as: Float.self), next: pointers.write(1, as: Float.self)
                    ))
                ThreadPool.forEachChunk(of: rows, minimumPerChunk: rowsAtOnce, near: near?.raw(pointers, reads: 5)) { chunk, near in
                    var (problem, step) = (call.value.problem, call.value.step)
                    problem.near = near
                    losskit_softmin(
                        &problem, &step, Int64(chunk.lowerBound), Int64(chunk.upperBound), call.value.soft, call.value.next)
                }
            },
            openCL: { encoder in
                try encoder.launch(
                    "softmin", in: "transport",
                    arguments: inputs.arguments + [
                        .buffer(own), .buffer(soft), .buffer(next), .int32(cost.rawValue), .float(epsilon), .float(keep), .float(take),
                        .count(n), .count(m), .count(d), .count(rows),
                    ], global: [rows], local: [min(16, encoder.traits.maxWorkGroupSize)])
            })
    }

    /// out [batch, n, d] = sum over columns of the soft minimum's weights, which sum to 1, times the cost's derivative for the row's point.
    package func costGradient(_ inputs: Inputs, epsilon: Float, into out: BufferSlice, on device: Device) throws {
        guard d > 0 else { return }
        try device.run(
            "softmin_differences", shape: [batch, n, m, d], reads: inputs.all, writes: [out],
            bytes: columnBytes + 4 * (2 * rows * d + 2 * batch * m), flops: rows * m * (6 * d + 10),
            host: { pointers in
                let call = Shared((problem: problem(pointers, epsilon: epsilon), out: pointers.write(0, as: Float.self)))
                ThreadPool.forEachChunk(of: rows, minimumPerChunk: rowsAtOnce) { chunk in
                    withUnsafePointer(to: call.value.problem) {
                        losskit_softmin_differences($0, Int64(chunk.lowerBound), Int64(chunk.upperBound), call.value.out)
                    }
                }
            },
            openCL: { encoder in
                try encoder.launch(
                    "softmin_differences", in: "transport",
                    arguments: inputs.arguments + [
                        .buffer(out), .int32(cost.rawValue), .float(epsilon), .count(n), .count(m), .count(d), .count(rows),
                    ], global: [rows], local: [min(16, encoder.traits.maxWorkGroupSize)])
            })
    }
}
