import CLossKitHost
import LossKitDevice

/// What lies between all pairs of two sets of float32 points, x [n, d] and y [m, d], a block of rows at a time: never the whole matrix.
///
/// Products and, in enough dimensions, distances are matrix products of the block; the backward pass computes each block again.
package struct PairBlocks: Sendable {
    /// What a pair's value is.
    package enum Measure: Sendable {
        /// x_i . y_j.
        case dot
        case squaredEuclidean
        case euclidean
    }

    package let measure: Measure
    package let n: Int
    package let m: Int
    package let d: Int
    /// Rows whose values are held at a time.
    package let rowsAtOnce: Int
    private let x: BufferSlice
    private let y: BufferSlice
    private let yTransposed: BufferSlice
    private let products: PairProducts?
    private let centred: PairProducts.CentredPoints?
    private let device: Device

    /// Bytes of a block that stay in a cache.
    private static let blockBytes = 1 << 22

    /// - Parameter yTransposed: y as [d, m], which CPUs read where distances are taken directly; elsewhere it may be y itself.
    package init(
        _ measure: Measure, n: Int, m: Int, d: Int, x: BufferSlice, y: BufferSlice, yTransposed: BufferSlice, on device: Device
    ) throws {
        (self.measure, self.n, self.m, self.d, self.device) = (measure, n, m, d, device)
        (self.x, self.y, self.yTransposed) = (x, y, yTransposed)
        rowsAtOnce = max(8, min(n, Self.blockBytes / 4 / max(1, m), 512))
        products = Self.products(measure, n: n, m: m, d: d, on: device)
        centred = try products?.centred(x: x, y: y, on: device)
    }

    /// Whether distances are taken directly, so that `yTransposed` is read on CPUs.
    package static func readsTransposed(_ measure: Measure, n: Int, m: Int, d: Int, on device: Device) -> Bool {
        measure != .dot && products(measure, n: n, m: m, d: d, on: device) == nil && (device.kind == .cpu || device.kind == .openCLCPU)
    }

    private static func products(_ measure: Measure, n: Int, m: Int, d: Int, on device: Device) -> PairProducts? {
        switch measure {
        case .dot: nil
        case .squaredEuclidean: PairProducts(.squaredEuclidean, n: n, m: m, d: d, on: device)
        case .euclidean: PairProducts(.euclidean, n: n, m: m, d: d, on: device)
        }
    }

    /// Runs `body` for each block of rows in turn with memory for its values.
    package func forEachBlock(_ body: (_ rows: Range<Int>, _ values: BufferSlice) throws -> Void) throws {
        guard n > 0, m > 0 else { return }
        let values = try block()
        for begin in stride(from: 0, to: n, by: rowsAtOnce) { try body(begin..<min(n, begin + rowsAtOnce), values) }
    }

    /// Memory for a number of each pair of a block.
    package func block() throws -> BufferSlice {
        BufferSlice(try Buffer(byteCount: 4 * min(n, rowsAtOnce) * m, on: device), elementSize: 4)
    }

    /// The values of a block [rows, m].
    package func values(of rows: Range<Int>, into values: BufferSlice) throws {
        let points = x.advanced(by: rows.lowerBound * d)
        if measure == .dot {
            try Matmul(batch: 1, m: rows.count, n: m, k: d, isDouble: false).run(
                Self.matrix(points, d, 1), Self.matrix(y, 1, d), into: values, on: device)
        } else if let products, let centred {
            try products.blockDistances(rows, of: centred, x: x, y: y, into: values, on: device)
        } else {
            try PairKernels(n: rows.count, m: m, d: d).distances(
                measure == .euclidean ? .euclidean : .squaredEuclidean, x: points, y: y, yTransposed: yTransposed, into: values, on: device)
        }
    }

    /// From the derivatives `weight` [rows, m] with respect to a block's values: those of its x into `dx`, and those of all y, added to
    /// what the blocks before have left in `dy`. The weights are used up.
    package func pullback(
        _ rows: Range<Int>, values: BufferSlice, weight: BufferSlice, dx: BufferSlice?, dy: BufferSlice?
    ) throws {
        let (count, isFirst) = (rows.count, rows.lowerBound == 0)
        let points = x.advanced(by: rows.lowerBound * d)
        let result = dx?.advanced(by: rows.lowerBound * d)
        if measure == .dot {
            if let result {
                try Matmul(batch: 1, m: count, n: d, k: m, isDouble: false).run(
                    Self.matrix(weight, m, 1), Self.matrix(y, d, 1), into: result, on: device)
            }
            if let dy {
                var product = Matmul(batch: 1, m: m, n: d, k: count, isDouble: false)
                product.accumulates = !isFirst
                try product.run(Self.matrix(weight, 1, m), Self.matrix(points, d, 1), into: dy, on: device)
            }
        } else if let products, let centred {
            try products.blockPullback(rows, of: centred, x: x, y: y, values: values, weight: weight, dx: dx, dy: dy, on: device)
        } else {
            try coefficients(values, count: count * m, weight)
            if let result {
                try PairKernels(n: count, m: m, d: d).differences(
                    .plain, x: points, y: y, weight: weight, rowStride: m, columnStride: 1, batchStride: 0, into: result, on: device)
            }
            if let dy {
                try PairKernels(n: m, m: count, d: d).differences(
                    .plain, x: y, y: points, weight: weight, rowStride: 1, columnStride: m, batchStride: 0, into: dy,
                    accumulates: !isFirst, on: device)
            }
        }
    }

    private static func matrix(_ slice: BufferSlice, _ rowStride: Int, _ columnStride: Int) -> MatrixOperand {
        MatrixOperand(slice: slice, rowStride: rowStride, columnStride: columnStride, batchStride: 0)
    }

    /// Derivatives with respect to distances become the factors of the points' differences.
    private func coefficients(_ values: BufferSlice, count: Int, _ weight: BufferSlice) throws {
        let metric: Int32 = measure == .euclidean ? 1 : 0
        try device.run(
            "pair_coefficients", shape: [count], reads: [values], writes: [], updates: [weight], bytes: 12 * count,
            host: { pointers in
                let call = Shared((pointers.read(0, as: Float.self), pointers.update(0, as: Float.self)))
                ThreadPool.forEachChunk(of: count, minimumPerChunk: 1 << 14) { chunk in
                    let (values, weight) = call.value
                    losskit_pair_coefficients(metric, values + chunk.lowerBound, Int64(chunk.count), weight + chunk.lowerBound)
                }
            },
            openCL: { encoder in
                try encoder.launch(
                    "coefficients", in: "pairwise", arguments: [.buffer(values), .buffer(weight), .int32(metric), .count(count)],
                    global: [count], local: [min(64, encoder.traits.maxWorkGroupSize)])
            })
    }
}
