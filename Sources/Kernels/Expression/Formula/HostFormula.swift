import CLossKitHost
import LossKitDevice
import Synchronization

/// A formula's reduction on the CPU: rows shared out among the threads, which look at the columns block by block.
struct HostFormula {
    let operands: FormulaOperands
    private let code: FormulaCode

    /// From so many coordinates on squared distances are taken by products of centred points.
    static let productExtent = 32

    init(_ program: FormulaProgram, _ operands: FormulaOperands) {
        self.operands = operands
        code = FormulaCode(program, operands)
    }

    /// Runs `body` with the formula as the C kernels take it.
    func withFormula(slots: [UnsafeRawPointer], _ body: (losskit_formula) throws -> Void) throws {
        let size = code.isDouble ? 8 : 4
        var stages = code.stages
        // What keeps single values keeps exact ones: equal distances stay equal.
        let centred =
            code.header.reduction > Int32(losskit_reduce_log_sum_exp)
            ? []
            : stages.indices.filter {
                stages[$0].kind == Int32(losskit_stage_square) && stages[$0].d >= Self.productExtent
            }
        let centres = try Buffer(byteCount: size * centred.reduce(0) { $0 + Int(stages[$1].d) }, on: .cpu)
        defer { withExtendedLifetime(centres) {} }
        var place = centres.hostPointer
        for index in centred {
            guard let centre = place else { break }
            let stage = stages[index]
            losskit_formula_centre(
                code.isDouble ? 1 : 0, slots[Int(stage.row)], Int64(operands.rows), slots[Int(stage.column)], Int64(operands.columns),
                stage.d,
                centre)
            stages[index].centre = UnsafeRawPointer(centre)
            place = centre + size * Int(stage.d)
        }
        let described = zip(slots, zip(code.slots, operands.extents)).map {
            losskit_formula_slot(values: $0, d: Int64($1.1), side: $1.0.side.rawValue)
        }
        try described.withUnsafeBufferPointer { slots in
            try code.steps.withUnsafeBufferPointer { steps in
                try stages.withUnsafeBufferPointer { stages in
                    try (code.terms + code.columnTerms).withUnsafeBufferPointer { terms in
                        try operands.constants.withUnsafeBufferPointer { constants in
                            try code.constantRegisters.withUnsafeBufferPointer { constantRegisters in
                                var formula = code.header
                                formula.slots = slots.baseAddress
                                formula.steps = steps.baseAddress
                                formula.stages = stages.baseAddress
                                formula.terms = terms.baseAddress
                                formula.column_terms = terms.baseAddress.map { $0 + code.terms.count }
                                formula.constants = constants.baseAddress
                                formula.constant_registers = constantRegisters.baseAddress
                                try body(formula)
                            }
                        }
                    }
                }
            }
        }
    }

    func run(slots: [UnsafeRawPointer], output: UnsafeMutableRawPointer, places: UnsafeMutablePointer<Int32>?) throws {
        try withFormula(slots: slots) { try share($0, output, places) }
    }

    /// Each row is computed by one thread alone, so nobody can tell from the result which one that was.
    private func share(_ formula: losskit_formula, _ output: UnsafeMutableRawPointer, _ places: UnsafeMutablePointer<Int32>?) throws {
        let rows = operands.rows
        let most = min(Int(losskit_formula_rows), max(8, (rows / (4 * ThreadPool.threadCount) + 7) / 8 * 8))
        let blocks = operands.spans?.blocks ?? [FormulaSpans.Block(rows: 0..<rows, first: 0, count: 1)]
        let chunks = blocks.flatMap { block in
            stride(from: block.rows.lowerBound, to: block.rows.upperBound, by: most).map {
                FormulaSpans.Block(rows: $0..<min($0 + most, block.rows.upperBound), first: block.first, count: block.count)
            }
        }
        let bounds = (operands.spans?.bounds ?? [0, operands.columns]).map { Int64($0) }
        let threads = min(chunks.count, ThreadPool.threadCount)
        let size = withUnsafePointer(to: formula) { Int(losskit_formula_scratch($0)) }
        let memory = try Buffer(byteCount: size * threads, on: .cpu)
        defer { withExtendedLifetime(memory) {} }
        guard let scratch = memory.hostPointer else { return }
        let call = Shared((formula: formula, scratch: scratch, output: output, places: places))
        let queue = Queue()
        ThreadPool.forEach(threads) { thread in
            while case let index = queue.next.add(1, ordering: .relaxed).oldValue, index < chunks.count {
                let chunk = chunks[index]
                bounds.withUnsafeBufferPointer { bounds in
                    guard let spans = bounds.baseAddress else { return }
                    withUnsafePointer(to: call.value.formula) {
                        losskit_formula_reduce(
                            $0, Int64(chunk.rows.lowerBound), Int64(chunk.rows.upperBound), spans + 2 * chunk.first, Int64(chunk.count),
                            call.value.scratch + thread * size, call.value.output, call.value.places)
                    }
                }
            }
        }
    }

    /// The next rows to be reduced.
    final class Queue: Sendable {
        let next = Atomic(0)
    }
}
