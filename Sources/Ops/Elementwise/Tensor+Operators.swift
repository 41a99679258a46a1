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
    /// The sum, element by element with broadcasting; gradient g for each operand.
    public static func + (a: Tensor, b: Tensor) -> Tensor { add(.tensor(a), .tensor(b)) }
    /// The sum of each element and a number.
    public static func + (a: Tensor, b: Double) -> Tensor { add(.tensor(a), .fraction(b)) }
    /// The sum of a number and each element.
    public static func + (a: Double, b: Tensor) -> Tensor { add(.fraction(a), .tensor(b)) }
    /// The sum of each element and a whole number.
    public static func + (a: Tensor, b: Int) -> Tensor { add(.tensor(a), .whole(b)) }
    /// The sum of a whole number and each element.
    public static func + (a: Int, b: Tensor) -> Tensor { add(.whole(a), .tensor(b)) }

    /// The difference, element by element with broadcasting; gradient g and -g.
    public static func - (a: Tensor, b: Tensor) -> Tensor { subtract(.tensor(a), .tensor(b)) }
    /// The difference of each element and a number.
    public static func - (a: Tensor, b: Double) -> Tensor { subtract(.tensor(a), .fraction(b)) }
    /// The difference of a number and each element.
    public static func - (a: Double, b: Tensor) -> Tensor { subtract(.fraction(a), .tensor(b)) }
    /// The difference of each element and a whole number.
    public static func - (a: Tensor, b: Int) -> Tensor { subtract(.tensor(a), .whole(b)) }
    /// The difference of a whole number and each element.
    public static func - (a: Int, b: Tensor) -> Tensor { subtract(.whole(a), .tensor(b)) }

    /// The product, element by element with broadcasting; gradient g b and g a.
    public static func * (a: Tensor, b: Tensor) -> Tensor { multiply(.tensor(a), .tensor(b)) }
    /// The product of each element and a number.
    public static func * (a: Tensor, b: Double) -> Tensor { multiply(.tensor(a), .fraction(b)) }
    /// The product of a number and each element.
    public static func * (a: Double, b: Tensor) -> Tensor { multiply(.fraction(a), .tensor(b)) }
    /// The product of each element and a whole number.
    public static func * (a: Tensor, b: Int) -> Tensor { multiply(.tensor(a), .whole(b)) }
    /// The product of a whole number and each element.
    public static func * (a: Int, b: Tensor) -> Tensor { multiply(.whole(a), .tensor(b)) }

    /// True division: integers give float32.
    public static func / (a: Tensor, b: Tensor) -> Tensor { divide(.tensor(a), .tensor(b)) }
    /// The quotient of each element and a number.
    public static func / (a: Tensor, b: Double) -> Tensor { divide(.tensor(a), .fraction(b)) }
    /// The quotient of a number and each element.
    public static func / (a: Double, b: Tensor) -> Tensor { divide(.fraction(a), .tensor(b)) }
    /// The quotient of each element and a whole number.
    public static func / (a: Tensor, b: Int) -> Tensor { divide(.tensor(a), .whole(b)) }
    /// The quotient of a whole number and each element.
    public static func / (a: Int, b: Tensor) -> Tensor { divide(.whole(a), .tensor(b)) }

    /// The elements with their sign turned; see ``negated()``.
    public static prefix func - (a: Tensor) -> Tensor { a.negated() }

    /// Whether each element equals the other's, with broadcasting, as bool; false where either is NaN.
    public static func .== (a: Tensor, b: Tensor) -> Tensor { compare(.equal, a, .tensor(b), "==") }
    /// Whether each element differs from the other's, with broadcasting, as bool; true where either is NaN.
    public static func .!= (a: Tensor, b: Tensor) -> Tensor { compare(.notEqual, a, .tensor(b), "!=") }
    /// Whether each element is less than the other's, with broadcasting, as bool; false where either is NaN.
    public static func .< (a: Tensor, b: Tensor) -> Tensor { compare(.less, a, .tensor(b), "<") }
    /// Whether each element is at most the other's, with broadcasting, as bool; false where either is NaN.
    public static func .<= (a: Tensor, b: Tensor) -> Tensor { compare(.lessEqual, a, .tensor(b), "<=") }
    /// Whether each element is greater than the other's, with broadcasting, as bool; false where either is NaN.
    public static func .> (a: Tensor, b: Tensor) -> Tensor { compare(.greater, a, .tensor(b), ">") }
    /// Whether each element is at least the other's, with broadcasting, as bool; false where either is NaN.
    public static func .>= (a: Tensor, b: Tensor) -> Tensor { compare(.greaterEqual, a, .tensor(b), ">=") }
    /// Whether each element equals a number, as bool; integers are compared in float32.
    public static func .== (a: Tensor, b: Double) -> Tensor { compare(.equal, a, .fraction(b), "==") }
    /// Whether each element differs from a number, as bool; integers are compared in float32.
    public static func .!= (a: Tensor, b: Double) -> Tensor { compare(.notEqual, a, .fraction(b), "!=") }
    /// Whether each element is less than a number, as bool; integers are compared in float32.
    public static func .< (a: Tensor, b: Double) -> Tensor { compare(.less, a, .fraction(b), "<") }
    /// Whether each element is at most a number, as bool; integers are compared in float32.
    public static func .<= (a: Tensor, b: Double) -> Tensor { compare(.lessEqual, a, .fraction(b), "<=") }
    /// Whether each element is greater than a number, as bool; integers are compared in float32.
    public static func .> (a: Tensor, b: Double) -> Tensor { compare(.greater, a, .fraction(b), ">") }
    /// Whether each element is at least a number, as bool; integers are compared in float32.
    public static func .>= (a: Tensor, b: Double) -> Tensor { compare(.greaterEqual, a, .fraction(b), ">=") }
    /// Whether each element equals a whole number, as bool; exact for integers.
    public static func .== (a: Tensor, b: Int) -> Tensor { compare(.equal, a, .whole(b), "==") }
    /// Whether each element differs from a whole number, as bool; exact for integers.
    public static func .!= (a: Tensor, b: Int) -> Tensor { compare(.notEqual, a, .whole(b), "!=") }
    /// Whether each element is less than a whole number, as bool; exact for integers.
    public static func .< (a: Tensor, b: Int) -> Tensor { compare(.less, a, .whole(b), "<") }
    /// Whether each element is at most a whole number, as bool; exact for integers.
    public static func .<= (a: Tensor, b: Int) -> Tensor { compare(.lessEqual, a, .whole(b), "<=") }
    /// Whether each element is greater than a whole number, as bool; exact for integers.
    public static func .> (a: Tensor, b: Int) -> Tensor { compare(.greater, a, .whole(b), ">") }
    /// Whether each element is at least a whole number, as bool; exact for integers.
    public static func .>= (a: Tensor, b: Int) -> Tensor { compare(.greaterEqual, a, .whole(b), ">=") }

    /// Whether both are true (not zero), with broadcasting, as bool.
    public static func .&& (a: Tensor, b: Tensor) -> Tensor { compare(.logicalAnd, a, .tensor(b), "&&") }
    /// Whether either is true (not zero), with broadcasting, as bool.
    public static func .|| (a: Tensor, b: Tensor) -> Tensor { compare(.logicalOr, a, .tensor(b), "||") }
    /// Whether elements are false (zero), as bool.
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
