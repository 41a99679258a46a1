import LossKitDevice

/// The type that a fused expression computes in; leaves are converted to it when loaded.
package enum ArithmeticType: Int32, Sendable, Hashable { case float32, float64, int32, int64 }

/// How the closing reduction of a fused expression combines values.
package enum ReductionKind: Int32, Sendable, Hashable { case sum, product, minimum, maximum }

/// One step of a fused expression in static single assignment: step `i` defines value `i` from earlier values.
package struct Instruction: Sendable, Hashable {
    package var opcode: Opcode
    package var a: Int32
    package var b: Int32
    package var c: Int32

    package init(_ opcode: Opcode, _ a: Int32 = 0, _ b: Int32 = 0, _ c: Int32 = 0) {
        self.opcode = opcode
        self.a = a
        self.b = b
        self.c = c
    }
}

/// The structure of a fused elementwise expression with an optional closing reduction: what is computed, but not over which sizes or data.
///
/// Two runs with equal programs share one compiled kernel, whatever their shapes and constants.
package struct ExpressionProgram: Sendable, Hashable {
    package static let maximumLeaves = 8
    package static let maximumInstructions = 48
    package static let maximumConstants = 12
    package static let maximumRank = 6

    package var arithmetic: ArithmeticType
    package var leaves: [DType]
    package var constantCount: Int
    package var instructions: [Instruction]
    package var output: DType
    package var reduction: ReductionKind?

    package init(
        arithmetic: ArithmeticType, leaves: [DType], constantCount: Int, instructions: [Instruction], output: DType,
        reduction: ReductionKind? = nil
    ) {
        self.arithmetic = arithmetic
        self.leaves = leaves
        self.constantCount = constantCount
        self.instructions = instructions
        self.output = output
        self.reduction = reduction
    }
}

/// The data a fused expression runs over.
///
/// The iteration space is `shape`, row-major; leaf `k` is read at `leaves[k]` plus the dot product of the index with `strides[k]`
/// (in elements, 0 where it is broadcast, negative where it runs backwards). With a reduction, the axes marked in `reduced` are folded away and
/// the result is written contiguously over the others; `scale` multiplies the folded value (a mean is a scaled sum).
package struct ExpressionOperands: Sendable {
    package var leaves: [BufferSlice]
    package var strides: [[Int]]
    package var constants: [Double]
    package var shape: [Int]
    package var reduced: [Bool]
    package var scale: Double

    package init(
        leaves: [BufferSlice], strides: [[Int]], constants: [Double], shape: [Int], reduced: [Bool] = [], scale: Double = 1
    ) {
        self.leaves = leaves
        self.strides = strides
        self.constants = constants
        self.shape = shape
        self.reduced = reduced
        self.scale = scale
    }
}
