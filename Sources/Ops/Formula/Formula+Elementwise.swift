import LossKitKernels

extension Formula {
    /// The sum.
    public static func + (a: Formula, b: Formula) -> Formula { apply(.add, [a, b]) }
    /// The difference.
    public static func - (a: Formula, b: Formula) -> Formula { apply(.subtract, [a, b]) }
    /// The product, coordinate by coordinate.
    public static func * (a: Formula, b: Formula) -> Formula { apply(.multiply, [a, b]) }
    /// The quotient, coordinate by coordinate.
    public static func / (a: Formula, b: Formula) -> Formula { apply(.divide, [a, b]) }
    /// The sum with a number.
    public static func + (a: Formula, b: Double) -> Formula { a + .constant(b) }
    /// The sum with a number.
    public static func + (a: Double, b: Formula) -> Formula { .constant(a) + b }
    /// The difference to a number.
    public static func - (a: Formula, b: Double) -> Formula { a - .constant(b) }
    /// The difference to a number.
    public static func - (a: Double, b: Formula) -> Formula { .constant(a) - b }
    /// The product with a number.
    public static func * (a: Formula, b: Double) -> Formula { a * .constant(b) }
    /// The product with a number.
    public static func * (a: Double, b: Formula) -> Formula { .constant(a) * b }
    /// The quotient by a number.
    public static func / (a: Formula, b: Double) -> Formula { a / .constant(b) }
    /// The quotient of a number.
    public static func / (a: Double, b: Formula) -> Formula { .constant(a) / b }
    /// The negative.
    public static prefix func - (a: Formula) -> Formula { apply(.multiply, [.constant(-1), a]) }

    /// 1 where a < b, else 0.
    public static func .< (a: Formula, b: Formula) -> Formula { apply(.less, [a, b]) }
    /// 1 where a <= b, else 0.
    public static func .<= (a: Formula, b: Formula) -> Formula { apply(.lessEqual, [a, b]) }
    /// 1 where a > b, else 0.
    public static func .> (a: Formula, b: Formula) -> Formula { apply(.greater, [a, b]) }
    /// 1 where a >= b, else 0.
    public static func .>= (a: Formula, b: Formula) -> Formula { apply(.greaterEqual, [a, b]) }
    /// 1 where a = b, else 0.
    public static func .== (a: Formula, b: Formula) -> Formula { apply(.equal, [a, b]) }
    /// 1 where they differ, else 0.
    public static func .!= (a: Formula, b: Formula) -> Formula { apply(.notEqual, [a, b]) }

    /// `a` where the condition is not 0, else `b`.
    public static func select(_ condition: Formula, _ a: Formula, _ b: Formula) -> Formula { apply(.select, [condition, a, b]) }
    /// The smaller; NaN where either is, the derivative to the first of equals.
    public static func minimum(_ a: Formula, _ b: Formula) -> Formula { apply(.minimum, [a, b]) }
    /// The larger; NaN where either is, the derivative to the first of equals.
    public static func maximum(_ a: Formula, _ b: Formula) -> Formula { apply(.maximum, [a, b]) }

    /// |a|, with derivative 0 at 0.
    public func absolute() -> Formula { Self.apply(.absolute, [self]) }
    /// -1, 0 or 1.
    public func sign() -> Formula { Self.apply(.sign, [self]) }
    /// 1 / a.
    public func reciprocal() -> Formula { Self.apply(.reciprocal, [self]) }
    /// a^2.
    public func square() -> Formula { Self.apply(.square, [self]) }
    /// The square root, with derivative 0 at 0.
    public func squareRoot() -> Formula { Self.apply(.squareRoot, [self]) }
    /// 1 / sqrt(a).
    public func reciprocalSquareRoot() -> Formula { Self.apply(.reciprocalSquareRoot, [self]) }
    /// `a` to the power of `exponent`.
    public func power(_ exponent: Formula) -> Formula { Self.apply(.power, [self, exponent]) }
    /// e^a.
    public func exp() -> Formula { Self.apply(.exp, [self]) }
    /// e^a - 1 without cancellation near 0.
    public func expm1() -> Formula { Self.apply(.expm1, [self]) }
    /// The natural logarithm.
    public func log() -> Formula { Self.apply(.log, [self]) }
    /// log(1 + a) without cancellation near 0.
    public func log1p() -> Formula { Self.apply(.log1p, [self]) }
    /// The sine.
    public func sin() -> Formula { Self.apply(.sin, [self]) }
    /// The cosine.
    public func cos() -> Formula { Self.apply(.cos, [self]) }
    /// The angle whose tangent is a.
    public func atan() -> Formula { Self.apply(.atan, [self]) }
    /// The angle whose sine is a.
    public func asin() -> Formula { Self.apply(.asin, [self]) }
    /// The angle whose cosine is a.
    public func acos() -> Formula { Self.apply(.acos, [self]) }
    /// (e^a - e^-a) / 2.
    public func sinh() -> Formula { Self.apply(.sinh, [self]) }
    /// (e^a + e^-a) / 2.
    public func cosh() -> Formula { Self.apply(.cosh, [self]) }
    /// The inverse of sinh.
    public func asinh() -> Formula { Self.apply(.asinh, [self]) }
    /// The inverse of cosh, NaN below 1.
    public func acosh() -> Formula { Self.apply(.acosh, [self]) }
    /// The hyperbolic tangent.
    public func tanh() -> Formula { Self.apply(.tanh, [self]) }
    /// 1 / (1 + e^-a).
    public func sigmoid() -> Formula { Self.apply(.sigmoid, [self]) }
    /// log(1 + e^a).
    public func softplus() -> Formula { Self.apply(.softplus, [self]) }
    /// max(a, 0), with derivative 0 at 0.
    public func relu() -> Formula { Self.maximum(.constant(0), self) }
    /// The error function.
    public func erf() -> Formula { Self.apply(.erf, [self]) }

    /// The sum over coordinates; a scalar is its own.
    public func coordinateSum() -> Formula {
        switch node.kind {
        case .failed: return self
        case .apply(.multiply, let operands):
            // A scalar factor stays outside.
            for (index, operand) in operands.enumerated() where operand.extent == 1 && node.extent > 1 {
                return Formula(operand) * Formula(operands[1 - index]).coordinateSum()
            }
        default: break
        }
        guard node.coordinates != nil else { return self }
        return Formula(Node(.total(node), coordinates: nil))
    }

    /// The inner product, sum_k a_k b_k.
    public func dot(_ other: Formula) -> Formula { (self * other).coordinateSum() }
    /// sum_k a_k^2.
    public func squaredNorm() -> Formula { square().coordinateSum() }
    /// The Euclidean norm, with derivative 0 at 0.
    public func norm() -> Formula { squaredNorm().squareRoot() }
    /// |a - b|^2.
    public func squaredDistance(to other: Formula) -> Formula { (self - other).squaredNorm() }
    /// |a - b|, with derivative 0 at equal points.
    public func distance(to other: Formula) -> Formula { (self - other).norm() }
}
