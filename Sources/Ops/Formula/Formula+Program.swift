import LossKitDevice
import LossKitKernels

extension Formula {
    /// How a formula's values are written down for the kernels, with what they read.
    struct Lowering {
        let kept: Points
        private(set) var nodes: [FormulaProgram.Node] = []
        private(set) var variables: [Node] = []
        private(set) var constants: [Double] = []
        private var indices: [FormulaProgram.Node: Int] = [:]
        private var values: [ObjectIdentifier: Int] = [:]
        private var slots: [ObjectIdentifier: Int] = [:]
        /// Held, so that no later node takes the place of one that was written down.
        private var roots: [Node] = []

        /// - Parameter kept: The points that are not reduced away.
        init(keeping kept: Points) { self.kept = kept }

        var program: (slots: [FormulaProgram.Slot], nodes: [FormulaProgram.Node]) {
            (variables.map { FormulaProgram.Slot(side: side(of: $0), isVector: $0.extent > 1) }, nodes)
        }

        private func side(of variable: Node) -> FormulaProgram.Side {
            guard case .variable(let points?, _) = variable.kind else { return .shared }
            return points == kept ? .row : .column
        }

        /// The value a node is, written down with all that it is made of.
        mutating func value(of formula: Formula) throws -> Int {
            roots.append(formula.node)
            for node in formula.node.parts where values[ObjectIdentifier(node)] == nil {
                values[ObjectIdentifier(node)] = try value(of: node)
            }
            return values[ObjectIdentifier(formula.node)] ?? 0
        }

        private mutating func value(of node: Node) throws -> Int {
            switch node.kind {
            case .failed(let error): throw error
            case .constant(let number):
                if let index = constants.firstIndex(where: { $0.bitPattern == number.bitPattern }) { return append(.constant(index)) }
                constants.append(number)
                return append(.constant(constants.count - 1))
            case .variable: return append(.slot(slot(of: node)))
            case .apply(let opcode, let operands):
                return append(.apply(opcode, operands.map { values[ObjectIdentifier($0)] ?? 0 }))
            case .total(let operand):
                let value = values[ObjectIdentifier(operand)] ?? 0
                guard operand.extent > 1 else { return value }
                return append(feature(operand) ?? .total(value, extent: slot(of: vector(in: operand))))
            }
        }

        private mutating func append(_ node: FormulaProgram.Node) -> Int {
            if let index = indices[node] { return index }
            nodes.append(node)
            indices[node] = nodes.count - 1
            return nodes.count - 1
        }

        mutating func slot(of variable: Node) -> Int {
            if let slot = slots[ObjectIdentifier(variable)] { return slot }
            variables.append(variable)
            slots[ObjectIdentifier(variable)] = variables.count - 1
            return variables.count - 1
        }

        /// A variable of as many coordinates: a vector has one among its parts.
        private func vector(in node: Node) -> Node {
            node.parts.first { if case .variable = $0.kind { $0.extent == node.extent } else { false } } ?? node
        }

        /// The squared distance or inner product that a sum over coordinates is.
        private mutating func feature(_ node: Node) -> FormulaProgram.Node? {
            switch node.kind {
            case .apply(.square, let operands):
                guard case .apply(.subtract, let ends) = operands[0].kind, let (row, column) = pair(ends[0], ends[1]) else { return nil }
                return .squaredDistance(row: slot(of: row), column: slot(of: column))
            case .apply(.multiply, let factors):
                guard let (row, column) = pair(factors[0], factors[1]) else { return nil }
                return .dot(row: slot(of: row), column: slot(of: column))
            default: return nil
            }
        }

        /// Two vectors as one of a row and one of a column.
        private func pair(_ a: Node, _ b: Node) -> (row: Node, column: Node)? {
            guard case .variable = a.kind, case .variable = b.kind, a.extent == b.extent else { return nil }
            switch (side(of: a), side(of: b)) {
            case (.row, .column): return (a, b)
            case (.column, .row): return (b, a)
            default: return nil
            }
        }

        /// The parts of a sum, each a weight times a vector where it is one.
        mutating func terms(of formula: Formula, weight: Formula = .constant(1)) throws -> [FormulaProgram.Term] {
            let node = formula.node
            guard node.extent > 1 else { return [.plain(try value(of: weight * formula))] }
            switch node.kind {
            case .variable: return [.scaled(try value(of: weight), slot: slot(of: node))]
            case .apply(.add, let operands):
                return try operands.flatMap { try terms(of: Formula($0), weight: weight) }
            case .apply(.subtract, let operands):
                guard let (row, column) = pair(operands[0], operands[1]) else { break }
                let signed = row === operands[0] ? weight : -weight
                return [.difference(try value(of: signed), row: slot(of: row), column: slot(of: column))]
            case .apply(.multiply, let operands):
                for (index, operand) in operands.enumerated() where operand.extent == 1 {
                    return try terms(of: Formula(operands[1 - index]), weight: weight * Formula(operand))
                }
            case .apply(.divide, let operands) where operands[1].extent == 1:
                return try terms(of: Formula(operands[0]), weight: weight / Formula(operands[1]))
            default: break
            }
            return [.vector(try value(of: weight * formula))]
        }
    }
}
