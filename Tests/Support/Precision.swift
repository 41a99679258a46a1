import Foundation
import LossKit

extension DType {
    /// Bits after the leading one, and the exponent of the smallest normal number.
    private var format: (fraction: Int, least: Int, greatest: Double) {
        switch self {
        case .float16: (10, -14, 65504)
        case .bfloat16: (7, -126, 0x1.FEp127)
        case .float64: (52, -1022, .greatestFiniteMagnitude)
        default: (23, -126, Double(Float.greatestFiniteMagnitude))
        }
    }

    /// The distance between neighbouring numbers of a floating-point type at a value.
    public func ulp(at value: Double) -> Double {
        let (fraction, least, greatest) = format
        let size = min(abs(value), greatest)
        let exponent = size == 0 ? least : max(Int(size.exponent), least)
        return Double(sign: .plus, exponent: exponent - fraction, significand: 1)
    }

    /// A value as a floating-point type keeps it.
    public func nearest(_ value: Double) -> Double {
        guard self != .float64, value.isFinite, value != 0 else { return value }
        let quantum = ulp(at: value)
        let result = (value / quantum).rounded(.toNearestOrEven) * quantum
        return abs(result) > format.greatest ? (result < 0 ? -.infinity : .infinity) : result
    }

    /// How far a result is from what is right, in ulps of this type; infinite where one of them is not finite and they differ.
    public func error(of actual: Double, from expected: Double, slack: Double = 0) -> Double {
        if actual == expected || (actual.isNaN && expected.isNaN) { return 0 }
        // What overflows may be the greatest number, and the other way round.
        let (fraction, _, greatest) = format
        let limit = greatest * (1 + Foundation.exp2(-Double(fraction)))
        func bounded(_ value: Double) -> Double { abs(value) > greatest ? (value < 0 ? -limit : limit) : value }
        guard !actual.isNaN, !expected.isNaN else { return .infinity }
        let (a, e) = (bounded(actual), bounded(expected))
        return max(0, abs(a - e) - slack) / ulp(at: e)
    }
}
