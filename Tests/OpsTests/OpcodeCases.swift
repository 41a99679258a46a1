import Foundation
import LossKitKernels
import LossKitTestSupport
import Testing

/// An elementwise function of floating-point numbers, its reference in double, and how far from it a result may be.
struct OpcodeCase: Sendable, CustomTestStringConvertible {
    var opcode: Opcode
    /// Where random arguments are drawn from; special values come on top.
    var ranges: [ClosedRange<Double>]
    /// Ulps of float32 and of float64 that results may be off.
    var single: Double
    var double: Double
    /// Ulps by which the arguments may be off besides: what is lost to cancellation near zeros of the function.
    var argument: Double
    var reference: @Sendable ([Double]) -> Double
    var testDescription: String { "\(opcode)" }

    init(
        _ opcode: Opcode, _ ranges: [ClosedRange<Double>] = [-3...3, -90...90], single: Double = 0.5, double: Double = 0.5,
        argument: Double = 0,
        _ reference: @escaping @Sendable (Double) -> Double
    ) {
        self.init(opcode, pairs: ranges, single: single, double: double, argument: argument) { reference($0[0]) }
    }

    init(
        _ opcode: Opcode, pairs: [ClosedRange<Double>] = [-3...3, -1e4...1e4], single: Double = 0.5, double: Double = 0.5,
        argument: Double = 0,
        _ reference: @escaping @Sendable ([Double]) -> Double
    ) {
        self.opcode = opcode
        ranges = pairs
        self.single = single
        self.double = double
        self.argument = argument
        self.reference = reference
    }

    private static func truth(_ value: Bool) -> Double { value ? 1 : 0 }

    /// Bounds are what OpenCL grants, and what was measured, rounded up, for functions of our own.
    static let all: [OpcodeCase] = [
        .init(.add, pairs: [-3...3, -1e30...1e30]) { $0[0] + $0[1] },
        .init(.subtract, pairs: [-3...3, -1e30...1e30]) { $0[0] - $0[1] },
        .init(.multiply, pairs: [-3...3, -1e19...1e19]) { $0[0] * $0[1] },
        .init(.divide, pairs: [-3...3, -1e19...1e19], single: 2.5) { $0[0] / $0[1] },
        .init(.remainder, pairs: [-3...3, -1000...1000], single: 1, double: 1) { remainderReference($0[0], $0[1]) },
        .init(.floorDivide, pairs: [-3...3, -1000...1000]) { floorDivideReference($0[0], $0[1]) },
        .init(.power, pairs: [0.01...9, -9...9], single: 16, double: 16) { pow($0[0], $0[1]) },
        .init(.atan2, pairs: [-3...3, -1e9...1e9], single: 6, double: 6) { atan2($0[0], $0[1]) },
        .init(.minimum) { $0[0].isNaN || $0[1].isNaN ? .nan : min($0[0], $0[1]) },
        .init(.maximum) { $0[0].isNaN || $0[1].isNaN ? .nan : max($0[0], $0[1]) },
        .init(.equal) { truth($0[0] == $0[1]) }, .init(.notEqual) { truth($0[0] != $0[1]) },
        .init(.less) { truth($0[0] < $0[1]) }, .init(.lessEqual) { truth($0[0] <= $0[1]) },
        .init(.greater) { truth($0[0] > $0[1]) }, .init(.greaterEqual) { truth($0[0] >= $0[1]) },
        .init(.logicalAnd) { truth($0[0] != 0 && $0[1] != 0) }, .init(.logicalOr) { truth($0[0] != 0 || $0[1] != 0) },
        .init(.logicalXor) { truth(($0[0] != 0) != ($0[1] != 0)) },
        .init(.select) { $0[0] != 0 ? $0[1] : $0[2] },

        .init(.negate) { -$0 }, .init(.absolute) { abs($0) },
        .init(.sign) { $0.isNaN ? $0 : $0 > 0 ? 1 : $0 < 0 ? -1 : 0 },
        .init(.reciprocal, single: 2.5) { 1 / $0 }, .init(.square) { $0 * $0 },
        .init(.squareRoot, [0...9, 0...1e30], single: 3) { $0.squareRoot() },
        .init(.reciprocalSquareRoot, [0...9, 0...1e30], single: 2, double: 2) { 1 / $0.squareRoot() },
        .init(.exp, single: 3, double: 3) { Foundation.exp($0) }, .init(.exp2, single: 3, double: 3) { Foundation.exp2($0) },
        .init(.expm1, [-0.01...0.01, -3...3, -90...90], single: 3, double: 3) { Foundation.expm1($0) },
        .init(.log, [0...3, 0.9...1.1, 0...1e30], single: 3, double: 3) { Foundation.log($0) },
        .init(.log2, [0...3, 0.9...1.1, 0...1e30], single: 3, double: 3) { Foundation.log2($0) },
        .init(.log10, [0...3, 0.9...1.1, 0...1e30], single: 3, double: 3) { Foundation.log10($0) },
        .init(.log1p, [-1...1, -0.01...0.01, -1...1e30], single: 3, double: 2) { Foundation.log1p($0) },
        .init(.sin, [-3...3, 3.1...3.2, -1000...1000], single: 4, double: 4) { Foundation.sin($0) },
        .init(.cos, [-3...3, 1.5...1.6, -1000...1000], single: 4, double: 4) { Foundation.cos($0) },
        .init(.tan, [-3...3, 1.5...1.6, 3.1...3.2, -1000...1000], single: 5, double: 5) { Foundation.tan($0) },
        .init(.asin, [-1...1, 0.99...1], single: 4, double: 4) { Foundation.asin($0) },
        .init(.acos, [-1...1, 0.99...1], single: 4, double: 4) { Foundation.acos($0) },
        .init(.atan, single: 5, double: 5) { Foundation.atan($0) },
        .init(.sinh, single: 4, double: 4) { Foundation.sinh($0) }, .init(.cosh, single: 4, double: 4) { Foundation.cosh($0) },
        .init(.tanh, [-0.01...0.01, -3...3, -20...20], single: 5, double: 5) { Foundation.tanh($0) },
        .init(.asinh, [-0.01...0.01, -3...3, -1e30...1e30], single: 4, double: 4) { Foundation.asinh($0) },
        .init(.acosh, [1...3, 1...1.01, 1...1e30], single: 4, double: 4) { Foundation.acosh($0) },
        .init(.atanh, [-1...1, -0.01...0.01, 0.99...1], single: 5, double: 5) { Foundation.atanh($0) },
        .init(.sigmoid, [-3...3, -110...110], single: 4, double: 4, sigmoidReference),
        .init(.softplus, [-3...3, -110...110], single: 4, double: 4, softplusReference),
        .init(.gelu, [-3...3, -14...14, -0.01...0.01], single: 6, double: 4, argument: 2, geluReference),
        .init(.geluSlope, [-3...3, -14...14, -0.76 ... -0.74], single: 5, double: 4, argument: 4) { x in
            abs(x) > 40 ? (x > 0 ? 1 : 0) : 0.5 * erfc(-x / 2.squareRoot()) + x * Foundation.exp(-x * x / 2) / (2 * Double.pi).squareRoot()
        },
        .init(.erf, [-3...3, -0.01...0.01], single: 4, double: 4) { Foundation.erf($0) },
        .init(.erfc, [-3...3, -12...12], single: 5, double: 16, argument: 1) { Foundation.erfc($0) },
        .init(.erfInverse, [-1...1, 0.999...1, -0.01...0.01], single: 8, double: 8, argument: 2, erfInverseReference),
        .init(.logGamma, [0...5, 0.9...1.1, 1.9...2.1, -6...0, 3...1e30], single: 8, double: 8, argument: 4) { lgamma($0) },
        .init(.digamma, [0...5, 1.4...1.5, -6...0, 3...1e30], single: 8, double: 32, argument: 8, digammaReference),
        .init(.trigamma, [0...5, -6...0, 3...1e9], single: 8, double: 32, argument: 8, trigammaReference),
        .init(.floor) { Foundation.floor($0) }, .init(.ceil) { Foundation.ceil($0) },
        .init(.round) { $0.rounded(.toNearestOrEven) }, .init(.truncate) { $0.rounded(.towardZero) },
        .init(.isNaN) { truth($0.isNaN) }, .init(.isInfinite) { truth($0.isInfinite) }, .init(.isFinite) { truth($0.isFinite) },
        .init(.logicalNot) { truth($0 == 0) },
        .init(.roundToFloat32) { Double(Float($0)) }, .init(.roundToFloat16) { DType.float16.nearest(Double(Float($0))) },
        .init(.roundToBFloat16) { DType.bfloat16.nearest(Double(Float($0))) },
    ]
}
