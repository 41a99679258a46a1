import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

@Suite struct LinearAlgebraEdgeTests {
    @Test(arguments: Device.all)
    func multipliesStridedViews(device: Device) throws {
        let (whole, other) = (try random([14, 10], on: device), try random([5, 3], seed: 2, on: device))
        let views = [
            try whole.slice(axis: 0, from: 1, to: 8).slice(axis: 1, from: 2, to: 7),
            try whole.slice(axis: 0, step: 2).slice(axis: 1, step: 2),
            try whole.slice(axis: 0, to: 7).slice(axis: 1, to: 5).flipped(), try whole[3].slice(axis: 0, to: 5).broadcast(to: [7, 5]),
        ]
        for view in views {
            try expectClose(view.matmul(other), product(view.array(), other.array(), 7, 5, 3), tolerance: 1e-13, "\(view.strides)")
        }
    }

    @Test(arguments: Device.all)
    func multipliesSixteenBitsInFloat(device: Device) throws {
        for (dtype, unit) in [(DType.float16, 0.0005), (.bfloat16, 0.004)] {
            let (a, b) = (try random([5, 40], on: device).asType(dtype), try random([40, 3], seed: 2, on: device).asType(dtype))
            let c = try a.matmul(b)
            #expect(c.dtype == dtype)
            let (x, y): ([Double], [Double]) = (try a.array(), try b.array())
            try expectClose(c.array(of: Double.self), product(x, y, 5, 40, 3), tolerance: unit, "\(dtype)")
        }
    }

    @Test(arguments: Device.all)
    func productsKeepNaN(device: Device) throws {
        var values = [Double](repeating: 1, count: 12)
        values[5] = .nan
        for dtype in [DType.float32, .float64] {
            let a = try Tensor(values, shape: [3, 4], on: device).asType(dtype)
            let c: [Double] = try a.matmul(Tensor.zeros([4, 2], dtype: dtype, on: device)).array()
            #expect(c.map(\.isNaN) == [false, false, true, true, false, false])
        }
        let none = try Tensor.zeros([2, 0], on: device).matmul(Tensor.zeros([0, 3], on: device))
        #expect(try none.array(of: Double.self) == [0, 0, 0, 0, 0, 0])
    }

    @Test(arguments: Device.all)
    func einsumMultipliesElementsInOneStep(device: Device) throws {
        let (a, b) = (try random([3, 4], on: device).evaluated(), try random([3, 4], seed: 2, on: device).evaluated())
        let (product, cost) = try Profiler.measure { try einsum("ij,ij->i", a, b).evaluated() }
        #expect(cost.launches == 1)
        try expectClose(product, (a * b).sum(axes: [1]).array(), tolerance: 1e-13)
        try expectClose(einsum("ij,ij->ji", a, b), (a * b).transposed().array(), tolerance: 1e-13)
        try expectClose(einsum("i,j->ji", a[0], b[1]), outer(b[1], a[0]).array(), tolerance: 1e-13)
        try expectClose(
            einsum("ij,kj,ik", a, b, random([3, 3], seed: 3, on: device)),
            [(a.matmul(b.transposed()) * random([3, 3], seed: 3, on: device)).sum().scalar()], tolerance: 1e-13)
        let (batch, row) = (try random([2, 3, 4], seed: 4, on: device), try random([1, 4], seed: 5, on: device))
        try expectClose(einsum("...i,...i->...", batch, row), (batch * row).sum(axes: [2]).array(), tolerance: 1e-13)
        try expectGradient(at: [a, b], tolerance: 1e-7) { try einsum("ij,ij,kj->ik", $0[0], $0[1], $0[0]) }
        try expectGradient(at: [a], tolerance: 1e-6, "second") {
            try gradient(at: $0[0]) { try einsum("ij,kj->ik", $0, $0).square().sum() }
        }
    }

    @Test(arguments: Device.all)
    func convolutionIsTwiceDifferentiable(device: Device) throws {
        let (x, w) = (try random([1, 2, 4, 3], on: device), try random([2, 1, 2, 2], seed: 2, on: device))
        try expectGradient(at: [x, w], tolerance: 1e-5) { points in
            try gradient(at: points[0]) { try conv2d($0, weight: points[1], padding: 1, groups: 2).square().sum() }
        }
        #expect(throws: TensorError.self) { try conv2d(x, weight: w, stride: 0, groups: 2) }
        #expect(throws: TensorError.self) { try conv2d(x, weight: w, dilation: 0, groups: 2) }
        #expect(throws: TensorError.self) { try conv2d(x, weight: w, dilation: 9, groups: 2) }
        #expect(throws: TensorError.self) { try conv2d(x, weight: w, groups: 0) }
    }

    @Test func convolutionPacksSomeImagesAtATime() throws {
        let x = try random([8, 32, 130, 130], on: .cpu).asType(.float32).evaluated()
        let w = try random([1, 32, 3, 3], seed: 2, on: .cpu).asType(.float32).evaluated()
        let (y, cost) = try Profiler.measure { try conv2d(x, weight: w).evaluated() }
        // All windows at once would take 144 MiB.
        #expect(cost.peakBytes <= (128 + 2) << 20)
        let last = try conv2d(x.slice(axis: 0, from: 7), weight: w)
        try expectClose(y.slice(axis: 0, from: 7), last.array(), tolerance: 1e-6)
    }

    @Test func emptyMatricesHaveFactors() throws {
        let none = try Tensor.zeros([2, 0, 0], dtype: .float64, on: .cpu)
        #expect(try cholesky(none).shape == [2, 0, 0])
        #expect(try inverse(none).shape == [2, 0, 0])
        #expect(try eigh(none).values.shape == [2, 0])
        #expect(try logDeterminant(none).logarithm.array(of: Double.self) == [0, 0])
        let thin = try Tensor.zeros([3, 0], dtype: .float64, on: .cpu)
        #expect(try svd(thin).u.shape == [3, 0])
        #expect(try qr(thin).q.shape == [3, 0])
        #expect(try solve(Tensor.eye(3, on: .cpu), Tensor.zeros([3, 0], on: .cpu)).shape == [3, 0])
    }

    @Test func errorsNameTheMatrix() throws {
        let pair = try Tensor([1.0, 0, 0, 1, 1, 2, 2, 1], shape: [2, 2, 2], on: .cpu)
        func message(_ body: () throws -> Void) -> String {
            do { try body() } catch { return "\(error)" }
            return ""
        }
        #expect(message { _ = try cholesky(pair) }.contains("matrix 1, whose leading minor 2"))
        let singular = try Tensor([1.0, 0, 0, 1, 1, 2, 2, 4], shape: [2, 2, 2], on: .cpu)
        #expect(message { _ = try inverse(singular) }.contains("matrix 1, whose pivot 2"))
        let broken = try Tensor([1.0, 0, 0, 1, 1, .nan, .nan, 1], shape: [2, 2, 2], on: .cpu)
        #expect(message { _ = try eigh(broken) }.contains("matrix 1, which holds NaN"))
        #expect(message { _ = try svd(broken) }.contains("matrix 1, which holds NaN"))
        #expect(try logDeterminant(broken).sign.array(of: Double.self)[1].isNaN)
    }

    @Test(arguments: Device.all)
    func whatDoesNotFitIsSaidSo(device: Device) throws {
        let (wide, whole) = (try random([2, 3], on: device), try Tensor([1, 2, 3, 4], shape: [2, 2], on: device))
        func message(_ body: () throws -> Any) -> String {
            do { return "\(try body())" } catch { return "\(error)" }
        }
        let square: [(String, (Tensor) throws -> Any)] = [
            ("cholesky", { try cholesky($0) }), ("inverse", { try inverse($0) }), ("logDeterminant", { try logDeterminant($0) }),
            ("eigh", { try eigh($0) }), ("solve", { try solve($0, $0.transposed()) }),
            ("triangularSolve", { try triangularSolve($0, $0.transposed()) }),
        ]
        for (name, body) in square {
            #expect(message { try body(wide) }.contains("expected square matrices [..., n, n], got [2, 3]"), "\(name)")
            #expect(message { try body(whole) }.contains("expected floating-point matrices, got int64"), "\(name)")
        }
        for (name, body) in [("qr", { try qr($0) }), ("svd", { try svd($0) }), ("pseudoInverse", { try pseudoInverse($0) })]
            as [(String, (Tensor) throws -> Any)]
        {
            #expect(message { try body(wide[0]) }.contains("expected matrices [..., m, n], got [3]"), "\(name)")
            #expect(message { try body(whole) }.contains("expected floating-point matrices, got int64"), "\(name)")
        }
        #expect(message { try solve(random([3, 3], on: device), wide) }.contains("solve: expected a [..., n, n] and b [..., n, k]"))
        #expect(message { try pseudoInverse(wide, tolerance: -1) }.contains("pseudoInverse: expected tolerance >= 0, got -1"))
        #expect(message { try conv2d(wide, weight: wide) }.contains("conv2d: expected input [n, c, h, w]"))
        let (image, filter) = (try random([1, 2, 3, 3], on: device), try random([2, 2, 2, 2], on: device))
        for groups in [0, -1, 2, 3, Int.max] {
            #expect(message { try conv2d(image, weight: filter, groups: groups) }.contains("conv2d: expected input"), "\(groups)")
        }
        for (stride, padding, dilation) in [(0, 0, 1), (1, -1, 1), (1, 0, 0), (1, 0, 9), (1, 0, .max), (.min, 0, 1), (1, .max, 1)] {
            #expect(throws: TensorError.self) { try conv2d(image, weight: filter, stride: stride, padding: padding, dilation: dilation) }
        }
        #expect(message { try whole.matmul(whole) }.contains("matmul: expected floating-point operands, got int64 and int64"))
        let singular = try Tensor([1.0, 2, 2, 4], shape: [2, 2], on: device)
        #expect(message { try gradient(at: singular) { try logDeterminant($0).logarithm } }.contains("whose pivot 2 is zero"))
        if device != .cpu {
            #expect(message { try solve(singular, random([2, 1], on: .cpu)) }.contains("solve: expected operands on one device"))
        }
    }

    @Test(arguments: Device.all)
    func pseudoInverseKnowsItsRank(device: Device) throws {
        // Of rank 2, and with singular values that a coarse tolerance would drop.
        let a = try random([4, 2], on: device).matmul(random([2, 3], seed: 2, on: device))
        try expectClose(a.matmul(pseudoInverse(a)).matmul(a), a.array(), tolerance: 1e-12)
        let steep = try Tensor([1.0, 0, 0, 1e-9], shape: [2, 2], on: device)
        try expectClose(pseudoInverse(steep), [1, 0, 0, 1e9], tolerance: 1e-9)
        try expectClose(pseudoInverse(steep, tolerance: 1e-6), [1, 0, 0, 0], tolerance: 1e-12)
        #expect(try pseudoInverse(Tensor.zeros([2, 0, 3], on: device)).shape == [2, 3, 0])
        #expect(try pseudoInverse(Tensor.zeros([2, 3], on: device)).array(of: Float.self) == [0, 0, 0, 0, 0, 0])
    }

    @Test(arguments: Device.all)
    func checkpointsKeepNoWindows(device: Device) throws {
        let (x, w) = (try random([2, 4, 20, 20], on: device), try random([4, 4, 3, 3], seed: 2, on: device))
        var live = 0
        _ = try gradient(at: [x, w]) { points in
            let (y, cost) = try Profiler.measure { try checkpoint(points) { try conv2d($0[0], weight: $0[1]) }.evaluated() }
            live = cost.liveBytes
            return try y.square().sum()
        }
        #expect(live == 2 * 4 * 18 * 18 * 8, "the result alone")
    }

    @Test(arguments: Device.all)
    func degenerateSpectraHaveDefinedGradients(device: Device) throws {
        let eye = try Tensor.eye(3, dtype: .float64, on: device)
        let slope = try gradient(at: eye) { try eigh($0).values.square().sum() }
        try expectClose(slope, [2, 0, 0, 0, 2, 0, 0, 0, 2], tolerance: 1e-12)
        let low = try outer(random([4], on: device), random([3], seed: 2, on: device))
        let (u, v) = (try random([4], on: device), try random([3], seed: 2, on: device))
        let expected = try outer(u / u.norm(), v / v.norm())
        try expectClose(gradient(at: low) { try $0.matrixNorm(.spectral) }, expected.array(), tolerance: 1e-10)
        let through = try gradient(at: Tensor.zeros([3, 3], dtype: .float64, on: device)) { x -> Tensor in
            let (u, _, vt) = try svd(x)
            return try u.matmul(vt).sum()
        }
        #expect(try through.array(of: Double.self).allSatisfy(\.isFinite))
    }

    @Test(arguments: Device.all)
    func normsAndVectorProducts(device: Device) throws {
        let a = try random([2, 4, 3], on: device)
        let values: [Double] = try a.array()
        let squares = [0, 1].map { i in values[(i * 12)..<(i * 12 + 12)].reduce(0) { $0 + $1 * $1 } }
        try expectClose(a.matrixNorm().square(), squares, tolerance: 1e-12)
        let gram = try eigh(a.matrixTransposed.matmul(a)).values.squareRoot()
        try expectClose(a.matrixNorm(.nuclear), gram.sum(axes: [1]).array(), tolerance: 1e-10)
        try expectClose(a.matrixNorm(.spectral), gram.max(axes: [1]).array(), tolerance: 1e-10)
        for norm in MatrixNorm.allCases { try expectGradient(at: [a], tolerance: 1e-6, "\(norm)") { try $0[0].matrixNorm(norm) } }
        let square = try random([2, 3, 3], seed: 2, on: device)
        let entries: [Double] = try square.array()
        let traces = [0, 9].map { start in [0, 4, 8].map { entries[start + $0] }.reduce(0, +) }
        try expectClose(square.trace(), traces, tolerance: 1e-13)
        let (x, y) = (try Tensor([1.0, 2, 3], on: device), try Tensor([4.0, 5, 7], on: device))
        try expectClose(dot(x, y), [35], tolerance: 0)
        try expectClose(outer(x, y), [4, 5, 7, 8, 10, 14, 12, 15, 21], tolerance: 0)
        try expectClose(cross(x, y), [-1, 5, -3], tolerance: 0)
        try expectGradient(at: [x, y], tolerance: 1e-7) { try cross($0[0], $0[1]) * dot($0[0], $0[1]) }
        #expect(throws: TensorError.self) { try dot(x, square) }
        #expect(throws: TensorError.self) { try cross(a[0][0].slice(axis: 0, to: 2), y) }
        #expect(throws: TensorError.self) { try a.trace() }
    }
}
