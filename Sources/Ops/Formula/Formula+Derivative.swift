import LossKitKernels

extension Formula {
    /// The derivative of `seed . self` with respect to a variable, as a formula: a scalar stands for itself in every coordinate. Nil where
    /// it is 0.
    ///
    /// - Throws: ``TensorError/notDifferentiable(operation:order:)``.
    func derivative(for variable: Node, seed: Formula) throws -> Formula? {
        let parts = node.parts
        var depends: Set<ObjectIdentifier> = [ObjectIdentifier(variable)]
        for part in parts where part.operands.contains(where: { depends.contains(ObjectIdentifier($0)) }) {
            depends.insert(ObjectIdentifier(part))
        }
        var cotangents: [ObjectIdentifier: Formula] = [ObjectIdentifier(node): seed]
        for part in parts.reversed() where depends.contains(ObjectIdentifier(part)) && part !== variable {
            guard let cotangent = cotangents.removeValue(forKey: ObjectIdentifier(part)) else { continue }
            func pass(_ more: Formula, to operand: Node) {
                let folded = more.folded(from: part, to: operand)
                let key = ObjectIdentifier(operand)
                cotangents[key] = cotangents[key].map { $0 + folded } ?? folded
            }
            switch part.kind {
            case .total(let operand): pass(cotangent, to: operand)
            case .apply(let opcode, let operands):
                let needed = operands.map { depends.contains(ObjectIdentifier($0)) }
                let slopes = try Self.slopes(opcode, operands.map { Formula($0) }, needed, cotangent)
                for (operand, slope) in zip(operands, slopes) {
                    if let slope { pass(slope, to: operand) }
                }
            default: break
            }
        }
        return cotangents[ObjectIdentifier(variable)]
    }

    /// What an operand that stood for all coordinates of a result gets of their cotangents.
    private func folded(from result: Node, to operand: Node) -> Formula {
        if operand.extent == result.extent || result.extent == 1 { return self }
        return node.extent == 1 ? self * Double(result.extent) : coordinateSum()
    }

    /// The cotangents of an operation's operands.
    private static func slopes(_ opcode: Opcode, _ operands: [Formula], _ needed: [Bool], _ cotangent: Formula) throws -> [Formula?] {
        guard operands.count > 1 else { return [try slope(opcode, operands[0]).map { cotangent * $0 }] }
        let (a, b) = (operands[0], operands[1])
        let (zero, one): (Formula, Formula) = (.constant(0), .constant(1))
        func both(_ first: @autoclosure () -> Formula, _ second: @autoclosure () -> Formula) -> [Formula?] {
            [needed[0] ? first() : nil, needed[1] ? second() : nil]
        }
        switch opcode {
        case .add: return both(cotangent, cotangent)
        case .subtract: return both(cotangent, -cotangent)
        case .multiply: return both(cotangent * b, cotangent * a)
        case .divide: return both(cotangent / b, -(cotangent * a / b.square()))
        case .power:
            // log 0 stands only beside 0^b, whose derivative for b is 0.
            let isZero = a .== zero
            return both(
                cotangent * (b .== zero).chosen(zero, b * a.power(b - 1)),
                cotangent * isZero.chosen(zero, a.power(b) * isZero.chosen(one, a).log()))
        case .atan2:
            let square = a.square() + b.square()
            return both(cotangent * b / square, -(cotangent * a / square))
        case .minimum: return both((b .< a).chosen(zero, cotangent), (b .< a).chosen(cotangent, zero))
        case .maximum: return both((b .> a).chosen(zero, cotangent), (b .> a).chosen(cotangent, zero))
        case .select:
            return [nil, needed[1] ? a.chosen(cotangent, zero) : nil, needed[2] ? a.chosen(zero, cotangent) : nil]
        default: return [nil, nil]
        }
    }

    /// The derivative of a function of one number; nil for step functions, where it is 0.
    private static func slope(_ opcode: Opcode, _ a: Formula) throws -> Formula? {
        switch opcode {
        case .negate: return .constant(-1)
        case .absolute: return a.sign()
        case .square: return 2 * a
        case .reciprocal: return -a.reciprocal().square()
        case .squareRoot:
            // Finite at 0 at every order.
            let isZero = a .== .constant(0)
            return isZero.chosen(.constant(0), 0.5 * isZero.chosen(.constant(1), a).reciprocalSquareRoot())
        case .reciprocalSquareRoot: return -0.5 * (a.reciprocalSquareRoot() / a)
        case .exp: return a.exp()
        case .expm1: return a.exp()
        case .log: return a.reciprocal()
        case .log1p: return (1 + a).reciprocal()
        case .sin: return a.cos()
        case .cos: return -a.sin()
        case .atan: return (1 + a.square()).reciprocal()
        case .asin: return (1 - a.square()).reciprocalSquareRoot()
        case .acos: return -(1 - a.square()).reciprocalSquareRoot()
        case .sinh: return a.cosh()
        case .cosh: return a.sinh()
        case .asinh: return (1 + a.square()).reciprocalSquareRoot()
        case .acosh: return (a.square() - 1).reciprocalSquareRoot()
        case .tanh: return 1 - a.tanh().square()
        case .sigmoid: return a.sigmoid() * (-a).sigmoid()
        case .softplus: return a.sigmoid()
        case .erf: return 1.1283791670955126 * (-a.square()).exp()
        case .sign, .floor, .ceil, .round, .truncate, .isNaN, .isInfinite, .isFinite, .logicalNot: return nil
        default: throw TensorError.notDifferentiable(operation: "Formula.\(opcode)", order: 1)
        }
    }

    /// `a` where this is not 0, else `b`.
    private func chosen(_ a: Formula, _ b: Formula) -> Formula { .select(self, a, b) }
}
