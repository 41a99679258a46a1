import LossKitDevice
import LossKitKernels

/// One operand of an elementwise operation.
package enum Operand {
    case tensor(Tensor)
    /// A number that turns integers into float32.
    case fraction(Double)
    /// A number that takes any type.
    case whole(Int)
}

extension Tensor {
    /// The result type of an elementwise operation, given the common type of its operands.
    package enum ResultType {
        /// The common type.
        case same
        /// The common type if it is floating point, else float32.
        case floating
        /// bool.
        case truth
        /// A stated type.
        case stated(DType)
    }

    /// An elementwise operation on one tensor.
    package static func apply(_ opcode: Opcode, to operand: Tensor, dtype: DType, name: String = "copy") -> Tensor {
        apply(opcode, [.tensor(operand)], result: .stated(dtype), name: name)
    }

    /// An elementwise operation with broadcasting, as an expression that runs when somebody needs its values.
    ///
    /// Never throws: a failed operand or operands that do not fit give a tensor that carries the error.
    package static func apply(_ opcode: Opcode, _ operands: [Operand], result: ResultType, name: String) -> Tensor {
        do {
            return try elementwise(opcode, operands, result: result, name: name)
        } catch {
            return .failed(error)
        }
    }

    private static func elementwise(_ opcode: Opcode, _ operands: [Operand], result: ResultType, name: String) throws -> Tensor {
        let tensors = operands.compactMap { operand -> Tensor? in
            if case .tensor(let tensor) = operand { tensor } else { nil }
        }
        guard let first = tensors.first else {
            throw TensorError.invalidArgument(operation: name, expected: "at least one tensor", actual: "numbers only")
        }
        let shape = try commonShape(tensors, name: name)
        let common = try commonType(tensors, name: name)
        let hasFraction = operands.contains { if case .fraction = $0 { true } else { false } }
        let computed = hasFraction ? common.floating : common
        let output: DType
        var arithmetic = computed.arithmetic
        switch result {
        case .same: output = computed
        case .floating:
            output = computed.floating
            arithmetic = output.arithmetic
        case .truth:
            output = .bool
            arithmetic = computed.arithmetic
        case .stated(let dtype):
            output = dtype
            if opcode == .leaf { arithmetic = conversionArithmetic(from: common, to: dtype) }
        }

        // The largest pending operands are run first when all of them together exceed what one kernel may hold.
        var materialized = Set<Int>()
        while true {
            var expression = Expression(shape: shape, arithmetic: arithmetic, output: output)
            var values: [Int32] = []
            for (index, operand) in operands.enumerated() {
                switch operand {
                case .fraction(let value): values.append(expression.append(constant: value))
                case .whole(let value): values.append(expression.append(constant: Double(value)))
                case .tensor(let tensor):
                    values.append(try tensor.append(to: &expression, materialize: materialized.contains(index)))
                }
            }
            if opcode != .leaf {
                let value = expression.append(
                    Instruction(opcode, values[0], values.count > 1 ? values[1] : 0, values.count > 2 ? values[2] : 0))
                // What is stored as a truth value is one, for whoever goes on with it unstored.
                if output == .bool && !opcode.isTruth {
                    _ = expression.append(Instruction(.notEqual, value, expression.append(constant: 0)))
                }
            }
            if expression.fits || materialized.count == operands.count {
                return Tensor(shape: shape, dtype: output, device: first.device, state: .pending(expression))
            }
            let sizes = operands.indices.map { materialized.contains($0) ? -1 : operands[$0].pendingSize }
            guard let largest = sizes.indices.max(by: { sizes[$0] < sizes[$1] }) else { break }
            materialized.insert(largest)
        }
        throw TensorError.invalidArgument(operation: name, expected: "an expression that fits", actual: "\(operands.count) operands")
    }

    /// Adds this tensor to an expression: inlined while it is pending, as a leaf once it is memory.
    func append(to expression: inout Expression, materialize: Bool) throws -> Int32 {
        if !materialize, Fusion.mode != .off, case .pending(let pending) = storage.current {
            if let value = pending.constantValue, pending.output.arithmetic == expression.arithmetic || pending.output == .bool {
                return expression.append(constant: pending.output.rounded(value))
            }
            let isWhole = shape == expression.shape && pending.shape == shape && isContiguous && offset == 0
            if isWhole, pending.closing == nil, pending.arithmetic == expression.arithmetic,
                let value = expression.appendNarrowed(pending)
            {
                return value
            }
        }
        let slice = try memory()
        return expression.append(
            leaf: .init(slice: slice, dtype: dtype, strides: Shape.broadcastStrides(shape, strides, to: expression.shape)))
    }

    /// Conversions keep every bit that the narrower side can hold.
    private static func conversionArithmetic(from source: DType, to target: DType) -> ArithmeticType {
        if source == target { return source.arithmetic }
        if source.isFloatingPoint && target.isFloatingPoint {
            return source == .float64 || target == .float64 ? .float64 : .float32
        }
        if !source.isFloatingPoint && !target.isFloatingPoint { return source == .int64 ? .int64 : target.arithmetic }
        return source.isFloatingPoint ? source.arithmetic : target.arithmetic
    }

    private static func commonShape(_ tensors: [Tensor], name: String) throws -> [Int] {
        var shape = try tensors[0].checked().shape
        for tensor in tensors.dropFirst() {
            guard let joined = Shape.broadcast(shape, try tensor.checked().shape) else {
                throw TensorError.shapeMismatch(
                    operation: name, expected: "shapes that broadcast together", actual: tensors.map(\.shape))
            }
            shape = joined
        }
        _ = try Shape.checkedCount(shape, operation: name)
        return shape
    }

    private static func commonType(_ tensors: [Tensor], name: String) throws -> DType {
        guard tensors.allSatisfy({ $0.device == tensors[0].device }) else {
            throw TensorError.deviceMismatch(operation: name, devices: tensors.map { "\($0.device)" })
        }
        return tensors.dropFirst().reduce(tensors[0].dtype) { DType.promoted($0, $1.dtype) }
    }
}

extension Operand {
    /// How many instructions inlining this operand would bring.
    fileprivate var pendingSize: Int {
        guard case .tensor(let tensor) = self, case .pending(let expression) = tensor.storage.current else { return 0 }
        return expression.instructions.count + expression.leaves.count
    }
}
