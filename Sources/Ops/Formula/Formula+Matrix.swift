import LossKitDevice
import LossKitKernels

extension Formula {
    /// The value of every pair, written out: [n, m] of a scalar.
    ///
    /// Gradient: for every variable, any number of times; of equals in a minimum or maximum half to each.
    /// - Throws: As ``sum(over:within:)``; ``TensorError/shapeMismatch(operation:expected:actual:)`` for vectors.
    /// - Note: In the variables' common type. Sums over d coordinates take O(n m d) memory on the way, but for squared distances in float32.
    public func matrix() throws -> Tensor {
        let problem = try Problem(scalar("matrix"), over: .y)
        var values: [ObjectIdentifier: Tensor] = [:]
        for part in node.parts {
            let operands = part.operands.compactMap { values[ObjectIdentifier($0)] }
            values[ObjectIdentifier(part)] = try Self.matrix(of: part, operands, problem)
        }
        guard let result = values[ObjectIdentifier(node)] else { throw TensorError.notDifferentiable(operation: "matrix", order: 0) }
        return try result.broadcast(to: [problem.rows, problem.columns, 1]).squeezed(axes: [2])
    }

    /// A part's values [n, m, coordinates], each axis 1 where they do not depend on it.
    private static func matrix(of part: Node, _ operands: [Tensor], _ problem: Problem) throws -> Tensor {
        switch part.kind {
        case .failed(let error): throw error
        case .constant(let value): return try .full([1, 1, 1], value, dtype: problem.dtype, on: problem.device)
        case .variable(let points, let values):
            let count = points == nil ? 1 : values.shape[0]
            return try values.asType(problem.dtype).reshaped([points == .x ? count : 1, points == .y ? count : 1, part.extent])
        case .total(let operand):
            if problem.dtype == .float32, let (x, y) = operand.difference {
                return try pairwiseDistance(x, y, metric: .squaredEuclidean).expandedDimensions(at: 2)
            }
            return try operands[0].sum(axes: [2], keepDimensions: true)
        case .apply(let opcode, _): return try elementwise(opcode, operands)
        }
    }

    private static func elementwise(_ opcode: Opcode, _ values: [Tensor]) throws -> Tensor {
        let (a, b) = (values[0], values[values.count - 1])
        func number(_ mask: Tensor) -> Tensor { mask.asType(DType.promoted(a.dtype, b.dtype)) }
        switch opcode {
        case .add: return a + b
        case .subtract: return a - b
        case .multiply: return a * b
        case .divide: return a / b
        case .power: return a.power(b)
        case .minimum: return .minimum(a, b)
        case .maximum: return .maximum(a, b)
        case .less: return number(a .< b)
        case .lessEqual: return number(a .<= b)
        case .greater: return number(a .> b)
        case .greaterEqual: return number(a .>= b)
        case .equal: return number(a .== b)
        case .notEqual: return number(a .!= b)
        case .select: return .select(a .!= 0, values[1], b)
        case .absolute: return a.absolute()
        case .sign: return a.sign()
        case .reciprocal: return a.reciprocal()
        case .square: return a.square()
        case .squareRoot:
            // Finite at 0 at every order.
            let isZero = a .== 0
            return .select(isZero, a * 0, Tensor.select(isZero, a * 0 + 1, a).squareRoot())
        case .reciprocalSquareRoot: return a.reciprocalSquareRoot()
        case .exp: return a.exp()
        case .expm1: return a.expm1()
        case .log: return a.log()
        case .log1p: return a.log1p()
        case .sin: return a.sin()
        case .cos: return a.cos()
        case .atan: return a.atan()
        case .asin: return a.asin()
        case .acos: return a.acos()
        case .sinh: return a.sinh()
        case .cosh: return a.cosh()
        case .asinh: return a.asinh()
        case .acosh: return a.acosh()
        case .tanh: return a.tanh()
        case .sigmoid: return a.sigmoid()
        case .softplus: return a.softplus()
        case .erf: return a.erf()
        default: throw TensorError.notDifferentiable(operation: "Formula.\(opcode)", order: 0)
        }
    }
}

extension Formula.Node {
    /// The vectors of x and of y whose squared difference this is.
    fileprivate var difference: (x: Tensor, y: Tensor)? {
        guard case .apply(.square, let operands) = kind, case .apply(.subtract, let ends) = operands[0].kind,
            case .variable(let first?, let a) = ends[0].kind, case .variable(let second?, let b) = ends[1].kind, first != second,
            ends[0].extent == ends[1].extent, a.rank == 2, b.rank == 2
        else { return nil }
        return first == .x ? (a, b) : (b, a)
    }
}
