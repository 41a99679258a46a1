import CLossKitHost
import LossKitDevice

/// Sums over all pairs of two sets of float32 points, x [n, d] and y [m, d], for each of a batch.
package struct PairKernels: Sendable {
    /// What lies between two points.
    package enum Metric: Int32, Sendable { case squaredEuclidean = 0, euclidean, manhattan, chebyshev }

    /// What is summed over pairs.
    package enum Difference: Sendable {
        /// x_i - y_j.
        case plain
        /// The signs of its coordinates.
        case signs
        /// The sign of its largest coordinate (the first of equals), in that coordinate.
        case extremes
    }

    package var batch: Int
    package var n: Int
    package var m: Int
    package var d: Int

    package init(batch: Int = 1, n: Int, m: Int, d: Int) {
        self.batch = batch
        self.n = n
        self.m = m
        self.d = d
    }

    /// Points of x that are worth a dispatch to another thread.
    private var rowsAtOnce: Int { max(1, 1 << 16 / max(1, m * max(d, 1))) }
    private var flops: Int { 3 * batch * n * m * d }

    /// Shares the rows of all of the batch among the threads.
    private func forEachRows(_ minimum: Int, _ body: @escaping @Sendable (_ entry: Int, _ begin: Int64, _ end: Int64) -> Void) {
        let n = n
        ThreadPool.forEachChunk(of: batch * n, minimumPerChunk: minimum) { rows in
            for entry in rows.lowerBound / n...(rows.upperBound - 1) / n {
                let own = rows.clamped(to: entry * n..<(entry + 1) * n)
                body(entry, Int64(own.lowerBound - entry * n), Int64(own.upperBound - entry * n))
            }
        }
    }

    /// All distances [batch, n, m]; y lies both ways, [m, d] for a GPU and transposed [d, m] for a CPU.
    package func distances(
        _ metric: Metric, x: BufferSlice, y: BufferSlice, yTransposed: BufferSlice, into out: BufferSlice, on device: Device
    ) throws {
        guard batch > 0, n > 0, m > 0 else { return }
        try device.run(
            "pair_distances", shape: [batch, n, m, d], reads: [x, y, yTransposed], writes: [out],
            bytes: 4 * batch * (n * d + m * d + n * m), flops: flops,
            host: { pointers in
                let call = Shared(Call(x: pointers.read(0), y: pointers.read(2), h: nil, out: pointers.write(0)))
                let (n, m, d) = (n, m, d)
                forEachRows(max(4, rowsAtOnce)) { entry, begin, end in
                    losskit_pair_distances(
                        metric.rawValue, call.x + entry * n * d, call.y + entry * m * d, begin, end, Int64(m), Int64(d),
                        call.out + entry * n * m)
                }
            },
            openCL: { encoder in
                let sizes: [KernelArgument] = [.int32(metric.rawValue), .count(n), .count(m), .count(d)]
                if encoder.traits.isCPU {
                    try encoder.launch(
                        "distances_by_vectors", in: "pairwise", arguments: [.buffer(x), .buffer(yTransposed), .buffer(out)] + sizes,
                        global: [(m + 15) / 16, n, batch], local: nil)
                } else {
                    try encoder.launch(
                        "distances", in: "pairwise", arguments: [.buffer(x), .buffer(y), .buffer(out)] + sizes, global: [m, n, batch],
                        local: [min(64, encoder.traits.maxWorkGroupSize), 1, 1])
                }
            })
    }

    /// out[i] = sum over j of weight[i, j] times what is between x_i and y_j, [batch, n, d]; the weight matrices by strides.
    ///
    /// - Parameter accumulates: Whether the sums are added to what `out` holds; not for extremes.
    package func differences(
        _ kind: Difference, x: BufferSlice, y: BufferSlice, weight: BufferSlice, rowStride: Int, columnStride: Int, batchStride: Int,
        into out: BufferSlice, accumulates: Bool = false, on device: Device
    ) throws {
        guard batch > 0, n > 0, d > 0 else { return }
        try device.run(
            "pair_differences", shape: [batch, n, m, d], reads: [x, y, weight], writes: accumulates ? [] : [out],
            updates: accumulates ? [out] : [],
            bytes: 4 * batch * (2 * n * d + m * d + n * m), flops: flops,
            host: { pointers in
                let call = Shared(
                    Call(
                        x: pointers.read(0), y: pointers.read(1), h: pointers.read(2),
                        out: accumulates ? pointers.update(0) : pointers.write(0)))
                let (n, m, d) = (n, m, d)
                forEachRows(rowsAtOnce) { entry, begin, end in
                    guard let weight = call.h.map({ $0 + entry * batchStride }) else { return }
                    let (x, y, out) = (call.x + entry * n * d, call.y + entry * m * d, call.out + entry * n * d)
                    let (row, column) = (Int64(rowStride), Int64(columnStride))
                    if kind == .extremes {
                        losskit_pair_extremes(x, y, weight, row, column, begin, end, Int64(m), Int64(d), out)
                    } else {
                        losskit_pair_differences(
                            kind == .signs ? 1 : 0, accumulates ? 1 : 0, x, y, weight, row, column, begin, end, Int64(m), Int64(d), out)
                    }
                }
            },
            openCL: { encoder in
                let buffers: [KernelArgument] = [.buffer(x), .buffer(y), .buffer(weight), .buffer(out)]
                let sizes: [KernelArgument] = [
                    .count(n), .count(m), .count(d), .count(rowStride), .count(columnStride), .count(batchStride),
                ]
                if kind == .extremes {
                    try encoder.launch(
                        "weighted_extremes", in: "coordinate_pairs", arguments: buffers + sizes, global: [n, batch],
                        local: [min(16, encoder.traits.maxWorkGroupSize), 1])
                } else {
                    try encoder.launch(
                        "weighted_differences", in: "pairwise",
                        arguments: buffers + [.int32(kind == .signs ? 1 : 0), .int32(accumulates ? 1 : 0)] + sizes,
                        global: [encoder.traits.isCPU ? (d + 15) / 16 : d, n, batch], local: nil)
                }
            })
    }

    private struct Call {
        let x: UnsafePointer<Float>
        let y: UnsafePointer<Float>
        let h: UnsafePointer<Float>?
        let out: UnsafeMutablePointer<Float>
    }
}
