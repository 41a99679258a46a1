/// The order in which a formula's values are computed for one pair: stretches of scalars, and loops over coordinates between them.
struct FormulaSchedule {
    enum Stage {
        /// Scalars, in order.
        case scalars([Int])
        /// The scalar `total`, a sum over coordinates of the last of these vectors, as many as those of a slot.
        case total(Int, body: [Int], extent: Int)
        /// |x - y|^2 or x.y of two slots.
        case feature(Int, isSquare: Bool, row: Int, column: Int)
    }

    private(set) var stages: [Stage] = []
    /// For each vector term the values of its loop over coordinates, the term's own last.
    private(set) var bodies: [Int: [Int]] = [:]

    init(_ program: FormulaProgram) {
        let isVector = program.isVector
        let roots: [Int]
        switch program.reduction {
        case .sum: roots = program.summed.map(\.value)
        case .logSumExp(let value), .keep(let value, _): roots = [value]
        }
        var isNeeded = [Bool](repeating: false, count: program.nodes.count)
        for root in roots { isNeeded[root] = true }
        for index in program.nodes.indices.reversed() where isNeeded[index] {
            for operand in program.nodes[index].operands { isNeeded[operand] = true }
        }
        /// The vectors that one is made of, operands first.
        func body(_ value: Int) -> [Int] {
            var isPart = Set([value])
            for index in (0...value).reversed() where isPart.contains(index) {
                for operand in program.nodes[index].operands where isVector[operand] { isPart.insert(operand) }
            }
            return isPart.sorted()
        }
        var scalars: [Int] = []
        func flush() {
            if !scalars.isEmpty { stages.append(.scalars(scalars)) }
            scalars = []
        }
        for index in program.nodes.indices where isNeeded[index] && !isVector[index] {
            switch program.nodes[index] {
            case .total(let value, let extent):
                flush()
                stages.append(.total(index, body: body(value), extent: extent))
            case .squaredDistance(let row, let column):
                stages.insert(.feature(index, isSquare: true, row: row, column: column), at: 0)
            case .dot(let row, let column):
                stages.insert(.feature(index, isSquare: false, row: row, column: column), at: 0)
            default: scalars.append(index)
            }
        }
        flush()
        for root in roots where isVector[root] { bodies[root] = body(root) }
    }
}

extension FormulaProgram.Term {
    /// The value that is summed, or that weighs what is.
    var value: Int {
        switch self {
        case .plain(let value), .scaled(let value, _), .difference(let value, _, _), .vector(let value): value
        }
    }
}

extension FormulaProgram.Node {
    /// The values it is computed from.
    var operands: [Int] {
        switch self {
        case .apply(_, let operands): operands
        case .total(let value, _): [value]
        default: []
        }
    }
}
