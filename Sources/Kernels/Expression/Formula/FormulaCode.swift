import CLossKitHost

/// A formula as the CPU's interpreter takes it: steps on registers, in stages and terms.
struct FormulaCode {
    let isDouble: Bool
    let slots: [FormulaProgram.Slot]
    private(set) var steps: [losskit_step] = []
    private(set) var stages: [losskit_formula_stage] = []
    private(set) var terms: [losskit_formula_term] = []
    private(set) var columnTerms: [losskit_formula_term] = []
    private(set) var constantRegisters: [Int32] = []
    private(set) var header = losskit_formula()

    private let program: FormulaProgram
    private var registers = Registers()

    init(_ program: FormulaProgram, _ operands: FormulaOperands) {
        self.program = program
        (isDouble, slots) = (program.isDouble, program.slots)
        let schedule = FormulaSchedule(program)
        registers = Registers(lastUses: Self.lastUses(schedule, program))
        for index in program.nodes.indices {
            guard case .constant = program.nodes[index] else { continue }
            constantRegisters.append(registers.keep(for: index))
        }
        var features: Int32 = 0
        var squares: [[Int]: Int32] = [:]
        for stage in schedule.stages {
            var coded = losskit_formula_stage()
            switch stage {
            case .scalars(let values):
                coded.kind = Int32(losskit_stage_steps)
                (coded.begin, coded.end) = append(values, isLoop: false)
            case .total(let total, let body, let extent):
                coded.kind = Int32(losskit_stage_total)
                coded.target = registers.take(for: total)
                (coded.begin, coded.end) = append(body, isLoop: true)
                coded.value = registers[body[body.count - 1]]
                coded.d = Int64(operands.extents[extent])
            case .feature(let value, let isSquare, let row, let column):
                coded.kind = Int32(isSquare ? losskit_stage_square : losskit_stage_dot)
                coded.target = registers.take(for: value)
                (coded.row, coded.column, coded.feature) = (Int32(row), Int32(column), features)
                coded.d = Int64(operands.extents[row])
                features += 1
                if isSquare, coded.d >= HostFormula.productExtent { squares[[row, column]] = Int32(stages.count) }
                registers.advance()
            }
            stages.append(coded)
        }
        if case .sum(let parts) = program.reduction {
            terms = parts.map { term($0, squares, schedule) }
            columnTerms = program.columnTerms.map { term($0, squares, schedule) }
        }
        complete(operands, features: features)
    }

    private mutating func term(
        _ part: FormulaProgram.Term, _ squares: [[Int]: Int32], _ schedule: FormulaSchedule
    ) -> losskit_formula_term {
        var term = losskit_formula_term()
        term.stage = -1
        switch part {
        case .plain: term.kind = Int32(losskit_term_plain)
        case .scaled(_, let slot):
            let isColumn = program.slots[slot].side == .column
            term.kind = Int32(isColumn ? losskit_term_column : losskit_term_row)
            if isColumn { term.column = Int32(slot) } else { term.row = Int32(slot) }
        case .difference(_, let row, let column):
            term.kind = Int32(losskit_term_difference)
            (term.row, term.column, term.stage) = (Int32(row), Int32(column), squares[[row, column]] ?? -1)
        case .vector(let value):
            term.kind = Int32(losskit_term_steps)
            (term.begin, term.end) = append(schedule.bodies[value] ?? [], isLoop: true)
        }
        term.weight = registers[part.value]
        return term
    }

    private mutating func complete(_ operands: FormulaOperands, features: Int32) {
        header.is_double = isDouble ? 1 : 0
        header.slot_count = Int32(slots.count)
        header.step_count = Int32(steps.count)
        header.stage_count = Int32(stages.count)
        header.term_count = Int32(terms.count)
        header.column_term_count = Int32(columnTerms.count)
        header.constant_count = Int32(constantRegisters.count)
        header.register_count = registers.count
        header.feature_count = features
        (header.rows, header.columns) = (Int64(operands.rows), Int64(operands.columns))
        (header.width, header.kept) = (Int64(operands.width), Int64(operands.kept))
        header.column_width = Int64(operands.columnWidth)
        switch program.reduction {
        case .sum: header.reduction = Int32(losskit_reduce_sum)
        case .logSumExp(let value):
            header.reduction = Int32(losskit_reduce_log_sum_exp)
            header.value = registers[value]
        case .keep(let value, let best):
            header.reduction = best.rawValue
            header.value = registers[value]
        }
    }

    /// Steps for values in order; what a loop reads outlasts all of its rounds.
    private mutating func append(_ values: [Int], isLoop: Bool) -> (Int32, Int32) {
        let begin = Int32(steps.count)
        for value in values {
            switch program.nodes[value] {
            case .slot(let slot):
                steps.append(
                    losskit_step(opcode: Opcode.leaf.rawValue, a: Int32(slot), b: 0, c: 0, target: registers.take(for: value, isLoop)))
            case .apply(let opcode, let operands):
                let target = registers.take(for: value, isLoop)
                let places = operands.map { registers[$0] }
                steps.append(
                    losskit_step(
                        opcode: opcode.rawValue, a: places[0], b: places.count > 1 ? places[1] : places[0],
                        c: places.count > 2 ? places[2] : places[0], target: target))
            default: break
            }
            if !isLoop { registers.advance() }
        }
        if isLoop { registers.advance() }
        return (begin, Int32(steps.count))
    }

    /// For each scalar the time of its last use: every scalar takes one unit, and so does every loop. What is reduced is kept.
    private static func lastUses(_ schedule: FormulaSchedule, _ program: FormulaProgram) -> [Int: Int] {
        var result: [Int: Int] = [:]
        var time = 0
        func use(_ values: [Int]) {
            for value in values {
                for operand in program.nodes[value].operands { result[operand] = time }
            }
        }
        for stage in schedule.stages {
            switch stage {
            case .scalars(let values):
                for value in values {
                    use([value])
                    time += 1
                }
                continue
            case .total(_, let body, _): use(body)
            case .feature: break
            }
            time += 1
        }
        switch program.reduction {
        case .sum:
            for term in program.summed {
                use(schedule.bodies[term.value] ?? [])
                result[term.value] = .max
            }
            for body in schedule.bodies.values {
                for value in body { for operand in program.nodes[value].operands { result[operand] = .max } }
            }
        case .logSumExp(let value), .keep(let value, _): result[value] = .max
        }
        return result
    }

    /// Registers for values, used again after the last use.
    private struct Registers {
        private let lastUses: [Int: Int]
        private(set) var count: Int32 = 0
        private var time = 0
        private var places: [Int: Int32] = [:]
        private var unused: [Int32] = []
        private var held: [(place: Int32, until: Int)] = []

        init(lastUses: [Int: Int] = [:]) { self.lastUses = lastUses }

        subscript(value: Int) -> Int32 { places[value] ?? 0 }

        /// A register for a scalar, or for a vector's coordinate in the loop at hand.
        mutating func take(for value: Int, _ isLoop: Bool = false) -> Int32 {
            if unused.isEmpty {
                unused.append(count)
                count += 1
            }
            let place = unused.removeLast()
            places[value] = place
            held.append((place, isLoop ? time : lastUses[value] ?? time))
            return place
        }

        /// A register of its own, for good.
        mutating func keep(for value: Int) -> Int32 {
            places[value] = count
            count += 1
            return count - 1
        }

        /// The time after a scalar or a loop.
        mutating func advance() {
            unused += held.filter { $0.until <= time }.map(\.place)
            held.removeAll { $0.until <= time }
            time += 1
        }
    }
}
