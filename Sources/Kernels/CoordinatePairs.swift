import CLossKitHost
import LossKitDevice

/// Distances that weigh each coordinate by itself, between all pairs of float32 points x [n, d] and y [m, d], for each of a batch.
package struct CoordinatePairs: Sendable {
    /// What lies between two points.
    package enum Metric: Int32, Sendable { case canberra = 0, brayCurtis, hamming, jensenShannon, kullbackLeibler }

    package var metric: Metric
    package var batch: Int
    package var n: Int
    package var m: Int
    package var d: Int

    package init(_ metric: Metric, batch: Int, n: Int, m: Int, d: Int) {
        self.metric = metric
        (self.batch, self.n, self.m, self.d) = (batch, n, m, d)
    }

    private var flops: Int { 6 * batch * n * m * d }

    /// Shares the rows of all of the batch among the threads.
    private func forEachRows(_ body: @escaping @Sendable (_ entry: Int, _ begin: Int64, _ end: Int64) -> Void) {
        let n = n
        ThreadPool.forEachChunk(of: batch * n, minimumPerChunk: max(1, 1 << 13 / max(1, m * max(d, 1)))) { rows in
            for entry in rows.lowerBound / n...(rows.upperBound - 1) / n {
                let own = rows.clamped(to: entry * n..<(entry + 1) * n)
                body(entry, Int64(own.lowerBound - entry * n), Int64(own.upperBound - entry * n))
            }
        }
    }

    /// All distances [batch, n, m].
    package func distances(x: BufferSlice, y: BufferSlice, into out: BufferSlice, on device: Device) throws {
        guard batch > 0, n > 0, m > 0 else { return }
        try device.run(
            "coordinate_distances", shape: [batch, n, m, d], reads: [x, y], writes: [out], bytes: 4 * batch * (n * d + m * d + n * m),
            flops: flops,
            host: { pointers in
                let call = Shared((pointers.read(0, as: Float.self), pointers.read(1, as: Float.self), pointers.write(0, as: Float.self)))
                let (code, n, m, d) = (metric.rawValue, n, m, d)
                forEachRows { entry, begin, end in
                    let (x, y, out) = call.value
                    losskit_coordinate_distances(
                        code, x + entry * n * d, y + entry * m * d, begin, end, Int64(m), Int64(d), out + entry * n * m)
                }
            },
            openCL: { encoder in
                try encoder.launch(
                    "coordinate_distances", in: "coordinate_pairs",
                    arguments: [.buffer(x), .buffer(y), .buffer(out), .int32(metric.rawValue), .count(n), .count(m), .count(d)],
                    global: [m, n, batch], local: [min(16, encoder.traits.maxWorkGroupSize), 1, 1])
            })
    }

    /// out[i] = sum over j of weight[i, j] times the derivative of the distance for x_i, [batch, n, d]; the weight matrices by strides.
    ///
    /// - Parameter isSwapped: Whether x_i is the second point of the distance.
    package func slopes(
        x: BufferSlice, y: BufferSlice, weight: BufferSlice, rowStride: Int, columnStride: Int, batchStride: Int, isSwapped: Bool,
        into out: BufferSlice, on device: Device
    ) throws {
        guard batch > 0, n > 0, d > 0 else { return }
        let swapped: Int32 = isSwapped ? 1 : 0
        try device.run(
            "coordinate_slopes", shape: [batch, n, m, d], reads: [x, y, weight], writes: [out],
            bytes: 4 * batch * (2 * n * d + m * d + n * m), flops: 2 * flops,
            host: { pointers in
                let call = Shared(
                    (
                        pointers.read(0, as: Float.self), pointers.read(1, as: Float.self), pointers.read(2, as: Float.self),
                        pointers.write(0, as: Float.self)
                    ))
                let (code, n, m, d) = (metric.rawValue, n, m, d)
                forEachRows { entry, begin, end in
                    let (x, y, weight, out) = call.value
                    losskit_coordinate_slopes(
                        code, swapped, x + entry * n * d, y + entry * m * d, weight + entry * batchStride, Int64(rowStride),
                        Int64(columnStride), begin, end, Int64(m), Int64(d), out + entry * n * d)
                }
            },
            openCL: { encoder in
                try encoder.launch(
                    "coordinate_slopes", in: "coordinate_pairs",
                    arguments: [
                        .buffer(x), .buffer(y), .buffer(weight), .buffer(out), .int32(metric.rawValue), .int32(swapped), .count(n),
                        .count(m),
                        .count(d), .count(rowStride), .count(columnStride), .count(batchStride),
                    ], global: [n, batch], local: [min(16, encoder.traits.maxWorkGroupSize), 1])
            })
    }
}
