import LossKitKernels

extension Tensor {
    /// An elementwise operation on two operands with its derivative, which `derivative` gives from the cotangent and both operands as tensors.
    static func binary(
        _ opcode: Opcode, _ a: Operand, _ b: Operand, result: ResultType, name: String,
        derivative: @escaping @Sendable (_ cotangent: Tensor, _ a: Tensor, _ b: Tensor) throws -> (Tensor, Tensor)
    ) -> Tensor {
        let output = apply(opcode, [a, b], result: result, name: name)
        let inputs = [a, b].compactMap(\.tensor)
        guard inputs.contains(where: { $0.history != nil }) else { return output }
        return record("elementwise", inputs: inputs, output: output) { pullback in
            let cotangent = pullback.cotangent
            let (left, right) = try derivative(
                cotangent, try a.asTensor(like: cotangent), try b.asTensor(like: cotangent))
            let results = [(a, left), (b, right)].compactMap { operand, result in operand.tensor.map { ($0, result) } }
            return try results.enumerated().map { index, entry in
                pullback.isNeeded[index] ? try entry.1.summed(toShapeOf: entry.0) : nil
            }
        }
    }

    /// Folds a cotangent back over the axes that broadcasting added, in the operand's own type.
    package func summed(toShapeOf operand: Tensor) throws -> Tensor {
        var result = self
        if shape != operand.shape {
            let lead = rank - operand.rank
            let axes = shape.indices.filter { $0 < lead || (operand.shape[$0 - lead] == 1 && shape[$0] != 1) }
            result = try sum(axes: axes, keepDimensions: true).reshaped(operand.shape)
        }
        return result.asType(operand.dtype)
    }

    /// `self` to the power of `exponent`, elementwise.
    public func power(_ exponent: Tensor) -> Tensor {
        Self.binary(.power, .tensor(self), .tensor(exponent), result: .same, name: "power", derivative: Self.powerDerivative)
    }

    /// `self` to the power of a number, elementwise.
    public func power(_ exponent: Double) -> Tensor {
        if exponent == 2 { return square() }
        return Self.binary(.power, .tensor(self), .fraction(exponent), result: .same, name: "power") { cotangent, a, _ in
            (cotangent * exponent * a.power(exponent - 1), cotangent)
        }
    }

    private static let powerDerivative: @Sendable (Tensor, Tensor, Tensor) throws -> (Tensor, Tensor) = { cotangent, a, b in
        let zero = (a .== 0).asType(cotangent.dtype)
        return (cotangent * b * a.power(b - 1), cotangent * a.power(b) * (a + zero).log())
    }

    /// The smaller of two, NaN where either is; a tie's derivative goes half to each.
    public static func minimum(_ a: Tensor, _ b: Tensor) -> Tensor {
        binary(.minimum, .tensor(a), .tensor(b), result: .same, name: "minimum") { cotangent, a, b in
            let share = cotangent * ((a .< b).asType(cotangent.dtype) + (a .== b).asType(cotangent.dtype) * 0.5)
            return (share, cotangent - share)
        }
    }

    /// The larger of two, NaN where either is; a tie's derivative goes half to each.
    public static func maximum(_ a: Tensor, _ b: Tensor) -> Tensor {
        binary(.maximum, .tensor(a), .tensor(b), result: .same, name: "maximum") { cotangent, a, b in
            let share = cotangent * ((a .> b).asType(cotangent.dtype) + (a .== b).asType(cotangent.dtype) * 0.5)
            return (share, cotangent - share)
        }
    }

    /// The values held between two bounds; NaN stays. At a bound the derivative is 1.
    public func clamped(min lower: Double? = nil, max upper: Double? = nil) -> Tensor {
        var result = Self.apply(.leaf, to: self, dtype: dtype)
        if let lower { result = Self.apply(.maximum, [.tensor(result), .fraction(lower)], result: .same, name: "clamped") }
        if let upper { result = Self.apply(.minimum, [.tensor(result), .fraction(upper)], result: .same, name: "clamped") }
        return Self.record("clamped", inputs: [self], output: result) { [self] pullback in
            var inside = Self.apply(.equal, [.tensor(self), .tensor(self)], result: .truth, name: "clamped")
            if let lower { inside = inside .&& (self .>= lower) }
            if let upper { inside = inside .&& (self .<= upper) }
            return [pullback.cotangent * inside.asType(pullback.cotangent.dtype)]
        }
    }

    /// The angle of the point (x, self), in radians.
    public func atan2(_ x: Tensor) -> Tensor {
        Self.binary(.atan2, .tensor(self), .tensor(x), result: .floating, name: "atan2") { cotangent, y, x in
            let squared = x.square() + y.square()
            return (cotangent * x / squared, -(cotangent * y / squared))
        }
    }

    /// The remainder with the divisor's sign, as NumPy's; the derivative treats the quotient's floor as constant.
    public func remainder(_ divisor: Tensor) -> Tensor {
        Self.binary(.remainder, .tensor(self), .tensor(divisor), result: .same, name: "remainder") { cotangent, a, b in
            (cotangent, -(cotangent * a.floorDivided(by: b)))
        }
    }

    /// The quotient rounded down; it has no derivative.
    public func floorDivided(by divisor: Tensor) -> Tensor {
        Self.apply(.floorDivide, [.tensor(self), .tensor(divisor)], result: .same, name: "floorDivided")
    }

    /// Chooses elementwise: `a` where the mask holds, else `b`.
    public static func select(_ mask: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
        guard mask.dtype == .bool || mask.failure != nil else {
            return .failed(TensorError.dtypeMismatch(operation: "select", expected: "a bool mask", actual: [mask.dtype]))
        }
        let output = apply(.select, [.tensor(mask), .tensor(a), .tensor(b)], result: .same, name: "select")
        return record("select", inputs: [a, b], output: output) { pullback in
            let cotangent = pullback.cotangent
            let zero = try Tensor.zeros([], dtype: cotangent.dtype, on: cotangent.device)
            return [
                pullback.isNeeded[0] ? try select(mask, cotangent, zero).summed(toShapeOf: a) : nil,
                pullback.isNeeded[1] ? try select(mask, zero, cotangent).summed(toShapeOf: b) : nil,
            ]
        }
    }

    /// The values converted to another element type.
    ///
    /// Floating point to int32 and int64 truncates and saturates (NaN gives 0), to uint8 it truncates and wraps as NumPy does; integers wrap;
    /// anything but zero is true.
    public func asType(_ target: DType) -> Tensor {
        if target == dtype { return self }
        let source = dtype
        if target == .bool { return Self.apply(.notEqual, [.tensor(self), .whole(0)], result: .truth, name: "asType") }
        let output = Self.apply(.leaf, to: self, dtype: target, name: "asType")
        guard history != nil, target.isFloatingPoint else { return output }
        return Self.record("asType", inputs: [self], output: output) { [$0.cotangent.asType(source)] }
    }
}

extension Operand {
    var tensor: Tensor? {
        if case .tensor(let tensor) = self { tensor } else { nil }
    }

    /// The operand as a tensor beside another.
    func asTensor(like other: Tensor) throws -> Tensor {
        switch self {
        case .tensor(let tensor): tensor
        case .fraction(let value): try .full([], value, dtype: other.dtype, on: other.device)
        case .whole(let value): try .full([], Double(value), dtype: other.dtype, on: other.device)
        }
    }
}
