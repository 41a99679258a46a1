import LossKitDevice
import LossKitTestSupport
import Testing

@testable import LossKitKernels

@Suite struct ExpressionTests {
    /// gelu(x a + b) with everything that a chain may hold: a broadcast leaf, a constant, a reduction.
    private func chain(reduction: ReductionKind?) -> ExpressionProgram {
        ExpressionProgram(
            arithmetic: .float32, leaves: [.float32, .float32], constantCount: 1,
            instructions: [
                .init(.leaf, 0), .init(.leaf, 1), .init(.multiply, 0, 1), .init(.constant, 0), .init(.add, 2, 3), .init(.gelu, 4),
                .init(.exp, 5), .init(.logGamma, 6), .init(.maximum, 7, 0),
            ], output: .float32, reduction: reduction)
    }

    private func upload(_ values: [Float], to device: Device) throws -> BufferSlice {
        let buffer = try Buffer(byteCount: values.count * 4, on: device)
        try values.withUnsafeBytes { try buffer.upload($0) }
        return BufferSlice(buffer, elementSize: 4)
    }

    private func download(_ slice: BufferSlice) throws -> [Float] {
        var values = [Float](repeating: 0, count: slice.buffer.byteCount / 4)
        try values.withUnsafeMutableBytes { try slice.buffer.download(into: $0) }
        return values
    }

    /// What the interpreter and a generated program give must be the same bits, or results would depend on when a compiler finishes.
    @Test(arguments: Device.all.filter(\.isOpenCL), [nil, ReductionKind.sum, .maximum])
    func generatedProgramsGiveTheInterpretersBits(device: Device, reduction: ReductionKind?) throws {
        var random = SplitMix64(seed: 3)
        let (rows, columns) = (37, 101)
        let x = try upload(random.values(rows * columns, in: -3...3).map(Float.init), to: device)
        let row = try upload(random.values(columns, in: -2...2).map(Float.init), to: device)
        let program = chain(reduction: reduction)
        let operands = ExpressionOperands(
            leaves: [x, row], strides: [[columns, 1], [0, 1]], constants: [0.25], shape: [rows, columns],
            reduced: reduction == nil ? [] : [false, true], scale: 0.5)
        let count = reduction == nil ? rows * columns : rows
        let results = try [Fusion.interpret, .compile].map { mode in
            let output = try Buffer(byteCount: 4 * count, on: device)
            let slice = BufferSlice(output, elementSize: 4)
            try device.run("expression", shape: [], reads: [x, row], writes: [slice], bytes: 0, host: { _ in }) { encoder in
                try Fusion.$mode.withValue(mode) {
                    try OpenCLExpression(program, operands, IterationSpace(operands), leaves: [x, row]).run(on: encoder, into: slice)
                }
            }
            return try download(slice)
        }
        #expect(results[0] == results[1])
        #expect(results[0].allSatisfy { $0.isFinite })
    }

    @Test func opcodesAreNumberedAsInC() {
        // The C and OpenCL interpreters know opcodes by number; `opcode.h` and `expression.cl` list them in this order.
        #expect(Opcode.add.rawValue == 2 && Opcode.negate.rawValue == 26 && Opcode.exp.rawValue == 33)
        #expect(Opcode.sigmoid.rawValue == 52 && Opcode.trigamma.rawValue == 60 && Opcode.select.rawValue == 69)
        #expect(Opcode.allCases.map(\.rawValue) == Array(0...73))
    }

    @Test func axesMergeWhereMemoryAllows() {
        let whole = IterationSpace(ExpressionOperands(leaves: [], strides: [[12, 4, 1]], constants: [], shape: [2, 3, 4]))
        #expect(whole.shape == [24] && whole.strides == [[1]])
        let turned = IterationSpace(ExpressionOperands(leaves: [], strides: [[1, 2]], constants: [], shape: [2, 3]))
        #expect(turned.shape == [2, 3])
        let columns = IterationSpace(
            ExpressionOperands(leaves: [], strides: [[40, 1]], constants: [], shape: [7, 40], reduced: [true, false]))
        #expect((columns.outer, columns.length, columns.columns) == (1, 7, 40))
    }
}
