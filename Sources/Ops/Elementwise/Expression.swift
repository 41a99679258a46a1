import LossKitDevice
import LossKitKernels

/// An elementwise computation with an optional closing reduction that has not run yet.
///
/// Its leaves are memory, so running it never runs another expression. It stays within the bounds of ``ExpressionProgram``.
struct Expression: Sendable {
    /// One operand in memory, with strides that read it over the expression's shape.
    struct Leaf: Sendable {
        var slice: BufferSlice
        var dtype: DType
        var strides: [Int]

        /// Whether both read the same elements in the same order.
        func reads(sameAs other: Leaf) -> Bool {
            slice.buffer === other.slice.buffer && slice.byteOffset == other.slice.byteOffset && dtype == other.dtype
                && strides == other.strides
        }
    }

    /// A reduction over `axes` of the shape, its result scaled.
    struct Closing: Sendable {
        var kind: ReductionKind
        var reduced: [Bool]
        var scale: Double
    }

    let shape: [Int]
    let arithmetic: ArithmeticType
    var leaves: [Leaf] = []
    var constants: [Double] = []
    var instructions: [Instruction] = []
    var output: DType
    var closing: Closing?

    init(shape: [Int], arithmetic: ArithmeticType, output: DType) {
        self.shape = shape
        self.arithmetic = arithmetic
        self.output = output
    }

    /// The value of a constant expression, which can be broadcast anywhere without memory.
    var constantValue: Double? {
        guard closing == nil, instructions.count == 1, instructions[0].opcode == .constant else { return nil }
        return constants[0]
    }

    /// Whether the bounds of a program are kept.
    var fits: Bool {
        leaves.count <= ExpressionProgram.maximumLeaves && instructions.count <= ExpressionProgram.maximumInstructions
            && constants.count <= ExpressionProgram.maximumConstants
    }

    /// The value of an instruction, which is an earlier equal one where there is one.
    mutating func append(_ instruction: Instruction) -> Int32 {
        if let index = instructions.firstIndex(of: instruction) { return Int32(index) }
        instructions.append(instruction)
        return Int32(instructions.count - 1)
    }

    mutating func append(constant value: Double) -> Int32 {
        var index = constants.firstIndex { $0.bitPattern == value.bitPattern }
        if index == nil {
            constants.append(value)
            index = constants.count - 1
        }
        return append(Instruction(.constant, Int32(index ?? 0)))
    }

    mutating func append(leaf: Leaf) -> Int32 {
        var index = leaves.firstIndex { $0.reads(sameAs: leaf) }
        if index == nil {
            leaves.append(leaf)
            index = leaves.count - 1
        }
        return append(Instruction(.leaf, Int32(index ?? 0)))
    }

    /// Takes over another expression of the same shape and arithmetic, and gives the value it ends in.
    mutating func append(_ other: Expression) -> Int32 {
        var values: [Int32] = []
        values.reserveCapacity(other.instructions.count)
        for instruction in other.instructions {
            switch instruction.opcode {
            case .leaf: values.append(append(leaf: other.leaves[Int(instruction.a)]))
            case .constant: values.append(append(constant: other.constants[Int(instruction.a)]))
            default:
                let arity = instruction.opcode.arity
                values.append(
                    append(
                        Instruction(
                            instruction.opcode, values[Int(instruction.a)], arity > 1 ? values[Int(instruction.b)] : 0,
                            arity > 2 ? values[Int(instruction.c)] : 0)))
            }
        }
        return values.last ?? 0
    }

    /// Takes over another expression with what its type would have kept of the value: 16-bit and narrow types round as they would in memory.
    ///
    /// Nil where no step does what storing would do.
    mutating func appendNarrowed(_ other: Expression) -> Int32? {
        let type = other.output
        if type.arithmetic == arithmetic && type.byteCount > 2 || type == .bool { return append(other) }
        switch (type, arithmetic) {
        case (.float32, .float64): return append(Instruction(.roundToFloat32, append(other)))
        case (.float16, .float32), (.float16, .float64): return append(Instruction(.roundToFloat16, append(other)))
        case (.bfloat16, .float32), (.bfloat16, .float64): return append(Instruction(.roundToBFloat16, append(other)))
        case (.uint8, .int32), (.uint8, .int64):
            let value = append(other)
            return append(Instruction(.bitwiseAnd, value, append(constant: 255)))
        default: return nil
        }
    }

    /// Runs the expression into fresh row-major memory.
    func evaluate(on device: Device) throws -> Buffer {
        let program = ExpressionProgram(
            arithmetic: arithmetic, leaves: leaves.map(\.dtype), constantCount: constants.count, instructions: instructions, output: output,
            reduction: closing?.kind)
        let operands = ExpressionOperands(
            leaves: leaves.map(\.slice), strides: leaves.map(\.strides), constants: constants, shape: shape,
            reduced: closing?.reduced ?? [],
            scale: closing?.scale ?? 1)
        let count = shape.indices.reduce(1) { closing?.reduced[$1] == true ? $0 : $0 * shape[$1] }
        let buffer = try Buffer(byteCount: count * output.byteCount, on: device)
        try Expressions.run(program, operands, into: BufferSlice(buffer, elementSize: output.byteCount), on: device)
        return buffer
    }
}
