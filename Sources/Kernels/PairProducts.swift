import CLossKitHost
import LossKitDevice

/// (Squared) Euclidean distances and their derivatives by matrix products, where there are enough coordinates for that to pay.
///
/// `|x - y|^2 = |x|^2 + |y|^2 - 2 x.y` of points taken from their common mean; what would cancel is computed from the differences.
/// On the CPU and on OpenCL devices that are CPUs, with OpenBLAS.
package struct PairProducts: Sendable {
    package let isRoot: Bool
    package let n: Int
    package let m: Int
    package let d: Int

    /// Rows whose distances or weights are looked at while they are still in a cache.
    private let rowsAtOnce = 256

    /// Nil where differences are faster or there is no BLAS.
    package init?(_ metric: PairKernels.Metric, n: Int, m: Int, d: Int, on device: Device) {
        guard metric == .squaredEuclidean || metric == .euclidean, d >= 32, min(n, m) >= 16, max(n, m, d) <= Int(Int32.max),
            device.kind == .cpu || device.kind == .openCLCPU, BLAS.shared != nil
        else { return nil }
        isRoot = metric == .euclidean
        (self.n, self.m, self.d) = (n, m, d)
    }

    var metric: Int32 { isRoot ? PairKernels.Metric.euclidean.rawValue : PairKernels.Metric.squaredEuclidean.rawValue }

    /// All distances [n, m] of x [n, d] and y [m, d]; of one set to itself each pair is computed once.
    package func distances(x: BufferSlice, y: BufferSlice, isSymmetric: Bool, into out: BufferSlice, on device: Device) throws {
        try run(
            "pair_distances", reads: [x, y], writes: [out], bytes: 4 * (n * d + m * d + n * m),
            flops: 2 * n * m * d / (isSymmetric ? 2 : 1), on: device
        ) { reads, writes in
            let (x, y, out) = (reads[0], reads[1], writes[0])
            let centred = try Centred(x: x, y: y, n: n, m: m, d: d)
            let panels = try Panels(centred.points + n * d, m: m, d: d)
            defer { withExtendedLifetime((centred, panels)) {} }
            products(
                0..<n, x: x, y: y, points: centred.points, panels, centred.norms, others: centred.norms + n, isSymmetric: isSymmetric,
                into: out)
            guard isSymmetric else { return }
            let (matrix, m) = (Shared(out), m)
            ThreadPool.forEachChunk(of: n, minimumPerChunk: 32) { rows in
                losskit_pair_mirror(Int64(rows.lowerBound), Int64(rows.upperBound), Int64(m), matrix.value)
            }
        }
    }

    /// The derivatives with respect to x and y, as far as they are wanted, given the distances [n, m] and their cotangent by strides.
    package func gradients(
        x: BufferSlice, y: BufferSlice, cotangent: BufferSlice, rowStride: Int, columnStride: Int, distances: BufferSlice, dx: BufferSlice?,
        dy: BufferSlice?, on device: Device
    ) throws {
        try run(
            "pair_differences", reads: [x, y, cotangent, distances], writes: [dx, dy].compactMap { $0 },
            bytes: 4 * (2 * n * d + 2 * m * d + 2 * n * m), flops: 4 * n * m * d, on: device
        ) { reads, writes in
            let centred = try Centred(x: reads[0], y: reads[1], n: n, m: m, d: d)
            let weights = try Buffer(byteCount: 4 * min(rowsAtOnce, n) * m, on: .cpu)
            defer { withExtendedLifetime((centred, weights)) {} }
            guard let weight = weights.hostPointer?.assumingMemoryBound(to: Float.self) else { return }
            let (first, second) = (dx == nil ? nil : writes[0], dy == nil ? nil : writes[dx == nil ? 0 : 1])
            for begin in stride(from: 0, to: n, by: rowsAtOnce) {
                pull(
                    PulledBlock(
                        first: begin, count: min(rowsAtOnce, n - begin), cotangent: reads[2] + begin * rowStride, rowStride: rowStride,
                        columnStride: columnStride, values: reads[3] + begin * m, weight: weight, x: reads[0] + begin * d, y: reads[1],
                        dx: first.map { $0 + begin * d }, dy: second), of: centred)
            }
        }
    }

    /// Distances [rows, m] of rows of x, given these centred, with their norms and those of all y.
    func products(
        _ rows: Range<Int>, x: UnsafePointer<Float>, y: UnsafePointer<Float>, points: UnsafePointer<Float>, _ panels: Panels,
        _ norms: UnsafePointer<Float>, others: UnsafePointer<Float>, isSymmetric: Bool, into out: UnsafeMutablePointer<Float>
    ) {
        let call = Shared((x: x, y: y, points: points, panels: panels.values, norms: norms, others: others, out: out))
        let (metric, m, d) = (metric, m, d)
        ThreadPool.forEachChunk(of: rows.count, minimumPerChunk: max(8, 1 << 18 / (m * d))) { chunk in
            let (x, y, points, panels, norms, others, out) = call.value
            losskit_pair_products(
                metric, isSymmetric ? 1 : 0, x, y, points, panels, norms, others, Int64(rows.lowerBound + chunk.lowerBound),
                Int64(rows.lowerBound + chunk.upperBound), Int64(m), Int64(d), out)
        }
    }

    func run(
        _ name: StaticString, reads: [BufferSlice], writes: [BufferSlice], bytes: Int, flops: Int, on device: Device,
        _ body: ([UnsafePointer<Float>], [UnsafeMutablePointer<Float>]) throws -> Void
    ) throws {
        try device.run(
            name, shape: [n, m, d], reads: reads, writes: writes, bytes: bytes, flops: flops,
            host: { pointers in try body(reads.indices.map { pointers.read($0) }, writes.indices.map { pointers.write($0) }) },
            openCL: { encoder in
                try encoder.withHostAccess(to: reads + writes) { pointers in
                    let floats = pointers.map { $0.assumingMemoryBound(to: Float.self) }
                    try body(floats[..<reads.count].map { UnsafePointer($0) }, Array(floats[reads.count...]))
                }
            })
    }
}

/// Centred points y as products read them.
struct Panels {
    let values: UnsafeMutablePointer<Float>
    private let memory: Buffer

    init(_ points: UnsafePointer<Float>, m: Int, d: Int) throws {
        memory = try Buffer(byteCount: 4 * (m + 16) * d, on: .cpu)
        guard let floats = memory.hostPointer?.assumingMemoryBound(to: Float.self) else {
            throw DeviceError.invalidLaunch(kernel: "pair_pack", problem: "no points")
        }
        values = floats
        let call = Shared((points: points, values: floats))
        let panel = Int(losskit_pair_panel)
        ThreadPool.forEachChunk(of: (m + panel - 1) / panel, minimumPerChunk: max(1, 1 << 13 / (panel * d))) { chunk in
            losskit_pair_pack(
                call.value.points, Int64(chunk.lowerBound * panel), Int64(min(m, chunk.upperBound * panel)), Int64(m), Int64(d),
                call.value.values)
        }
    }
}

/// Both sets of points less their common mean, x first, and their squared lengths.
struct Centred {
    let points: UnsafeMutablePointer<Float>
    let norms: UnsafeMutablePointer<Float>
    private let memory: Buffer

    /// - Parameter fixed: Stands for the mean in all coordinates.
    init(x: UnsafePointer<Float>, y: UnsafePointer<Float>, n: Int, m: Int, d: Int, at fixed: Float? = nil) throws {
        memory = try Buffer(byteCount: 4 * (n + m) * (d + 1) + 4 * d, on: .cpu)
        guard let floats = memory.hostPointer?.assumingMemoryBound(to: Float.self) else {
            throw DeviceError.invalidLaunch(kernel: "pair_centre", problem: "no points")
        }
        (points, norms) = (floats, floats + (n + m) * d)
        let centre = norms + n + m
        // Any point near the middle will do; one that is not finite must not spread to the others.
        for k in 0..<d {
            var (sum, count) = (0.0, 0.0)
            for (set, rows) in [(x, n), (y, m)] {
                for i in stride(from: 0, to: rows, by: max(1, rows / 256)) where set[i * d + k].isFinite {
                    sum += Double(set[i * d + k])
                    count += 1
                }
            }
            centre[k] = fixed ?? (count > 0 ? Float(sum / count) : 0)
        }
        let call = Shared((x: x, y: y, centre: centre, points: points, norms: norms))
        ThreadPool.forEachChunk(of: n + m, minimumPerChunk: max(1, 1 << 14 / d)) { rows in
            let (first, second) = (rows.clamped(to: 0..<n), rows.clamped(to: n..<n + m))
            losskit_pair_centre(
                call.value.x, call.value.centre, Int64(first.lowerBound), Int64(first.upperBound), Int64(d), call.value.points,
                call.value.norms)
            losskit_pair_centre(
                call.value.y, call.value.centre, Int64(second.lowerBound - n), Int64(second.upperBound - n), Int64(d),
                call.value.points + n * d, call.value.norms + n)
        }
    }
}
