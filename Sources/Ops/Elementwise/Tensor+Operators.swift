import LossKitKernels

// Operators never throw: operands that do not fit give a tensor that carries the error. A Swift number takes the tensor's type,
// but a fractional kind of number (`Double`) turns an integer tensor into float32.

infix operator .== : ComparisonPrecedence
infix operator .!= : ComparisonPrecedence
infix operator .< : ComparisonPrecedence
infix operator .<= : ComparisonPrecedence
infix operator .> : ComparisonPrecedence
infix operator .>= : ComparisonPrecedence
infix operator .&& : LogicalConjunctionPrecedence
infix operator .|| : LogicalDisjunctionPrecedence

extension Tensor {
    public static func + (a: Tensor, b: Tensor) -> Tensor { add(.tensor(a), .tensor(b)) }
    public static func + (a: Tensor, b: Double) -> Tensor { add(.tensor(a), .fraction(b)) }
    public static func + (a: Double, b: Tensor) -> Tensor { add(.fraction(a), .tensor(b)) }
    public static func + (a: Tensor, b: Int) -> Tensor { add(.tensor(a), .whole(b)) }
    public static func + (a: Int, b: Tensor) -> Tensor { add(.whole(a), .tensor(b)) }

    public static func - (a: Tensor, b: Tensor) -> Tensor { subtract(.tensor(a), .tensor(b)) }
    public static func - (a: Tensor, b: Double) -> Tensor { subtract(.tensor(a), .fraction(b)) }
    public static func - (a: Double, b: Tensor) -> Tensor { subtract(.fraction(a), .tensor(b)) }
    public static func - (a: Tensor, b: Int) -> Tensor { subtract(.tensor(a), .whole(b)) }
    public static func - (a: Int, b: Tensor) -> Tensor { subtract(.whole(a), .tensor(b)) }

    public static func * (a: Tensor, b: Tensor) -> Tensor { multiply(.tensor(a), .tensor(b)) }
    public static func * (a: Tensor, b: Double) -> Tensor { multiply(.tensor(a), .fraction(b)) }
    public static func * (a: Double, b: Tensor) -> Tensor { multiply(.fraction(a), .tensor(b)) }
    public static func * (a: Tensor, b: Int) -> Tensor { multiply(.tensor(a), .whole(b)) }
    public static func * (a: Int, b: Tensor) -> Tensor { multiply(.whole(a), .tensor(b)) }

    /// True division: integers give float32.
    public static func / (a: Tensor, b: Tensor) -> Tensor { divide(.tensor(a), .tensor(b)) }
    public static func / (a: Tensor, b: Double) -> Tensor { divide(.tensor(a), .fraction(b)) }
    public static func / (a: Double, b: Tensor) -> Tensor { divide(.fraction(a), .tensor(b)) }
    public static func / (a: Tensor, b: Int) -> Tensor { divide(.tensor(a), .whole(b)) }
    public static func / (a: Int, b: Tensor) -> Tensor { divide(.whole(a), .tensor(b)) }

    public static prefix func - (a: Tensor) -> Tensor { a.negated() }

    public static func .== (a: Tensor, b: Tensor) -> Tensor { compare(.equal, a, .tensor(b), "==") }
    public static func .!= (a: Tensor, b: Tensor) -> Tensor { compare(.notEqual, a, .tensor(b), "!=") }
    public static func .< (a: Tensor, b: Tensor) -> Tensor { compare(.less, a, .tensor(b), "<") }
    public static func .<= (a: Tensor, b: Tensor) -> Tensor { compare(.lessEqual, a, .tensor(b), "<=") }
    public static func .> (a: Tensor, b: Tensor) -> Tensor { compare(.greater, a, .tensor(b), ">") }
    public static func .>= (a: Tensor, b: Tensor) -> Tensor { compare(.greaterEqual, a, .tensor(b), ">=") }
    public static func .== (a: Tensor, b: Double) -> Tensor { compare(.equal, a, .fraction(b), "==") }
    public static func .!= (a: Tensor, b: Double) -> Tensor { compare(.notEqual, a, .fraction(b), "!=") }
    public static func .< (a: Tensor, b: Double) -> Tensor { compare(.less, a, .fraction(b), "<") }
    public static func .<= (a: Tensor, b: Double) -> Tensor { compare(.lessEqual, a, .fraction(b), "<=") }
    public static func .> (a: Tensor, b: Double) -> Tensor { compare(.greater, a, .fraction(b), ">") }
    public static func .>= (a: Tensor, b: Double) -> Tensor { compare(.greaterEqual, a, .fraction(b), ">=") }

    public static func .&& (a: Tensor, b: Tensor) -> Tensor { compare(.logicalAnd, a, .tensor(b), "&&") }
    public static func .|| (a: Tensor, b: Tensor) -> Tensor { compare(.logicalOr, a, .tensor(b), "||") }
    public static prefix func ! (a: Tensor) -> Tensor { apply(.logicalNot, [.tensor(a)], result: .truth, name: "!") }

    private static func compare(_ opcode: Opcode, _ a: Tensor, _ b: Operand, _ name: String) -> Tensor {
        apply(opcode, [.tensor(a), b], result: .truth, name: name)
    }

    private static func add(_ a: Operand, _ b: Operand) -> Tensor {
        binary(.add, a, b, result: .same, name: "+") { cotangent, _, _ in (cotangent, cotangent) }
    }

    private static func subtract(_ a: Operand, _ b: Operand) -> Tensor {
        binary(.subtract, a, b, result: .same, name: "-") { cotangent, _, _ in (cotangent, -cotangent) }
    }

    private static func multiply(_ a: Operand, _ b: Operand) -> Tensor {
        binary(.multiply, a, b, result: .same, name: "*") { cotangent, a, b in (cotangent * b, cotangent * a) }
    }

    private static func divide(_ a: Operand, _ b: Operand) -> Tensor {
        binary(.divide, a, b, result: .floating, name: "/") { cotangent, a, b in
            let quotient = cotangent / b
            return (quotient, -(quotient * a / b))
        }
    }
}
