import Foundation
import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// One elementwise function with its reference in C's double arithmetic.
struct Unary: Sendable, CustomTestStringConvertible {
    var name: String
    var range: ClosedRange<Double>
    var function: @Sendable (Tensor) -> Tensor
    var reference: @Sendable (Double) -> Double
    var testDescription: String { name }

    static let all: [Unary] = [
        .init(name: "negated", range: -3...3, function: { -$0 }, reference: { -$0 }),
        .init(name: "absolute", range: -3...3, function: { $0.absolute() }, reference: { abs($0) }),
        .init(name: "reciprocal", range: 0.3...3, function: { $0.reciprocal() }, reference: { 1 / $0 }),
        .init(name: "square", range: -3...3, function: { $0.square() }, reference: { $0 * $0 }),
        .init(name: "squareRoot", range: 0.1...9, function: { $0.squareRoot() }, reference: { sqrt($0) }),
        .init(name: "reciprocalSquareRoot", range: 0.1...9, function: { $0.reciprocalSquareRoot() }, reference: { 1 / sqrt($0) }),
        .init(name: "exp", range: -20...20, function: { $0.exp() }, reference: { exp($0) }),
        .init(name: "exp2", range: -9...9, function: { $0.exp2() }, reference: { exp2($0) }),
        .init(name: "expm1", range: -2...2, function: { $0.expm1() }, reference: { expm1($0) }),
        .init(name: "log", range: 0.01...90, function: { $0.log() }, reference: { log($0) }),
        .init(name: "log2", range: 0.01...90, function: { $0.log2() }, reference: { log2($0) }),
        .init(name: "log10", range: 0.01...90, function: { $0.log10() }, reference: { log10($0) }),
        .init(name: "log1p", range: -0.9...9, function: { $0.log1p() }, reference: { log1p($0) }),
        .init(name: "sin", range: -3...3, function: { $0.sin() }, reference: { sin($0) }),
        .init(name: "cos", range: -3...3, function: { $0.cos() }, reference: { cos($0) }),
        .init(name: "tan", range: -1...1, function: { $0.tan() }, reference: { tan($0) }),
        .init(name: "asin", range: -0.9...0.9, function: { $0.asin() }, reference: { asin($0) }),
        .init(name: "acos", range: -0.9...0.9, function: { $0.acos() }, reference: { acos($0) }),
        .init(name: "atan", range: -3...3, function: { $0.atan() }, reference: { atan($0) }),
        .init(name: "sinh", range: -3...3, function: { $0.sinh() }, reference: { sinh($0) }),
        .init(name: "cosh", range: -3...3, function: { $0.cosh() }, reference: { cosh($0) }),
        .init(name: "tanh", range: -3...3, function: { $0.tanh() }, reference: { tanh($0) }),
        .init(name: "asinh", range: -3...3, function: { $0.asinh() }, reference: { asinh($0) }),
        .init(name: "acosh", range: 1.2...9, function: { $0.acosh() }, reference: { acosh($0) }),
        .init(name: "atanh", range: -0.9...0.9, function: { $0.atanh() }, reference: { atanh($0) }),
        .init(name: "sigmoid", range: -9...9, function: { $0.sigmoid() }, reference: { 1 / (1 + exp(-$0)) }),
        .init(name: "softplus", range: -9...9, function: { $0.softplus() }, reference: { max($0, 0) + log1p(exp(-abs($0))) }),
        .init(name: "logSigmoid", range: -9...9, function: { $0.logSigmoid() }, reference: { min($0, 0) - log1p(exp(-abs($0))) }),
        .init(name: "relu", range: 0.1...3, function: { $0.relu() }, reference: { max($0, 0) }),
        .init(name: "gelu", range: -3...3, function: { $0.gelu() }, reference: { 0.5 * $0 * (1 + erf($0 / sqrt(2))) }),
        .init(name: "erf", range: -3...3, function: { $0.erf() }, reference: { erf($0) }),
        .init(name: "erfc", range: -3...3, function: { $0.erfc() }, reference: { erfc($0) }),
        .init(name: "logGamma", range: 0.1...20, function: { $0.logGamma() }, reference: { lgamma($0) }),
        .init(
            name: "digamma", range: 0.2...20, function: { $0.digamma() },
            reference: { x in (lgamma(x + 1e-5) - lgamma(x - 1e-5)) / 2e-5 }),
        .init(name: "erfInverse of erf", range: -1.5...1.5, function: { $0.erf().erfInverse() }, reference: { $0 }),
        .init(name: "power 3.5", range: 0.2...3, function: { $0.power(3.5) }, reference: { pow($0, 3.5) }),
    ]
}

@Suite struct ElementwiseTests {
    @Test(arguments: Device.all, Unary.all)
    func agreesWithDoubleArithmetic(device: Device, unary: Unary) throws {
        var random = SplitMix64(seed: 7)
        let values = random.values(1031, in: unary.range).map { Double(Float($0)) }
        let single = try unary.function(Tensor(values.map(Float.init), on: device))
        let loose = unary.name == "erfInverse of erf" ? 8.0 : 1
        try expectClose(single, values.map(unary.reference), tolerance: unary.name == "power 3.5" ? 1e-6 : 5e-7 * loose, unary.name)
        guard device.hasFloat64 else { return }
        let double = try unary.function(Tensor(values, on: device))
        #expect(double.dtype == .float64)
        try expectClose(double, values.map(unary.reference), tolerance: unary.name == "digamma" ? 1e-8 : 1e-12, unary.name)
    }

    @Test(arguments: Device.all, Unary.all)
    func gradientsAgreeWithDifferences(device: Device, unary: Unary) throws {
        guard device.hasFloat64 else { return }
        var random = SplitMix64(seed: 9)
        let x = try Tensor(random.values(7, in: unary.range), on: device)
        try expectGradient(at: [x], tolerance: 2e-6, unary.name) { unary.function($0[0]) }
        guard unary.name != "digamma" else {
            #expect(throws: TensorError.notDifferentiable(operation: "trigamma", order: 1)) {
                try gradient(at: x) { try gradient(at: $0) { try unary.function($0).sum() }.sum() }
            }
            return
        }
        try expectGradient(at: [x], tolerance: 2e-5, "second " + unary.name) { try gradient(at: $0[0]) { try unary.function($0).sum() } }
    }

    @Test(arguments: Device.all)
    func broadcastsAndDifferentiatesBinaries(device: Device) throws {
        var random = SplitMix64(seed: 3)
        let shapes: [([Int], [Int])] = [([3, 4], [3, 4]), ([3, 4], [4]), ([3, 1], [1, 4]), ([], [2, 3]), ([2, 1, 3], [5, 1]), ([0, 3], [3])]
        for (left, right) in shapes {
            let a = try Tensor(random.values(left.reduce(1, *), in: 0.5...2), shape: left, on: device)
            let b = try Tensor(random.values(right.reduce(1, *), in: 0.5...2), shape: right, on: device)
            let functions: [(String, @Sendable ([Tensor]) throws -> Tensor)] = [
                ("+", { $0[0] + $0[1] }), ("-", { $0[0] - $0[1] }), ("*", { $0[0] * $0[1] }), ("/", { $0[0] / $0[1] }),
                ("power", { $0[0].power($0[1]) }), ("maximum", { Tensor.maximum($0[0], $0[1]) }), ("atan2", { $0[0].atan2($0[1]) }),
                ("mixed", { ($0[0] * 2 - $0[1]).tanh() / (3 + $0[1]) }),
            ]
            for (name, function) in functions { try expectGradient(at: [a, b], tolerance: 1e-6, "\(name) \(left) \(right)", of: function) }
        }
    }

    @Test(arguments: Device.all)
    func keepsNaN(device: Device) throws {
        let x = try Tensor([Float.nan, 1, -1], on: device)
        #expect(try Tensor.maximum(x, Tensor([Float(0)], on: device)).array(of: Float.self)[0].isNaN)
        #expect(try x.relu().array(of: Float.self)[0].isNaN)
        #expect(try x.clamped(min: 0, max: 1).array(of: Float.self)[0].isNaN)
        #expect(try x.max().scalar().isNaN)
        #expect(try x.isNaN().booleans() == [true, false, false])
    }

    @Test(arguments: Device.all, DType.allCases)
    func convertsBetweenTypes(device: Device, dtype: DType) throws {
        guard dtype != .float64 || device.hasFloat64 else { return }
        let values: [Float] = [0, 1, 2, 3, 100, 0.5, 1.0009765, 65504, 3e38]
        let expected: [Double] =
            switch dtype {
            case .float32, .float64: values.map(Double.init)
            case .float16: values.map { Double(Float16($0)) }
            case .bfloat16:
                values.map { x in
                    let bits = x.bitPattern
                    return Double(Float(bitPattern: (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000))
                }
            case .int32: values.map { $0 > 2e9 ? 2147483647 : Double(Int32($0)) }
            case .int64: values.map { $0 > 9e18 ? Double(Int64.max) : Double(Int64($0)) }
            case .uint8: Array(values.map { Double(UInt8(truncatingIfNeeded: $0 > 9e18 ? Int64.max : Int64($0))) })
            case .bool: values.map { $0 == 0 ? 0 : 1 }
            }
        let converted = try Tensor(values, on: device).asType(dtype)
        #expect(converted.dtype == dtype)
        try expectClose(converted, expected, tolerance: 0, "\(dtype)")
        try expectClose(converted.asType(.float64), expected, tolerance: 0, "\(dtype)")
    }

    @Test(arguments: Device.all)
    func errorsTravelWithTheTensor(device: Device) throws {
        let a = try Tensor([1.0, 2, 3] as [Float], on: device)
        let b = try Tensor([1.0, 2] as [Float], on: device)
        let broken = (a + b).exp() * 2
        #expect(throws: TensorError.shapeMismatch(operation: "+", expected: "shapes that broadcast together", actual: [[3], [2]])) {
            try broken.sum().scalar()
        }
        #expect(try a.array(of: Float.self) == [1, 2, 3])
    }

    @Test(.disabled(if: Environment.fusion == "off", "nothing is fused then"), arguments: Device.all)
    func aChainIsOneLaunch(device: Device) throws {
        let x = try Tensor([Float](repeating: 0.5, count: 100_000), on: device)
        let (sum, cost) = try Profiler.measure {
            try (((x * 2 + x).gelu()) * x).sum().scalar()
        }
        let reference = 0.5 * 1.5 * 0.5 * (1 + erf(1.5 / sqrt(2)))
        expectClose([sum / 100_000], [reference], tolerance: 1e-6)
        #expect(cost.launches == 2, "the chain with its sum, and the conversion of the result to float64")
        #expect(cost.peakBytes < 100_000)
    }

    @Test(arguments: Device.all)
    func integersStayWhole(device: Device) throws {
        let a = try Tensor([7, -7, 5, 0] as [Int32], on: device)
        let b = try Tensor([2, 2, -3, 0] as [Int32], on: device)
        #expect(try (a * 2).array(of: Int32.self) == [14, -14, 10, 0])
        #expect(try a.floorDivided(by: b).array(of: Int32.self) == [3, -4, -2, 0])
        #expect(try a.remainder(b).array(of: Int32.self) == [1, 1, -1, 0])
        #expect((a / b).dtype == .float32)
        #expect((a * 0.5).dtype == .float32)
        #expect(try a.sum().dtype == .int64)
        let large = try Tensor([Int64(1) << 53 + 1, 1], on: device)
        #expect(try (large + 1).array(of: Int64.self) == [Int64(1) << 53 + 2, 2])
    }
}
