import LossKitKernels

extension Tensor {
    /// An elementwise operation with its derivative, which `derivative` gives from the operand.
    private func unary(
        _ opcode: Opcode, _ name: String, _ result: ResultType = .floating, derivative: @escaping @Sendable (Tensor) throws -> Tensor
    ) -> Tensor {
        let output = Self.apply(opcode, [.tensor(self)], result: result, name: name)
        guard history != nil else { return output }
        return Self.record("elementwise", inputs: [self], output: output) { [$0.cotangent * (try derivative(self))] }
    }

    /// A step function: its derivative is 0 wherever it has one.
    private func steps(_ opcode: Opcode, _ name: String) -> Tensor {
        Self.apply(opcode, [.tensor(self)], result: .same, name: name)
    }

    private func test(_ opcode: Opcode, _ name: String) -> Tensor {
        Self.apply(opcode, [.tensor(self)], result: .truth, name: name)
    }

    /// -x, in the operand's type.
    public func negated() -> Tensor {
        let output = Self.apply(.negate, [.tensor(self)], result: .same, name: "negated")
        return Self.record("elementwise", inputs: [self], output: output) { [-$0.cotangent] }
    }

    /// |x|, with derivative 0 at 0.
    public func absolute() -> Tensor { unary(.absolute, "absolute", .same) { $0.sign() } }
    /// -1, 0 or 1.
    public func sign() -> Tensor { steps(.sign, "sign") }
    /// 1 / x; gradient -1 / x^2.
    public func reciprocal() -> Tensor { unary(.reciprocal, "reciprocal") { -$0.reciprocal().square() } }
    /// x^2, in the operand's type; gradient 2 x.
    public func square() -> Tensor { unary(.square, "square", .same) { $0 * 2 } }
    /// The square root, with derivative 0 at 0.
    public func squareRoot() -> Tensor {
        unary(.squareRoot, "squareRoot") { x in
            let isZero = x .== 0
            return .select(isZero, try .zeros([], dtype: x.dtype.floating, on: x.device), x.reciprocalSquareRoot() * 0.5)
        }
    }
    /// 1 / sqrt(x); gradient -x^(-3/2) / 2.
    public func reciprocalSquareRoot() -> Tensor {
        unary(.reciprocalSquareRoot, "reciprocalSquareRoot") { x in x.reciprocalSquareRoot() / x * -0.5 }
    }

    /// e^x; gradient e^x.
    public func exp() -> Tensor { unary(.exp, "exp") { $0.exp() } }
    /// 2^x; gradient 2^x ln 2.
    public func exp2() -> Tensor { unary(.exp2, "exp2") { $0.exp2() * 0.6931471805599453 } }
    /// exp(x) - 1 without cancellation near 0.
    public func expm1() -> Tensor { unary(.expm1, "expm1") { $0.exp() } }
    /// The natural logarithm; gradient 1 / x. Minus infinity at 0, NaN below.
    public func log() -> Tensor { unary(.log, "log") { $0.reciprocal() } }
    /// The logarithm to base 2; gradient 1 / (x ln 2).
    public func log2() -> Tensor { unary(.log2, "log2") { $0.reciprocal() * 1.4426950408889634 } }
    /// The logarithm to base 10; gradient 1 / (x ln 10).
    public func log10() -> Tensor { unary(.log10, "log10") { $0.reciprocal() * 0.4342944819032518 } }
    /// log(1 + x) without cancellation near 0.
    public func log1p() -> Tensor { unary(.log1p, "log1p") { ($0 + 1).reciprocal() } }

    /// The sine of x in radians; gradient cos x.
    public func sin() -> Tensor { unary(.sin, "sin") { $0.cos() } }
    /// The cosine of x in radians; gradient -sin x.
    public func cos() -> Tensor { unary(.cos, "cos") { -$0.sin() } }
    /// The tangent of x in radians; gradient 1 + tan^2 x.
    public func tan() -> Tensor { unary(.tan, "tan") { $0.tan().square() + 1 } }
    /// The angle in -pi/2...pi/2 whose sine is x, NaN outside -1...1; gradient 1 / sqrt(1 - x^2).
    public func asin() -> Tensor { unary(.asin, "asin") { (1 - $0.square()).reciprocalSquareRoot() } }
    /// The angle in 0...pi whose cosine is x, NaN outside -1...1; gradient -1 / sqrt(1 - x^2).
    public func acos() -> Tensor { unary(.acos, "acos") { -(1 - $0.square()).reciprocalSquareRoot() } }
    /// The angle in -pi/2...pi/2 whose tangent is x; gradient 1 / (1 + x^2).
    public func atan() -> Tensor { unary(.atan, "atan") { ($0.square() + 1).reciprocal() } }
    /// (e^x - e^-x) / 2; gradient cosh x.
    public func sinh() -> Tensor { unary(.sinh, "sinh") { $0.cosh() } }
    /// (e^x + e^-x) / 2; gradient sinh x.
    public func cosh() -> Tensor { unary(.cosh, "cosh") { $0.sinh() } }
    /// The hyperbolic tangent; gradient 1 - tanh^2 x.
    public func tanh() -> Tensor { unary(.tanh, "tanh") { 1 - $0.tanh().square() } }
    /// The inverse of sinh; gradient 1 / sqrt(x^2 + 1).
    public func asinh() -> Tensor { unary(.asinh, "asinh") { ($0.square() + 1).reciprocalSquareRoot() } }
    /// The inverse of cosh, NaN below 1; gradient 1 / sqrt(x^2 - 1).
    public func acosh() -> Tensor { unary(.acosh, "acosh") { ($0.square() - 1).reciprocalSquareRoot() } }
    /// The inverse of tanh, NaN outside -1...1; gradient 1 / (1 - x^2).
    public func atanh() -> Tensor { unary(.atanh, "atanh") { (1 - $0.square()).reciprocal() } }

    /// 1 / (1 + exp(-x)).
    public func sigmoid() -> Tensor { unary(.sigmoid, "sigmoid") { x in x.sigmoid() * (-x).sigmoid() } }
    /// log(1 + exp(x)), finite for every finite x.
    public func softplus() -> Tensor { unary(.softplus, "softplus") { $0.sigmoid() } }
    /// log of the sigmoid, finite for every finite x.
    public func logSigmoid() -> Tensor { -(-self).softplus() }
    /// max(x, 0); NaN stays, the derivative at 0 is 0.
    public func relu() -> Tensor {
        let output = Self.apply(.maximum, [.tensor(self), .whole(0)], result: .same, name: "relu")
        return Self.record("relu", inputs: [self], output: output) { [$0.cotangent * (self .> 0).asType($0.cotangent.dtype)] }
    }
    /// x Phi(x) with the normal distribution function by erf (not the tanh approximation).
    ///
    /// Accurate relatively in both tails.
    public func gelu() -> Tensor { unary(.gelu, "gelu") { $0.geluSlope() } }

    /// The derivative of ``gelu()``: Phi(x) + x phi(x).
    private func geluSlope() -> Tensor {
        unary(.geluSlope, "gelu") { x in
            let density = (x.square() * -0.5).exp() * 0.3989422804014327
            return density * (2 - x.square())
        }
    }

    /// The error function, 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x; gradient 2 / sqrt(pi) e^(-x^2).
    public func erf() -> Tensor { unary(.erf, "erf") { (-$0.square()).exp() * 1.1283791670955126 } }
    /// 1 - erf(x) without cancellation.
    public func erfc() -> Tensor { unary(.erfc, "erfc") { (-$0.square()).exp() * -1.1283791670955126 } }
    /// The inverse of erf on (-1, 1).
    public func erfInverse() -> Tensor { unary(.erfInverse, "erfInverse") { $0.erfInverse().square().exp() * 0.886226925452758 } }
    /// log |Gamma(x)|.
    public func logGamma() -> Tensor { unary(.logGamma, "logGamma") { $0.digamma() } }
    /// The derivative of ``logGamma()``.
    public func digamma() -> Tensor { unary(.digamma, "digamma") { $0.trigamma() } }
    /// The derivative of ``digamma()``; its own is not provided.
    public func trigamma() -> Tensor {
        unary(.trigamma, "trigamma") { _ in throw TensorError.notDifferentiable(operation: "trigamma", order: 1) }
    }

    /// The largest whole number that is not above x; the derivative is 0.
    public func floor() -> Tensor { steps(.floor, "floor") }
    /// The smallest whole number that is not below x; the derivative is 0.
    public func ceil() -> Tensor { steps(.ceil, "ceil") }
    /// To the nearest whole number, halves to even.
    public func round() -> Tensor { steps(.round, "round") }
    /// The whole number next to x toward zero; the derivative is 0.
    public func truncate() -> Tensor { steps(.truncate, "truncate") }
    /// Whether elements are not a number, as bool.
    public func isNaN() -> Tensor { test(.isNaN, "isNaN") }
    /// Whether elements are plus or minus infinity, as bool.
    public func isInfinite() -> Tensor { test(.isInfinite, "isInfinite") }
    /// Whether elements are neither infinite nor NaN, as bool.
    public func isFinite() -> Tensor { test(.isFinite, "isFinite") }
}
