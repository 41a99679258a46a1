import CLossKitHost
import LossKitDevice

/// A fused expression on the CPU: the blocked interpreter, its work shared out in pieces that depend on sizes only.
struct HostExpression {
    private let program: ExpressionProgram
    private let operands: ExpressionOperands
    private let space: IterationSpace

    /// Elements that are worth a dispatch to another thread.
    private static let grain = 1 << 15
    /// Elements folded by one piece of a long reduction.
    private static let foldGrain = 1 << 16

    init(_ program: ExpressionProgram, _ operands: ExpressionOperands, _ space: IterationSpace) {
        self.program = program
        self.operands = operands
        self.space = space
    }

    func run(leaves: [UnsafeRawPointer], output: UnsafeMutableRawPointer) {
        let (steps, registerCount, result) = program.allocated()
        let coded = steps.map { losskit_step(opcode: $0.opcode.rawValue, a: $0.a, b: $0.b, c: $0.c, target: $0.target) }
        let geometry = (space.shape + space.strides.joined()).map { Int64($0) }
        coded.withUnsafeBufferPointer { steps in
            operands.constants.withUnsafeBufferPointer { constants in
                geometry.withUnsafeBufferPointer { geometry in
                    var expression = losskit_expression()
                    expression.arithmetic = program.arithmetic.rawValue
                    expression.output = program.output.code
                    expression.reduction = program.reduction?.rawValue ?? -1
                    expression.step_count = Int32(steps.count)
                    expression.steps = steps.baseAddress
                    expression.constants = constants.baseAddress
                    expression.constant_count = Int32(constants.count)
                    expression.leaf_count = Int32(leaves.count)
                    expression.register_count = Int32(registerCount)
                    expression.result = result
                    expression.rank = Int32(space.shape.count)
                    expression.shape = geometry.baseAddress
                    expression.strides = geometry.baseAddress.map { $0 + space.shape.count }
                    withUnsafeMutableBytes(of: &expression.leaf_types) { copy(program.leaves.map(\.code), to: $0) }
                    withUnsafeMutableBytes(of: &expression.leaves) { copy(leaves, to: $0) }
                    let call = Shared(Call(expression: expression, output: output))
                    if program.reduction == nil { map(call) } else { fold(call) }
                }
            }
        }
    }

    private func copy<T: BitwiseCopyable>(_ values: [T], to bytes: UnsafeMutableRawBufferPointer) {
        for (index, value) in values.enumerated() {
            bytes.storeBytes(of: value, toByteOffset: index * MemoryLayout<T>.stride, as: T.self)
        }
    }

    /// What the pieces share.
    private struct Call {
        var expression: losskit_expression
        var output: UnsafeMutableRawPointer

        func with(_ body: (UnsafePointer<losskit_expression>) -> Void) {
            withUnsafePointer(to: expression, body)
        }
    }

    private func map(_ call: Shared<Call>) {
        ThreadPool.forEachChunk(of: space.outer, minimumPerChunk: Self.grain) { range in
            call.value.with { losskit_expression_map($0, Int64(range.lowerBound), Int64(range.upperBound), call.output) }
        }
    }

    /// Long folds are cut into parts, whose results are combined in order.
    private func fold(_ call: Shared<Call>) {
        let (outer, length, columns) = (space.outer, space.length, space.columns)
        let partLength = max(1, min(max(length, 1), Self.foldGrain / min(columns, 1024)))
        let parts = outer * columns >= Self.grain ? 1 : max(1, (length + partLength - 1) / partLength)
        let step = parts == 1 ? length : partLength
        let count = outer * columns
        let partials = Shared(UnsafeMutablePointer<Double>.allocate(capacity: parts * count))
        defer { partials.value.deallocate() }
        let rowsAtOnce = max(1, Self.grain / max(length, 1))
        let chunks = columns > 1 ? outer * ((columns + 1023) / 1024) : (outer + rowsAtOnce - 1) / rowsAtOnce
        ThreadPool.forEach(parts * chunks) { index in
            let (part, chunk) = (index / chunks, index % chunks)
            let from = Int64(part * step)
            let to = Int64(min(length, (part + 1) * step))
            let target = partials.value + part * count
            call.value.with { expression in
                if columns > 1 {
                    let perRow = (columns + 1023) / 1024
                    let begin = chunk % perRow * 1024
                    losskit_expression_fold_columns(
                        expression, Int64(length), Int64(columns), Int64(chunk / perRow), Int64(begin), Int64(min(columns, begin + 1024)),
                        from,
                        to, target)
                } else {
                    losskit_expression_fold_rows(
                        expression, Int64(length), Int64(chunk * rowsAtOnce), Int64(min(outer, (chunk + 1) * rowsAtOnce)), from, to, target)
                }
            }
        }
        call.value.with { losskit_expression_finish($0, partials.value, Int64(parts), Int64(count), operands.scale, call.output) }
    }
}
