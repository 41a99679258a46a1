import Foundation
import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

@Suite struct FormulaEdgeTests {
    private func ones(_ shape: [Int], _ dtype: DType = .float32, on device: Device) throws -> Tensor {
        try .ones(shape, dtype: dtype, on: device)
    }

    @Test(arguments: Device.all)
    func refusesWhatDoesNotFit(device: Device) throws {
        let (x, y) = (Formula.x(try ones([3, 2], on: device)), Formula.y(try ones([4, 5], on: device)))
        #expect(throws: TensorError.shapeMismatch(operation: "Formula", expected: "vectors of as many coordinates", actual: [[2], [5]])) {
            try (x - y).squaredNorm().sum()
        }
        let fewer = Formula.x(try ones([2], on: device))
        #expect(
            throws: TensorError.shapeMismatch(operation: "Formula", expected: "variables of as many points x", actual: [[3, 2], [2]])
        ) { try (x.squaredNorm() * fewer * Formula.y(ones([4], on: device))).sum() }
        #expect(throws: TensorError.self) { try x.squaredNorm().sum() }
        #expect(throws: TensorError.self) { try Formula.constant(1).sum() }
        #expect(throws: TensorError.self) { try Formula.x(Tensor([1, 2, 3], on: device)).sum() }
        #expect(throws: TensorError.self) { try Formula.x(ones([2, 2, 2], on: device)).sum() }
        #expect(throws: TensorError.self) { try Formula.parameter(ones([2, 2], on: device)).sum() }
        let (z, w) = (Formula.y(try ones([4, 2], on: device)), Formula.y(try ones([0, 2], on: device)))
        #expect(throws: TensorError.shapeMismatch(operation: "logSumExp", expected: "a scalar formula", actual: [[2]])) {
            try (x - z).logSumExp()
        }
        #expect(throws: TensorError.invalidArgument(operation: "Formula.argMax", expected: "at least one point", actual: "none")) {
            try x.dot(w).argMax()
        }
        #expect(throws: TensorError.invalidArgument(operation: "Formula.topK", expected: "k in 0...4", actual: "5")) {
            try x.dot(z).topK(5)
        }
        #expect(throws: TensorError.self) {
            try kernelProduct(.gaussian(bandwidth: 0), ones([1, 1], on: device), ones([1, 1], on: device), ones([1], on: device))
        }
    }

    @Test(arguments: Device.all)
    func onePointAndNone(device: Device) throws {
        let (one, none, four) = (try ones([1, 3], on: device), try ones([0, 3], on: device), try ones([4, 3], on: device))
        func formula(_ x: Tensor, _ y: Tensor) -> Formula { (Formula.x(x).squaredDistance(to: .y(y)) * -0.5).exp() }
        #expect(try formula(one, one).sum().array(of: Float.self) == [1])
        #expect(try formula(one, none).sum().array(of: Float.self) == [0])
        #expect(try formula(none, four).sum().shape == [0])
        #expect(try formula(one, none).logSumExp().array(of: Float.self) == [-.infinity])
        #expect(try formula(none, four).logSumExp(over: .x).array(of: Float.self) == [Float](repeating: -.infinity, count: 4))
        let gradients = try gradient(at: [one, none]) { try formula($0[0], $0[1]).sum().sum() }
        #expect(try gradients[0].array(of: Float.self) == [0, 0, 0])
        #expect(gradients[1].shape == [0, 3])
    }

    @Test(arguments: Device.all)
    func equalPointsHaveGradientZero(device: Device) throws {
        for d in [1, 3, 40] {
            let x = try ones([5, d], on: device)
            for kernel in [
                KernelFunction.energy, .laplacian(bandwidth: 1), .matern(.fiveHalves, lengthScale: 0.5), .gaussian(bandwidth: 0.1),
            ] {
                let slopes = try gradient(at: [x, x]) { try kernelProduct(kernel, $0[0], $0[1], ones([5], on: device)).sum() }
                for slope in slopes { #expect(try slope.array(of: Float.self).allSatisfy { $0 == 0 }, "\(kernel)") }
                let second = try gradient(at: x) { points in
                    try gradient(at: points) { try kernelProduct(kernel, $0, x, ones([5], on: device)).sum() }.sum()
                }
                #expect(try second.array(of: Float.self).allSatisfy { $0.isFinite }, "\(kernel)")
            }
        }
    }

    @Test(arguments: Device.all)
    func rowsWithoutMassHaveGradientZero(device: Device) throws {
        let (x, y) = (try ones([2, 3], on: device), try ones([4, 3], on: device))
        let weights = try Tensor.zeros([4], on: device)
        let (value, slopes) = try valueWithGradient(at: [x, y]) {
            let total = try Formula.x($0[0]).dot(.y($0[1])).logSumExp(weights: .y(weights))
            return try Tensor.select(total.isInfinite(), .zeros([], on: device), total).sum()
        }
        #expect(try value.scalar() == 0)
        for slope in slopes { #expect(try slope.array(of: Float.self).allSatisfy { $0 == 0 }) }
    }

    @Test(arguments: Device.all)
    func notANumberStaysInItsRow(device: Device) throws {
        for d in [3, 40] {
            var numbers = [Float](repeating: 0.5, count: 9 * d)
            numbers[4 * d + 1] = .nan
            let (x, y) = (try Tensor(numbers, shape: [9, d], on: device), try ones([300, d], on: device))
            let formula = (Formula.x(x).squaredDistance(to: .y(y)) * -0.1).exp()
            let expected = (0..<9).map { $0 == 4 }
            #expect(try formula.sum().array(of: Float.self).map(\.isNaN) == expected)
            #expect(try formula.logSumExp().array(of: Float.self).map(\.isNaN) == expected)
            let slope = try gradient(at: x) { try (Formula.x($0).squaredDistance(to: .y(y)) * -0.1).exp().sum().sum() }
            #expect(try slope.array(of: Float.self).enumerated().allSatisfy { $1.isNaN == ($0 / d == 4) })
        }
    }

    /// Points in tight clusters far apart: products of centred points alone would lose their distances.
    @Test(arguments: Device.all)
    func productsLoseNothingToCancellation(device: Device) throws {
        let (n, m, d) = (30, 300, 64)
        var random = SplitMix64(seed: 21)
        func clusters(_ count: Int) -> [[Double]] {
            (0..<count).map { i in random.values(d, in: -1e-3...1e-3).map { Double(Float($0 + (i % 3 == 0 ? -40 : 40))) } }
        }
        let (x, y) = (clusters(n), clusters(m))
        func tensor(_ points: [[Double]]) throws -> Tensor {
            try Tensor(points.flatMap { $0.map { Float($0) } }, shape: [points.count, d], on: device)
        }
        let weights = try Tensor(random.values(n, in: 0.5...1.5).map { Float($0) }, shape: [n], on: device)
        let (value, slope) = try valueWithGradient(at: tensor(x)) {
            try (kernelProduct(.gaussian(bandwidth: 0.01), $0, tensor(y), ones([m], on: device)) * weights).sum()
        }
        let factors = try weights.array(of: Double.self)
        var (total, sums, scales) = (0.0, [Double](), [Double]())
        for i in 0..<n {
            let kernels = y.map { point in exp(-0.5e4 * pow(distance(x[i], point), 2)) }
            total += factors[i] * kernels.reduce(0, +)
            for k in 0..<d {
                let terms = y.indices.map { -1e4 * factors[i] * kernels[$0] * (x[i][k] - y[$0][k]) }
                sums.append(terms.reduce(0, +))
                scales.append(terms.reduce(1e-3) { $0 + abs($1) })
            }
        }
        try expectClose(value, [total], tolerance: 1e-5)
        expectClose(try slope.array(of: Double.self), sums, tolerance: 5e-6, scale: scales)
    }

    @Test(arguments: Device.all, [DType.float16, .bfloat16, .float64])
    func computesInEveryType(device: Device, dtype: DType) throws {
        guard dtype != .float64 || device.hasFloat64 else { return }
        for formulaCase in [FormulaCase.scalars[0], .scalars[3]] + FormulaCase.vectors {
            for d in [3, 40] {
                let sample = FormulaSample(n: 9, m: 270, d: d)
                let tensors = try sample.tensors(dtype, on: device)
                var kept = sample
                for (index, tensor) in tensors.enumerated() { kept.parts[index].values = try tensor.array(of: Double.self) }
                let result = try formulaCase.formula(FormulaSample.inputs(tensors)).sum()
                #expect(result.dtype == dtype)
                let values = (0..<9).map { kept.values(formulaCase, $0) }
                let expected = values.flatMap { row in row[0].indices.map { k in row.reduce(0) { $0 + $1[k] } } }
                let scale = values.flatMap { row in row[0].indices.map { k in row.reduce(1e-3) { $0 + abs($1[k]) } } }
                let tolerance = dtype == .float64 ? 1e-13 : dtype == .float16 ? 1e-3 : 8e-3
                expectClose(try result.array(of: Double.self), expected, tolerance: tolerance, scale: scale, "\(formulaCase.name) \(d)")
            }
        }
    }

    @Test(arguments: Device.all)
    func secondDerivativesAgreeWithSecondDifferences(device: Device) throws {
        guard device.hasFloat64 else { return }
        for kernel in [
            KernelFunction.gaussian(bandwidth: 0.8), .laplacian(bandwidth: 0.7), .rationalQuadratic(alpha: 0.7, lengthScale: 1.1),
        ] {
            for d in [2, 33] {
                let sample = FormulaSample(n: 3, m: 4, d: d, seed: 9)
                let tensors = try sample.tensors(.float64, on: device)
                try expectGradient(at: [tensors[0], tensors[1]], tolerance: 1e-6, "\(kernel) \(d)") { points in
                    try gradient(at: points[0]) { try kernelProduct(kernel, $0, points[1], tensors[2]).square().sum() }
                }
                try expectGradient(at: [tensors[0], tensors[1]], tolerance: 1e-6, "density \(d)") { points in
                    try gradient(at: points[1]) { try logKernelDensity(at: points[0], samples: $0, bandwidth: 0.9).square().sum() }
                }
            }
        }
    }

    @Test(arguments: Device.all)
    func repeatsBitForBit(device: Device) throws {
        let tensors = try FormulaSample(n: 130, m: 700, d: 40).tensors(on: device)
        func bits() throws -> [[UInt32]] {
            let slopes = try gradient(at: [tensors[0], tensors[1]]) {
                try kernelProduct(.gaussian(bandwidth: 2), $0[0], $0[1], tensors[2]).square().sum()
            }
            return try slopes.map { try $0.array(of: Float.self).map(\.bitPattern) }
        }
        let first = try bits()
        for _ in 0..<3 { #expect(try bits() == first) }
    }
}
