import CLossKitHost
import LossKitDevice

/// Sums of exponentials over a cost's columns, their exponents formed in doubles, for each of a batch: where epsilon is so small that floats
/// lose what counts.
///
/// A column's exponent is its base, potential over epsilon plus log weight, less C / epsilon; the cost as in ``SoftMinKernels``.
package struct WideSoftMinKernels: Sendable {
    package var batch: Int
    package var n: Int
    package var m: Int
    /// Of points; 0 for matrices.
    package var d: Int
    package var cost: SoftMinKernels.Cost

    package init(batch: Int, n: Int, m: Int, d: Int, cost: SoftMinKernels.Cost) {
        (self.batch, self.n, self.m, self.d, self.cost) = (batch, n, m, d, cost)
    }

    /// What all rows read.
    package struct Inputs: Sendable {
        /// float32 [batch, n, d].
        package var points: BufferSlice
        /// float32 [batch, d, m]; for matrices [batch, n, m].
        package var columns: BufferSlice
        /// float64 [batch, m].
        package var bases: BufferSlice
        /// float64 [batch, n]: added to the exponents of rows that are to be filled, and about minus the log sums of others.
        package var own: BufferSlice

        package init(points: BufferSlice, columns: BufferSlice, bases: BufferSlice, own: BufferSlice) {
            (self.points, self.columns, self.bases, self.own) = (points, columns, bases, own)
        }

        var all: [BufferSlice] { [points, columns, bases, own] }
    }

    private var rows: Int { batch * n }
    private var rowsAtOnce: Int { Swift.max(4, 1 << 14 / (Swift.max(m, 1) * Swift.max(d, 4))) }
    private var bytes: Int { 4 * (cost == .matrix ? rows * m : batch * m * d) + 4 * rows * d + 8 * (batch * m + rows) }

    /// Whether a device has the arithmetic.
    package static func runs(on device: Device) -> Bool { device.traits?.hasFP64 ?? true }

    private func problem(_ pointers: HostPointers, epsilon: Double) -> losskit_wide_problem {
        losskit_wide_problem(
            power: cost.rawValue, inverse: 1 / epsilon, n: Int64(n), m: Int64(m), d: Int64(d), points: pointers.read(0),
            columns: pointers.read(1), bases: pointers.read(2), near: nil)
    }

    /// The log sums, float64 [batch, n]; on the CPU of those columns that are near.
    package func logSums(
        _ inputs: Inputs, epsilon: Double, into out: BufferSlice, near: NearColumns? = nil, on device: Device
    ) throws {
        try device.run(
            "wide_log_sums", shape: [batch, n, m, d], reads: inputs.all + (near?.reads ?? []), writes: [out], bytes: bytes + 8 * rows,
            flops: rows * m * (3 * d + 10),
            host: { pointers in
                let call = Shared(
                    (
                        problem: problem(pointers, epsilon: epsilon), own: pointers.read(3, as: Double.self),
                        out: pointers.write(0, as: Double.self)
                    ))
                ThreadPool.forEachChunk(of: rows, minimumPerChunk: rowsAtOnce, near: near?.raw(pointers, reads: 4)) { rows, near in
                    var problem = call.value.problem
                    problem.near = near
                    losskit_wide_log_sums(&problem, call.value.own, Int64(rows.lowerBound), Int64(rows.upperBound), call.value.out)
                }
            },
            openCL: { encoder in
                try encoder.launch(
                    "wide_log_sums", in: "transport",
                    arguments: inputs.all.map { .buffer($0) } + [
                        .buffer(out), .int32(cost.rawValue), .double(1 / epsilon), .count(n), .count(m), .count(d), .count(rows),
                    ], global: [rows], local: [Swift.min(16, encoder.traits.maxWorkGroupSize)])
            })
    }

    /// exp(own + exponent), float32 [batch, n, m], on the CPU alone.
    package func fill(_ inputs: Inputs, epsilon: Double, into kernel: BufferSlice) throws {
        try Device.cpu.run(
            "wide_kernel", shape: [batch, n, m, d], reads: inputs.all, writes: [kernel], bytes: bytes + 4 * rows * m,
            flops: rows * m * (2 * d + 10),
            host: { pointers in
                let call = Shared(
                    (
                        problem: problem(pointers, epsilon: epsilon), own: pointers.read(3, as: Double.self),
                        kernel: pointers.write(0, as: Float.self)
                    ))
                ThreadPool.forEachChunk(of: rows, minimumPerChunk: rowsAtOnce) { rows in
                    var problem = call.value.problem
                    losskit_wide_kernel(&problem, call.value.own, Int64(rows.lowerBound), Int64(rows.upperBound), call.value.kernel)
                }
            }, openCL: { _ in })
    }
}
