import CLossKitHost
import LossKitDevice

/// Soft minima of a cost between two sets of float32 points, n of one and then m of another, and within each set: all in one launch, in
/// O(n + m) memory.
///
/// Row r < n + m is point r against the other set, row n + m + r point r against its own.
/// A column's exponent is its log weight plus (potential - C) / epsilon, C = |x - y|^2 / 2 (power 2) or |x - y| (power 1).
package struct SoftMinKernels: Sendable {
    package var n: Int
    package var m: Int
    package var d: Int
    package var power: Int

    package init(n: Int, m: Int, d: Int, power: Int) {
        (self.n, self.m, self.d, self.power) = (n, m, d, power)
    }

    /// What all rows read.
    package struct Inputs: Sendable {
        /// [n + m, d], and by coordinates [d, n + m].
        package var points: BufferSlice
        package var columns: BufferSlice
        /// [n + m].
        package var logWeights: BufferSlice
        /// [2 (n + m)]: of the points against the other set, then against their own.
        package var potentials: BufferSlice

        package init(points: BufferSlice, columns: BufferSlice, logWeights: BufferSlice, potentials: BufferSlice) {
            (self.points, self.columns, self.logWeights, self.potentials) = (points, columns, logWeights, potentials)
        }

        fileprivate var all: [BufferSlice] { [points, columns, logWeights, potentials] }
        fileprivate var arguments: [KernelArgument] { all.map { .buffer($0) } }
    }

    private var total: Int { n + m }
    /// Points of a row that are worth a dispatch to another thread.
    private var rowsAtOnce: Int { max(1, 1 << 15 / (total * max(d, 4))) }

    private func problem(_ pointers: HostPointers, epsilon: Float) -> losskit_softmin_problem {
        losskit_softmin_problem(
            power: Int32(power), epsilon: epsilon, n: Int64(n), total: Int64(total), d: Int64(d), points: pointers.read(0),
            columns: pointers.read(1), log_weights: pointers.read(2), potentials: pointers.read(3))
    }

    /// soft = -epsilon log sum exp(exponents) and next = keep potentials + take soft, for the first `rows` rows.
    package func callAsFunction(
        _ inputs: Inputs, epsilon: Float, keep: Float, take: Float, rows: Int, soft: BufferSlice, next: BufferSlice, on device: Device
    ) throws {
        // Either half of the rows looks at 2 n m or n n + m m pairs.
        let pairs = rows > total ? total * total : 2 * n * m
        try device.run(
            "softmin", shape: [rows, n, m, d], reads: inputs.all, writes: [soft, next], bytes: 4 * (2 * total * d + 4 * rows),
            flops: pairs * (3 * d + 10),
            host: { pointers in
                let call = Shared(
                    (
                        problem: problem(pointers, epsilon: epsilon), soft: pointers.write(0, as: Float.self),
                        next: pointers.write(1, as: Float.self)
                    ))
                ThreadPool.forEachChunk(of: rows, minimumPerChunk: rowsAtOnce) { chunk in
                    withUnsafePointer(to: call.value.problem) {
                        losskit_softmin($0, keep, take, Int64(chunk.lowerBound), Int64(chunk.upperBound), call.value.soft, call.value.next)
                    }
                }
            },
            openCL: { encoder in
                try encoder.launch(
                    "softmin", in: "transport",
                    arguments: inputs.arguments + [
                        .buffer(soft), .buffer(next), .int32(Int32(power)), .float(epsilon), .float(keep), .float(take), .count(n),
                        .count(total), .count(d), .count(rows),
                    ], global: [rows], local: [min(16, encoder.traits.maxWorkGroupSize)])
            })
    }

    /// out = sum over columns of the soft minimum's weights, which sum to 1, times the cost's derivative for the row's point.
    package func costGradient(_ inputs: Inputs, epsilon: Float, rows: Range<Int>, into out: BufferSlice, on device: Device) throws {
        guard d > 0 else { return }
        try device.run(
            "softmin_differences", shape: [rows.count, n, m, d], reads: inputs.all, writes: [out],
            bytes: 4 * (2 * total * d + rows.count * (d + 2)), flops: rows.count * max(n, m) * (6 * d + 10),
            host: { pointers in
                let call = Shared((problem: problem(pointers, epsilon: epsilon), out: pointers.write(0, as: Float.self)))
                let first = rows.lowerBound
                ThreadPool.forEachChunk(of: rows.count, minimumPerChunk: rowsAtOnce) { chunk in
                    withUnsafePointer(to: call.value.problem) {
                        losskit_softmin_differences(
                            $0, Int64(first), Int64(first + chunk.lowerBound), Int64(first + chunk.upperBound), call.value.out)
                    }
                }
            },
            openCL: { encoder in
                try encoder.launch(
                    "softmin_differences", in: "transport",
                    arguments: inputs.arguments + [
                        .buffer(out), .int32(Int32(power)), .float(epsilon), .count(n), .count(total), .count(d), .count(rows.lowerBound),
                        .count(rows.count),
                    ], global: [rows.count], local: [min(16, encoder.traits.maxWorkGroupSize)])
            })
    }
}
