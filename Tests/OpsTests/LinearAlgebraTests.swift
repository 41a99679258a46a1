import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

@Suite struct LinearAlgebraTests {
    @Test(arguments: Device.all)
    func multipliesMatrices(device: Device) throws {
        for (m, k, n) in [(1, 1, 1), (3, 5, 2), (17, 33, 9), (64, 7, 130), (2, 0, 3), (0, 4, 2)] {
            let (a, b) = (try random([m, k], on: device), try random([k, n], seed: 2, on: device))
            let expected = product(try a.array(), try b.array(), m, k, n)
            try expectClose(a.matmul(b), expected, tolerance: 1e-13, "\(m) \(k) \(n)")
            let (x, y) = (a.asType(.float32), b.asType(.float32))
            try expectClose(x.matmul(y), expected, tolerance: 1e-5)
            let stored = try x.transposed().packed().evaluated().transposed()
            try expectClose(stored.matmul(y), expected, tolerance: 1e-5, "transposed view")
            try expectClose(y.transposed().matmul(x.transposed()).transposed(), expected, tolerance: 1e-5, "both transposed")
        }
    }

    @Test(arguments: Device.all)
    func aTransposedOperandIsNotPacked(device: Device) throws {
        let a = try random([200, 100], on: device).asType(.float32).evaluated()
        let (_, cost) = try Profiler.measure { try a.transposed().matmul(a).evaluated() }
        #expect(cost.launches == 1)
        #expect(cost.peakBytes == 100 * 100 * 4)
    }

    @Test(arguments: Device.all)
    func batchesBroadcast(device: Device) throws {
        let (a, b) = (try random([2, 1, 3, 4], on: device), try random([5, 4, 2], seed: 2, on: device))
        let c = try a.matmul(b)
        #expect(c.shape == [2, 5, 3, 2])
        let (x, y) = (try a.array(of: Double.self), try b.array(of: Double.self))
        var expected: [Double] = []
        for i in 0..<2 {
            for j in 0..<5 { expected += product(Array(x[(i * 12)...].prefix(12)), Array(y[(j * 8)...].prefix(8)), 3, 4, 2) }
        }
        try expectClose(c, expected, tolerance: 1e-13)
        #expect(try a[0][0].matmul(random([4], on: device)).shape == [3])
        #expect(try random([4], on: device).matmul(random([4], on: device)).shape == [])
        try expectGradient(at: [a, b], tolerance: 1e-7) { try $0[0].matmul($0[1]) }
        try expectGradient(at: [a], tolerance: 1e-6) { try gradient(at: $0[0]) { try $0.matmul(b).square().sum() } }
        #expect(throws: TensorError.self) { try a.matmul(random([3, 2], on: device)) }
    }

    @Test(arguments: Device.all)
    func sumsByEinstein(device: Device) throws {
        let (a, b, c) = (
            try random([3, 4], on: device), try random([4, 5], seed: 2, on: device), try random([2, 3, 3], seed: 3, on: device)
        )
        try expectClose(einsum("ij,jk->ik", a, b), a.matmul(b).array(), tolerance: 1e-13)
        try expectClose(einsum("ij,jk", a, b), a.matmul(b).array(), tolerance: 1e-13)
        try expectClose(einsum("ij->ji", a), a.transposed().array(), tolerance: 0)
        try expectClose(einsum("ij->", a), [a.sum().scalar()], tolerance: 1e-13)
        try expectClose(
            einsum("bii->b", c),
            c.array(of: Double.self).enumerated().reduce(into: [0.0, 0.0]) { sums, entry in
                if entry.offset % 9 % 4 == 0 { sums[entry.offset / 9] += entry.element }
            }, tolerance: 1e-13)
        try expectClose(einsum("...ij,jk->...ik", c, a), c.matmul(a).array(), tolerance: 1e-13)
        try expectClose(einsum("ij,ij->i", a, a), a.square().sum(axes: [1]).array(), tolerance: 1e-13)
        try expectClose(einsum("ij,jk,kl->il", a, b, b.transposed()), a.matmul(b).matmul(b.transposed()).array(), tolerance: 1e-13)
        try expectGradient(at: [c, a], tolerance: 1e-7) { try einsum("bii,ij->bj", $0[0], $0[1]) }
        for bad in ["ij,jk->iz", "ij", "iij,jk->ik", "ij,jk->->"] { #expect(throws: TensorError.self) { try einsum(bad, a, b) } }
    }

    @Test(arguments: Device.all)
    func convolvesAsItsDefinition(device: Device) throws {
        for (stride, padding, dilation, groups) in [(1, 0, 1, 1), (2, 1, 1, 1), (1, 2, 2, 2)] {
            let (x, w, b) = (
                try random([2, 4, 6, 5], on: device), try random([6, 4 / groups, 3, 2], seed: 2, on: device),
                try random([6], seed: 3, on: device)
            )
            let y = try conv2d(x, weight: w, bias: b, stride: stride, padding: padding, dilation: dilation, groups: groups)
            let (xs, ws, bs): ([Double], [Double], [Double]) = (try x.array(), try w.array(), try b.array())
            let (oh, ow) = (y.shape[2], y.shape[3])
            let expected = (0..<y.count).map { index -> Double in
                let (n, o, i, j) = (index / (6 * oh * ow), index / (oh * ow) % 6, index / ow % oh, index % ow)
                var sum = bs[o]
                for c in 0..<4 / groups {
                    for p in 0..<3 {
                        for q in 0..<2 {
                            let (row, column) = (i * stride + p * dilation - padding, j * stride + q * dilation - padding)
                            guard (0..<6).contains(row), (0..<5).contains(column) else { continue }
                            let channel = o / (6 / groups) * (4 / groups) + c
                            sum += xs[((n * 4 + channel) * 6 + row) * 5 + column] * ws[((o * (4 / groups) + c) * 3 + p) * 2 + q]
                        }
                    }
                }
                return sum
            }
            try expectClose(y, expected, tolerance: 1e-13, "stride \(stride)")
        }
        try expectGradient(at: [random([1, 2, 4, 4], on: device), random([2, 2, 2, 2], seed: 2, on: device)], tolerance: 1e-6) {
            try conv2d($0[0], weight: $0[1], stride: 2, padding: 1)
        }
    }

    @Test(arguments: Device.all)
    func factorsMultiplyBack(device: Device) throws {
        let a = try random([2, 4, 4], on: device)
        let spd = try a.matmul(a.swappingAxes(-1, -2)) + Tensor.eye(4, dtype: .float64, on: device)
        let expected: [Double] = try spd.array()
        let l = try cholesky(spd)
        try expectClose(l.matmul(l.swappingAxes(-1, -2)), expected, tolerance: 1e-12)
        let (values, vectors) = try eigh(spd)
        try expectClose((vectors * values.expandedDimensions(at: -2)).matmul(vectors.swappingAxes(-1, -2)), expected, tolerance: 1e-12)
        let wide = try random([2, 3, 5], seed: 4, on: device)
        for matrix in [wide, try wide.swappingAxes(-1, -2)] {
            let (u, s, vt) = try svd(matrix)
            try expectClose((u * s.expandedDimensions(at: -2)).matmul(vt), matrix.array(), tolerance: 1e-12)
            let (q, r) = try qr(matrix)
            try expectClose(q.matmul(r), matrix.array(), tolerance: 1e-12)
            try expectClose(matrix.matmul(pseudoInverse(matrix)).matmul(matrix), matrix.array(), tolerance: 1e-12)
        }
        try expectClose(a.matmul(inverse(a)), Tensor.eye(4, on: device).broadcast(to: [2, 4, 4]).array(), tolerance: 1e-11)
        try expectClose(logDeterminant(spd).logarithm, eigh(spd).values.log().sum(axes: [1]).array(), tolerance: 1e-12)
    }

    @Test(arguments: Device.all)
    func factorsAreDifferentiable(device: Device) throws {
        let a = try random([3, 3], seed: 6, on: device)
        let b = try random([3, 2], seed: 7, on: device)
        func spd(_ x: Tensor) throws -> Tensor { try x.matmul(x.transposed()) + Tensor.eye(3, dtype: .float64, on: device) }
        try expectGradient(at: [a], tolerance: 1e-6, "cholesky") { try cholesky(spd($0[0])) }
        try expectGradient(at: [a, b], tolerance: 1e-6, "solve") { try solve(spd($0[0]), $0[1]) }
        try expectGradient(at: [a, b], tolerance: 1e-6, "triangularSolve") { try triangularSolve(cholesky(spd($0[0])), $0[1]) }
        try expectGradient(at: [a], tolerance: 1e-6, "inverse") { try inverse(spd($0[0])) }
        try expectGradient(at: [a], tolerance: 1e-6, "logDeterminant") { try logDeterminant(spd($0[0])).logarithm }
        try expectGradient(at: [a], tolerance: 1e-5, "eigh values") { try eigh(spd($0[0])).values }
        try expectGradient(at: [a], tolerance: 1e-5, "eigh vectors") { try eigh(spd($0[0])).vectors.square() }
        let tall = try random([4, 3], seed: 8, on: device)
        try expectGradient(at: [tall], tolerance: 1e-5, "qr q") { try qr($0[0]).q }
        try expectGradient(at: [tall], tolerance: 1e-5, "qr r") { try qr($0[0]).r }
        for matrix in [tall, try tall.transposed().packed()] {
            try expectGradient(at: [matrix], tolerance: 1e-5, "singular values") { try svd($0[0]).s }
            try expectGradient(at: [matrix], tolerance: 1e-5, "u") { try svd($0[0]).u.square() }
            try expectGradient(at: [matrix], tolerance: 1e-5, "vt") { try svd($0[0]).vt.square() }
            try expectGradient(at: [matrix], tolerance: 1e-5, "pseudoInverse") { try pseudoInverse($0[0]) }
        }
        for (name, function) in [
            ("solve", { try solve(spd($0), b).square().sum() }), ("cholesky", { try cholesky(spd($0)).sum() }),
            ("eigh", { try eigh(spd($0)).values.square().sum() }),
        ] as [(String, (Tensor) throws -> Tensor)] {
            try expectGradient(at: [a], tolerance: 1e-5, "second " + name) { try gradient(at: $0[0], of: function) }
        }
    }

    @Test func singularMatricesAreErrors() throws {
        let zero = try Tensor.zeros([2, 3, 3], dtype: .float64, on: .cpu)
        #expect(throws: TensorError.self) { try cholesky(zero) }
        #expect(throws: TensorError.self) { try inverse(zero) }
        #expect(try logDeterminant(zero).logarithm.array(of: Double.self) == [-.infinity, -.infinity])
        #expect(throws: TensorError.self) { try cholesky(Tensor.zeros([2, 3], on: .cpu)) }
    }
}
