import LossKitDevice

/// The OpenCL of a formula's reduction. Sizes are arguments, so that one program serves points of any number and dimension.
struct GeneratedFormula {
    /// Rows that an item of a CPU works on side by side.
    static let lanesOfCPU = 16

    /// The kernel for a formula.
    static func source(of program: FormulaProgram) -> KernelSource {
        KernelSource(name: "formula generated for \(program.nodes.count) values", generated: GeneratedFormula(program).text)
    }

    private let program: FormulaProgram
    private let schedule: FormulaSchedule
    /// Scalars that are read in another stage than their own.
    private let crossing: Set<Int>
    private let isVector: [Bool]
    private var lines: [String] = []

    private var text: String { lines.joined(separator: "\n") + "\n" }

    private init(_ program: FormulaProgram) {
        self.program = program
        schedule = FormulaSchedule(program)
        isVector = program.isVector
        crossing = Self.crossing(program, schedule)
        write()
    }

    private static func crossing(_ program: FormulaProgram, _ schedule: FormulaSchedule) -> Set<Int> {
        var result = Set<Int>()
        for stage in schedule.stages {
            switch stage {
            case .scalars(let values):
                let own = Set(values)
                result.formUnion(values.flatMap { program.nodes[$0].operands }.filter { !own.contains($0) })
            case .total(_, let body, _): result.formUnion(body.flatMap { program.nodes[$0].operands }.filter { !body.contains($0) })
            case .feature: break
            }
        }
        switch program.reduction {
        case .sum(let terms):
            result.formUnion(terms.map(\.value))
            for body in schedule.bodies.values {
                result.formUnion(body.flatMap { program.nodes[$0].operands }.filter { !body.contains($0) })
            }
        case .logSumExp(let value), .keep(let value, _): result.insert(value)
        }
        return result.filter { program.nodes[$0].isComputed }
    }

    /// A scalar, or in a loop over coordinates a vector's coordinate, in terms of what is at hand there.
    private func name(_ value: Int, own: Set<Int> = []) -> String {
        switch program.nodes[value] {
        case .constant(let index): return "c\(index)"
        case .slot(let slot):
            let isVector = program.slots[slot].isVector
            switch program.slots[slot].side {
            case .row: return isVector ? "x\(slot)[l]" : "r\(slot)[l]"
            case .column: return isVector ? "s\(slot)[column * d\(slot) + k]" : "s\(slot)[column]"
            case .shared: return isVector ? "s\(slot)[k]" : "s\(slot)[0]"
            }
        default: return own.contains(value) ? "v\(value)" : "a\(value)[jj][l]"
        }
    }

    private func assignments(_ values: [Int]) -> [String] {
        let own = Set(values)
        return values.flatMap { value -> [String] in
            guard case .apply(let opcode, let operands) = program.nodes[value] else { return [] }
            let names = operands.map { name($0, own: own) } + ["0", "0"]
            // Through variables: the macros read their operands more than once.
            let given = zip(["a", "b", "c"], names).prefix(max(1, opcode.arity)).map { "const T \($0) = \($1);" }.joined(separator: " ")
            let kept = crossing.contains(value) && !isVector[value] ? " a\(value)[jj][l] = v\(value);" : ""
            return ["T v\(value); { \(given) v\(value) = (T)(OP_\(opcode.rawValue)(a, b, c)); }\(kept)"]
        }
    }

    /// Row vectors that a loop over coordinates reads, loaded for coordinate k.
    private func loads(_ slots: [Int]) -> String {
        slots.map { "T x\($0)[LANES]; for (int l = 0; l < LANES; l++) x\($0)[l] = s\($0)[rowOf(l) * d\($0) + k]; " }.joined()
    }

    private func rowVectors(_ body: [Int]) -> [Int] {
        body.compactMap { value in
            if case .slot(let slot) = program.nodes[value], program.slots[slot].side == .row, program.slots[slot].isVector {
                slot
            } else {
                nil
            }
        }
    }

    private mutating func write() {
        let slots = program.slots.indices.map { "GLOBAL_IN(T, s\($0)), const long d\($0), " }.joined()
        let constants = program.nodes.compactMap { node in
            if case .constant(let index) = node { "const T c\(index), " } else { nil }
        }.joined()
        let scalars = program.slots.indices.filter { program.slots[$0].side == .row && !program.slots[$0].isVector }
        lines = [
            "#define ARITHMETIC \(program.isDouble ? 1 : 0)", "#define FLOATING 1", "typedef \(program.isDouble ? "double" : "float") T;",
            "#include \"opcodes.clh\"", "#include \"formula.clh\"", "",
            "__kernel void formula(\(slots)\(constants)GLOBAL_OUT(T, out), GLOBAL_OUT(int, places), GLOBAL_OUT(wide_t, sums),",
            "                      GLOBAL_IN(long, spans), const long span_count, const long begin, const long rows, const long all,",
            "                      const long width, const long kept) {",
        ]
        lines += program.slots.indices.map { "    AT_IN(T, s\($0));" }
        lines += [
            "    AT_OUT(T, out);", "    AT_IN(long, spans);",
            "    const long group = get_global_id(0), first = begin + group * LANES, groups = (rows - begin + LANES - 1) / LANES;",
        ]
        lines += ["    if (first >= rows) return;"]
        lines += scalars.map { "    T r\($0)[LANES]; for (int l = 0; l < LANES; l++) r\($0)[l] = s\($0)[rowOf(l)];" }
        lines += start
        lines += ["    EACH_SPAN for (long j = from; j < columns; j += TILE) {"]
        lines += crossing.sorted().map { "        T a\($0)[TILE][LANES];" }
        for stage in schedule.stages { lines += pass(stage) }
        lines += consumption
        lines += ["    } END_SPAN"] + finish + ["}"]
    }

    /// The computation of a stage's scalars for all pairs at hand.
    private func pass(_ stage: FormulaSchedule.Stage) -> [String] {
        switch stage {
        case .scalars(let values):
            let steps = assignments(values)
            return steps.isEmpty ? [] : ["        EACH_PAIR {"] + steps.map { "            " + $0 } + ["        } END_PAIR"]
        case .total(let total, let body, let extent):
            let value = name(body[body.count - 1], own: Set(body))
            return [
                "        EACH_PAIR { a\(total)[jj][l] = 0; } END_PAIR", "        for (long k = 0; k < d\(extent); k++) {",
                "            \(loads(rowVectors(body)))EACH_PAIR {",
            ] + assignments(body).map { "                " + $0 } + [
                "                a\(total)[jj][l] += \(value);", "            } END_PAIR", "        }",
            ]
        case .feature(let value, let isSquare, let row, let column):
            return ["        \(isSquare ? "SQUARES" : "PRODUCTS")(a\(value), s\(row), s\(column), d\(row))"]
        }
    }

    private var start: [String] {
        switch program.reduction {
        case .sum(let terms):
            let totals = terms.indices.filter { program.isMultiple(terms[$0]) }.map { "    START_TOTAL(t\($0))" }
            return totals + (program.hasVectorTerms ? ["    AT_OUT(wide_t, sums);", "    START_SUMS"] : [])
        case .logSumExp: return ["    START_EXPONENTS"]
        case .keep(_, let best):
            return ["    AT_OUT(int, places);", "    START_KEPT(\(best == .minimum || best == .smallest ? "INFINITY" : "-INFINITY"))"]
        }
    }

    private var consumption: [String] {
        switch program.reduction {
        case .sum(let terms):
            return terms.enumerated().flatMap { index, term -> [String] in
                let weight = name(term.value)
                switch term {
                case _ where program.isMultiple(term): return ["        ADD_TOTAL(t\(index), \(weight))"]
                case .scaled(_, let slot): return ["        ADD_SUMS(, \(weight) * s\(slot)[column * width + k])"]
                case .difference(_, let row, let column):
                    return ["        ADD_SUMS(\(loads([row])), \(weight) * (x\(row)[l] - s\(column)[column * width + k]))"]
                case .vector(let value):
                    let body = schedule.bodies[value] ?? []
                    return ["        START_ADDING(\(loads(rowVectors(body))))"] + assignments(body).map { "            " + $0 } + [
                        "        END_ADDING(\(name(value, own: Set(body))))"
                    ]
                case .plain: return []
                }
            }
        case .logSumExp(let value): return ["        ADD_EXPONENTS(\(name(value)))"]
        case .keep(let value, let best):
            let isBetter: String =
                switch best {
                case .minimum: "a < b || (isnan(a) && !isnan(b))"
                case .maximum: "a > b || (isnan(a) && !isnan(b))"
                case .smallest: "a < b || (isnan(b) && !isnan(a))"
                case .largest: "a > b || (isnan(b) && !isnan(a))"
                }
            return ["#define IS_BETTER(a, b) (\(isBetter))", "        KEEP(\(name(value)))"]
        }
    }

    private var finish: [String] {
        switch program.reduction {
        case .sum(let terms):
            let totals = terms.enumerated().compactMap { index, term -> String? in
                switch term {
                case .plain: return " + t\(index)[l]"
                case .scaled(_, let slot):
                    switch program.slots[slot].side {
                    case .row: return " + t\(index)[l] * s\(slot)[(first + l) * width + k]"
                    case .shared: return " + t\(index)[l] * s\(slot)[k]"
                    case .column: return nil
                    }
                case .difference, .vector: return nil
                }
            }
            return ["    FINISH_SUMS(\(program.hasVectorTerms ? "sums[(k * groups + group) * LANES + l]" : "0")\(totals.joined()))"]
        case .logSumExp: return ["    FINISH_EXPONENTS"]
        case .keep: return []
        }
    }
}

extension FormulaProgram.Node {
    /// Whether it is more than a slot or a constant.
    fileprivate var isComputed: Bool {
        switch self {
        case .slot, .constant: false
        default: true
        }
    }
}
