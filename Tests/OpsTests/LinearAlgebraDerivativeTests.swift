import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// First and second derivatives of products and factors, against central differences.
@Suite struct LinearAlgebraDerivativeTests {
    /// Positive definite matrices made of any.
    private static func definite(_ x: Tensor) throws -> Tensor {
        try x.matmul(x.matrixTransposed) + Tensor.eye(x.shape[x.rank - 1], dtype: .float64, on: x.device) * 0.5
    }

    private func expectBoth(
        _ name: String, at points: [Tensor], first: Double = 1e-6, second: Double = 1e-5,
        _ function: @escaping @Sendable ([Tensor]) throws -> Tensor
    ) throws {
        try expectGradient(at: points, tolerance: first, name) { try function($0) }
        try expectGradient(at: points, tolerance: second, "second " + name) { points in
            let slopes = try gradient(at: points) { try (function($0).power(3) * 0.3).sum() }
            return try .concatenate(slopes.map { try $0.flattened() })
        }
    }

    @Test(arguments: Device.all)
    func systemsAndFactors(device: Device) throws {
        let (a, b) = (try random([2, 3, 3], seed: 6, on: device), try random([3, 2], seed: 7, on: device))
        try expectBoth("cholesky", at: [a]) { try cholesky(Self.definite($0[0])) }
        try expectBoth("solve", at: [a, b]) { try solve(Self.definite($0[0]), $0[1]) }
        try expectBoth("inverse", at: [a]) { try inverse(Self.definite($0[0])) }
        try expectBoth("logDeterminant", at: [a]) { try logDeterminant(Self.definite($0[0])).logarithm }
        let triangle = try random([3, 3], seed: 8, on: device) + Tensor.eye(3, dtype: .float64, on: device) * 2
        for isLower in [true, false] {
            try expectBoth("triangularSolve \(isLower)", at: [triangle, b]) { try triangularSolve($0[0], $0[1], isLower: isLower) }
        }
    }

    @Test(arguments: Device.all)
    func orthogonalFactors(device: Device) throws {
        for shape in [[4, 3], [3, 3]] {
            let a = try random(shape, seed: 9, on: device)
            try expectBoth("qr q \(shape)", at: [a], first: 1e-5, second: 1e-4) { try qr($0[0]).q }
            try expectBoth("qr r \(shape)", at: [a], first: 1e-5, second: 1e-4) { try qr($0[0]).r }
        }
        let wide = try random([2, 3], on: device)
        #expect(throws: TensorError.notDifferentiable(operation: "qr of a wide matrix", order: 1)) {
            try gradient(at: wide) { try qr($0).r.sum() }
        }
    }

    @Test(arguments: Device.all)
    func spectra(device: Device) throws {
        let a = try random([3, 3], seed: 10, on: device)
        try expectBoth("eigh values", at: [a], first: 1e-5, second: 1e-4) { try eigh(Self.definite($0[0])).values }
        try expectBoth("eigh vectors", at: [a], first: 1e-5, second: 1e-3) { try eigh(Self.definite($0[0])).vectors.square() }
        for shape in [[4, 3], [3, 4], [3, 3]] {
            let m = try random(shape, seed: 11, on: device)
            try expectBoth("svd s \(shape)", at: [m], first: 1e-5, second: 1e-4) { try svd($0[0]).s }
            try expectBoth("svd u \(shape)", at: [m], first: 1e-5, second: 1e-3) { try svd($0[0]).u.square() }
            try expectBoth("svd vt \(shape)", at: [m], first: 1e-5, second: 1e-3) { try svd($0[0]).vt.square() }
            try expectBoth("svd whole \(shape)", at: [m], first: 1e-5, second: 1e-3) { points in
                let (u, s, vt) = try svd(points[0])
                return try (u * s.exp()).matmul(vt)
            }
            try expectBoth("pseudoInverse \(shape)", at: [m], first: 1e-5, second: 1e-3) { try pseudoInverse($0[0]) }
        }
    }

    @Test(arguments: Device.all)
    func products(device: Device) throws {
        let (a, b) = (try random([2, 3, 4], seed: 12, on: device), try random([4, 2], seed: 13, on: device))
        try expectBoth("matmul", at: [a, b]) { try $0[0].matmul($0[1]) }
        try expectBoth("matrix and vector", at: [a, b]) { try $0[0].matmul($0[1].transposed()[0]) }
        try expectBoth("einsum", at: [a, b]) { try einsum("bij,jk,bim->bkm", $0[0], $0[1], $0[0]) }
        try expectBoth("einsum diagonal", at: [random([3, 3], on: device)]) { try einsum("ii->i", $0[0]) * einsum("ij->", $0[0]) }
        let (x, y) = (try random([3], seed: 14, on: device), try random([3], seed: 15, on: device))
        try expectBoth("dot and outer", at: [x, y]) { try outer($0[0], $0[1]) * dot($0[0], $0[1]) }
        try expectBoth("cross", at: [x, y]) { try cross($0[0], $0[1]) }
        try expectBoth("trace", at: [random([2, 3, 3], on: device)]) { try $0[0].trace() }
        for norm in MatrixNorm.allCases { try expectBoth("\(norm)", at: [a], first: 1e-5, second: 1e-4) { try $0[0].matrixNorm(norm) } }
        let (image, filter) = (try random([2, 2, 4, 4], seed: 16, on: device), try random([4, 1, 2, 2], seed: 17, on: device))
        try expectBoth("conv2d", at: [image, filter, random([4], on: device)]) {
            try conv2d($0[0], weight: $0[1], bias: $0[2], stride: 2, padding: 1, groups: 2)
        }
    }

    @Test(arguments: Device.all)
    func narrowTypesAreFactoredInDouble(device: Device) throws {
        let exact = try Self.definite(random([4, 4], seed: 18, on: device))
        for (dtype, unit) in [(DType.float32, 3e-7), (.float16, 3e-3), (.bfloat16, 2e-2)] {
            let narrow = exact.asType(dtype)
            let wide = narrow.asType(.float64)
            // One rounding of what the same numbers give in float64.
            #expect(try cholesky(narrow).dtype == dtype)
            try expectClose(cholesky(narrow), cholesky(wide).array(), tolerance: unit, "\(dtype)")
            try expectClose(eigh(narrow).values, eigh(wide).values.array(), tolerance: unit, "\(dtype)")
            try expectClose(svd(narrow).s, svd(wide).s.array(), tolerance: unit, "\(dtype)")
            try expectClose(logDeterminant(narrow).logarithm, logDeterminant(wide).logarithm.array(), tolerance: unit, "\(dtype)")
            let slope = try gradient(at: narrow) { try logDeterminant($0).logarithm }
            #expect(slope.dtype == dtype)
        }
    }
}
