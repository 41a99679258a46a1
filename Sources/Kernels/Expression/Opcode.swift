/// One elementwise operation of a fused expression.
///
/// NaN in gives NaN out of `minimum` and `maximum`; comparisons and logic yield 0 or 1 in the arithmetic type;
/// `remainder` has the sign of the divisor, as NumPy's does; `round` goes to even; division by zero follows IEEE 754
/// for floating point and yields 0 for integers.
package enum Opcode: Int32, Sendable, Hashable, CaseIterable {
    // Sources of values: `a` indexes the leaves or the constants.
    case leaf = 0, constant
    // Two operands.
    case add, subtract, multiply, divide, remainder, floorDivide, power, atan2, minimum, maximum
    case equal, notEqual, less, lessEqual, greater, greaterEqual
    case logicalAnd, logicalOr, logicalXor
    case bitwiseAnd, bitwiseOr, bitwiseXor, shiftLeft, shiftRight
    // One operand.
    case negate, absolute, sign, reciprocal, square, squareRoot, reciprocalSquareRoot
    case exp, exp2, expm1, log, log2, log10, log1p
    case sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh
    case sigmoid, softplus, gelu, erf, erfc, erfInverse, logGamma, digamma, trigamma
    case floor, ceil, round, truncate
    case isNaN, isInfinite, isFinite, logicalNot
    // Three operands: `a` chooses between `b` and `c`.
    case select
    // One operand again: the value that a narrower type keeps.
    case roundToFloat32, roundToFloat16, roundToBFloat16
    /// The derivative of `gelu`.
    case geluSlope

    /// Whether truth values give 0 or 1.
    package var isTruth: Bool {
        switch self {
        case .leaf, .constant, .select, .minimum, .maximum, .multiply, .absolute, .square, .bitwiseAnd, .bitwiseOr, .bitwiseXor: true
        case .isNaN, .isInfinite, .isFinite, .logicalNot: true
        default: Opcode.equal.rawValue...Opcode.logicalXor.rawValue ~= rawValue
        }
    }

    /// How many operands the operation reads from earlier values.
    package var arity: Int {
        switch self {
        case .leaf, .constant: 0
        case .select: 3
        default: rawValue < Opcode.negate.rawValue ? 2 : 1
        }
    }
}
