import CLossKitHost
import LossKitDevice

extension PairProducts {
    /// Two sets of points less their common mean, x first, and their squared lengths, in memory of the host.
    package struct CentredPoints: Sendable {
        fileprivate let shared: Shared<(centred: Centred, panels: Panels)>
    }

    /// The points as all blocks read them.
    func centred(x: BufferSlice, y: BufferSlice, on device: Device) throws -> CentredPoints {
        typealias Points = Shared<(centred: Centred, panels: Panels)>
        func laidOut(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>) throws -> Points {
            let centred = try Centred(x: x, y: y, n: n, m: m, d: d)
            return Shared((centred, try Panels(centred.points + n * d, m: m, d: d)))
        }
        let points = try device.run(
            "pair_centre", shape: [n, m, d], reads: [x, y], bytes: 8 * (n + m) * d, numbers: { (_: Points) in [] },
            host: { pointers in try laidOut(pointers.read(0), pointers.read(1)) },
            openCL: { encoder in
                var result: Points?
                try encoder.withHostAccess(to: [x, y]) { pointers in
                    result = try laidOut(pointers[0].assumingMemoryBound(to: Float.self), pointers[1].assumingMemoryBound(to: Float.self))
                }
                guard let result else { throw DeviceError.invalidLaunch(kernel: "pair_centre", problem: "no points") }
                return result
            })
        return CentredPoints(shared: points)
    }

    /// The distances [rows, m] of a block of x to all y.
    func blockDistances(
        _ rows: Range<Int>, of centred: CentredPoints, x: BufferSlice, y: BufferSlice, into out: BufferSlice, on device: Device
    ) throws {
        let count = rows.count
        try run(
            "pair_block", reads: [x.advanced(by: rows.lowerBound * d), y], writes: [out], bytes: 4 * (count * d + m * d + count * m),
            flops: 2 * count * m * d, on: device
        ) { reads, writes in
            let (points, panels) = centred.shared.value
            let first = rows.lowerBound
            // As if the block were all rows.
            products(
                0..<count, x: reads[0], y: reads[1], points: points.points + first * d, panels, points.norms + first,
                others: points.norms + n, isSymmetric: false, into: writes[0])
        }
    }

    /// From derivatives with respect to a block's distances those of its x into `dx` [n, d], and those of all y added to `dy`, from the
    /// second block on.
    func blockPullback(
        _ rows: Range<Int>, of centred: CentredPoints, x: BufferSlice, y: BufferSlice, values: BufferSlice, weight: BufferSlice,
        dx: BufferSlice?, dy: BufferSlice?, on device: Device
    ) throws {
        let (count, first) = (rows.count, rows.lowerBound)
        let slices = [x.advanced(by: first * d), y, values, weight] + [dx?.advanced(by: first * d), dy].compactMap { $0 }
        func body(_ pointers: [UnsafeMutablePointer<Float>]) {
            pull(
                PulledBlock(
                    first: first, count: count, cotangent: nil, rowStride: 0, columnStride: 0, values: pointers[2], weight: pointers[3],
                    x: pointers[0], y: pointers[1], dx: dx.map { _ in pointers[4] }, dy: dy.map { _ in pointers[dx == nil ? 4 : 5] }),
                of: centred.shared.value.centred)
        }
        try device.run(
            "pair_block_pullback", shape: [count, m, d], reads: [slices[0], y, values], writes: [], updates: Array(slices[3...]),
            bytes: 4 * (2 * count * m + 2 * (count + m) * d), flops: 4 * count * m * d,
            host: { pointers in
                body((0..<3).map { UnsafeMutablePointer(mutating: pointers.read($0)) } + (0..<slices.count - 3).map { pointers.update($0) })
            },
            openCL: { encoder in
                try encoder.withHostAccess(to: slices) { body($0.map { $0.assumingMemoryBound(to: Float.self) }) }
            })
    }

    /// Some rows' part in the derivatives of the points.
    struct PulledBlock {
        let first: Int
        let count: Int
        /// The derivatives with respect to distances by strides, or nil where they are the weights.
        let cotangent: UnsafePointer<Float>?
        let rowStride: Int
        let columnStride: Int
        /// The distances [count, m].
        let values: UnsafePointer<Float>
        /// [count, m], used up.
        let weight: UnsafeMutablePointer<Float>
        let x: UnsafePointer<Float>
        let y: UnsafePointer<Float>
        let dx: UnsafeMutablePointer<Float>?
        /// The first block starts its sums.
        let dy: UnsafeMutablePointer<Float>?
    }

    /// Adds a block's part: weights of the differences, and their products with the centred points both ways.
    func pull(_ block: PulledBlock, of centred: Centred) {
        guard let blas = BLAS.shared else { return }
        let (metric, n, m, d) = (metric, n, m, d)
        let (first, count, points) = (block.first, block.count, centred.points)
        let call = Shared((block: block, points: points, norms: centred.norms))
        ThreadPool.forEachChunk(of: m, minimumPerChunk: max(16, 1 << 15 / count)) { chunk in
            let (block, points, norms) = call.value
            losskit_pair_block_columns(
                metric, first > 0 ? 1 : 0, block.cotangent, Int64(block.rowStride), Int64(block.columnStride), block.values, block.x,
                block.y, points + n * d, norms + first, norms + n, Int64(count), Int64(chunk.lowerBound), Int64(chunk.upperBound),
                Int64(m), Int64(d), block.weight, block.dy)
        }
        ThreadPool.forEachChunk(of: count, minimumPerChunk: max(1, 1 << 15 / m)) { chunk in
            let (block, points, norms) = call.value
            losskit_pair_block_rows(
                metric, block.values, block.x, block.y, points + first * d, norms + first, norms + n, Int64(chunk.lowerBound),
                Int64(chunk.upperBound), Int64(m), Int64(d), block.weight, block.dx)
        }
        // dx -= weight y and dy -= weight^T x of weights [count, m] and centred points.
        if let dx = block.dx {
            HostProduct(
                .init(block.weight, leading: m), .init(points + n * d, leading: d), into: dx, m: count, n: d, k: m, alpha: -1, beta: 1
            ).run(by: blas)
        }
        if let dy = block.dy {
            HostProduct(
                .init(block.weight, leading: m, isTransposed: true), .init(points + first * d, leading: d), into: dy, m: m, n: d, k: count,
                alpha: -1, beta: 1
            ).run(by: blas)
        }
    }
}
