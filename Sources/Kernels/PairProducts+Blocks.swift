import CLossKitHost
import LossKitDevice

extension PairProducts {
    /// Two sets of points less their common mean, x first, and their squared lengths, in memory of the host.
    package struct CentredPoints: Sendable {
        fileprivate let shared: Shared<Centred>
    }

    /// The points as all blocks read them.
    func centred(x: BufferSlice, y: BufferSlice, on device: Device) throws -> CentredPoints {
        let centred = try device.run(
            "pair_centre", shape: [n, m, d], reads: [x, y], bytes: 8 * (n + m) * d, numbers: { (_: Shared<Centred>) in [] },
            host: { pointers in Shared(try Centred(x: pointers.read(0), y: pointers.read(1), n: n, m: m, d: d)) },
            openCL: { encoder in
                var result: Shared<Centred>?
                try encoder.withHostAccess(to: [x, y]) { pointers in
                    result = Shared(
                        try Centred(
                            x: pointers[0].assumingMemoryBound(to: Float.self), y: pointers[1].assumingMemoryBound(to: Float.self), n: n,
                            m: m, d: d))
                }
                guard let result else { throw DeviceError.invalidLaunch(kernel: "pair_centre", problem: "no points") }
                return result
            })
        return CentredPoints(shared: centred)
    }

    /// The distances [rows, m] of a block of x to all y.
    func blockDistances(
        _ rows: Range<Int>, of centred: CentredPoints, x: BufferSlice, y: BufferSlice, into out: BufferSlice, on device: Device
    ) throws {
        let count = rows.count
        try run(
            "pair_block", reads: [x.advanced(by: rows.lowerBound * d), y], write: out, bytes: 4 * (count * d + m * d + count * m),
            flops: 2 * count * m * d, on: device
        ) { reads, out in
            let (points, norms) = (centred.shared.value.points, centred.shared.value.norms)
            sgemm(true, count, m, d, -2, points + rows.lowerBound * d, points + n * d, 0, out, m)
            let call = Shared((x: reads[0], y: reads[1], norms: norms + rows.lowerBound, others: norms + n, out: out))
            let (metric, m, d) = (metric, m, d)
            ThreadPool.forEachChunk(of: count, minimumPerChunk: 8) { chunk in
                losskit_pair_combine(
                    metric, call.value.x, call.value.y, call.value.norms, call.value.others, Int64(chunk.lowerBound),
                    Int64(chunk.upperBound), 0, Int64(m), Int64(d), call.value.out)
            }
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
            let (points, norms) = (centred.shared.value.points, centred.shared.value.norms)
            let targets = (dx: dx.map { _ in pointers[4] }, dy: dy.map { _ in pointers[dx == nil ? 4 : 5] })
            let call = Shared((given: pointers, targets: targets, points: points, norms: norms))
            let (metric, n, m, d) = (metric, n, m, d)
            ThreadPool.forEachChunk(of: m, minimumPerChunk: max(16, 1 << 15 / count)) { chunk in
                let (given, norms) = (call.value.given, call.value.norms)
                losskit_pair_block_columns(
                    metric, first > 0 ? 1 : 0, given[2], given[0], given[1], call.value.points + n * d, norms + first, norms + n,
                    Int64(count), Int64(chunk.lowerBound), Int64(chunk.upperBound), Int64(m), Int64(d), given[3], call.value.targets.dy)
            }
            ThreadPool.forEachChunk(of: count, minimumPerChunk: max(1, 1 << 15 / m)) { chunk in
                let (given, norms) = (call.value.given, call.value.norms)
                losskit_pair_block_rows(
                    metric, given[2], given[0], given[1], call.value.points + first * d, norms + first, norms + n,
                    Int64(chunk.lowerBound), Int64(chunk.upperBound), Int64(m), Int64(d), given[3], call.value.targets.dx)
            }
            if let dx = targets.dx { sgemm(false, count, d, m, -1, pointers[3], points + n * d, 1, dx, d) }
            if let dy = targets.dy { addTransposedProduct(count, pointers[3], points + first * d, to: dy) }
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

    /// dy -= weight^T x of a block's weights [count, m] and centred points [count, d].
    private func addTransposedProduct(
        _ count: Int, _ weight: UnsafePointer<Float>, _ points: UnsafePointer<Float>, to dy: UnsafeMutablePointer<Float>
    ) {
        let (rowMajor, plain, transposed): (Int32, Int32, Int32) = (101, 111, 112)
        BLAS.shared?.sgemm(
            rowMajor, transposed, plain, Int32(m), Int32(d), Int32(count), -1, weight, Int32(m), points, Int32(d), 1, dy, Int32(d))
    }
}
