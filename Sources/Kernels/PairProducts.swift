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
    let sgemm: Product

    typealias Product =
        @Sendable (
            _ isTransposed: Bool, _ m: Int, _ n: Int, _ k: Int, _ alpha: Float, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
            _ beta: Float, _ c: UnsafeMutablePointer<Float>, _ leading: Int
        ) -> Void

    /// Rows whose distances or weights are looked at while they are still in a cache.
    private let rowsAtOnce = 256

    /// Nil where differences are faster or there is no BLAS.
    package init?(_ metric: PairKernels.Metric, n: Int, m: Int, d: Int, on device: Device) {
        guard metric == .squaredEuclidean || metric == .euclidean, d >= 32, min(n, m) >= 16, max(n, m, d) <= Int(Int32.max),
            device.kind == .cpu || device.kind == .openCLCPU, let function = BLAS.shared?.sgemm
        else { return nil }
        isRoot = metric == .euclidean
        (self.n, self.m, self.d) = (n, m, d)
        sgemm = { isTransposed, m, n, k, alpha, a, b, beta, c, leading in
            let (rowMajor, plain, transposed): (Int32, Int32, Int32) = (101, 111, 112)
            function(
                rowMajor, plain, isTransposed ? transposed : plain, Int32(m), Int32(n), Int32(k), alpha, a, Int32(k), b,
                Int32(isTransposed ? k : n), beta, c, Int32(leading))
        }
    }

    var metric: Int32 { isRoot ? PairKernels.Metric.euclidean.rawValue : PairKernels.Metric.squaredEuclidean.rawValue }

    /// All distances [n, m] of x [n, d] and y [m, d]; of one set to itself each pair is computed once.
    package func distances(x: BufferSlice, y: BufferSlice, isSymmetric: Bool, into out: BufferSlice, on device: Device) throws {
        try run(
            "pair_distances", reads: [x, y], write: out, bytes: 4 * (n * d + m * d + n * m), flops: 2 * n * m * d / (isSymmetric ? 2 : 1),
            on: device
        ) { reads, out in
            let (x, y) = (reads[0], reads[1])
            let centred = try Centred(x: x, y: y, n: n, m: m, d: d)
            defer { withExtendedLifetime(centred) {} }
            let call = Shared((out: out, x: x, y: y, norms: centred.norms, otherNorms: centred.norms + n))
            let (metric, m, d) = (metric, m, d)
            for begin in stride(from: 0, to: n, by: rowsAtOnce) {
                let (rows, first) = (min(rowsAtOnce, n - begin), isSymmetric ? begin : 0)
                sgemm(
                    true, rows, m - first, d, -2, centred.points + begin * d, centred.points + (n + first) * d, 0, out + begin * m + first,
                    m)
                ThreadPool.forEachChunk(of: rows, minimumPerChunk: 8) { chunk in
                    losskit_pair_combine(
                        metric, call.value.x, call.value.y, call.value.norms, call.value.otherNorms, Int64(begin + chunk.lowerBound),
                        Int64(begin + chunk.upperBound), Int64(first), Int64(m), Int64(d), call.value.out)
                }
            }
            guard isSymmetric else { return }
            ThreadPool.forEachChunk(of: n, minimumPerChunk: 32) { rows in
                losskit_pair_mirror(Int64(rows.lowerBound), Int64(rows.upperBound), Int64(m), call.value.out)
            }
        }
    }

    /// The derivative with respect to x [n, d], given the distances and their cotangent by the same strides.
    package func gradient(
        x: BufferSlice, y: BufferSlice, cotangent: BufferSlice, distance: BufferSlice, rowStride: Int, columnStride: Int,
        into out: BufferSlice, on device: Device
    ) throws {
        try run(
            "pair_differences", reads: [x, y, cotangent, distance], write: out, bytes: 4 * (2 * n * d + m * d + 2 * n * m),
            flops: 2 * n * m * d,
            on: device
        ) { reads, out in
            let centred = try Centred(x: reads[0], y: reads[1], n: n, m: m, d: d)
            let weights = try Buffer(byteCount: 4 * min(rowsAtOnce, n) * m, on: .cpu)
            defer { withExtendedLifetime((centred, weights)) {} }
            guard let weight = weights.hostPointer?.assumingMemoryBound(to: Float.self) else { return }
            let call = Shared((reads: reads, weight: weight, out: out, points: centred.points, norms: centred.norms))
            let (metric, m, d, n) = (metric, m, d, n)
            for begin in stride(from: 0, to: n, by: rowsAtOnce) {
                let rows = min(rowsAtOnce, n - begin)
                ThreadPool.forEachChunk(of: rows, minimumPerChunk: 8) { chunk in
                    let (reads, first) = (call.value.reads, begin + chunk.lowerBound)
                    losskit_pair_weights(
                        metric, reads[2], reads[3], Int64(rowStride), Int64(columnStride), reads[0], reads[1], call.value.points,
                        call.value.norms, call.value.norms + n, Int64(first), Int64(begin + chunk.upperBound), Int64(m), Int64(d),
                        call.value.weight + chunk.lowerBound * m, call.value.out)
                }
                sgemm(false, rows, d, m, -1, weight, centred.points + n * d, 1, out + begin * d, d)
            }
        }
    }

    func run(
        _ name: StaticString, reads: [BufferSlice], write: BufferSlice, bytes: Int, flops: Int, on device: Device,
        _ body: ([UnsafePointer<Float>], UnsafeMutablePointer<Float>) throws -> Void
    ) throws {
        try device.run(
            name, shape: [n, m, d], reads: reads, writes: [write], bytes: bytes, flops: flops,
            host: { pointers in try body(reads.indices.map { pointers.read($0) }, pointers.write(0)) },
            openCL: { encoder in
                try encoder.withHostAccess(to: reads + [write]) { pointers in
                    try body(
                        reads.indices.map { UnsafePointer(pointers[$0].assumingMemoryBound(to: Float.self)) },
                        pointers[reads.count].assumingMemoryBound(to: Float.self))
                }
            })
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
