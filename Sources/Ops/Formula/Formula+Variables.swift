import LossKitDevice

extension Formula {
    /// A variable of a formula.
    struct Variable: Sendable {
        let node: Node
        let points: Points?
        let tensor: Tensor
    }

    /// The variables, each once.
    var variables: [Variable] {
        node.parts.compactMap { node in
            if case .variable(let points, let tensor) = node.kind { Variable(node: node, points: points, tensor: tensor) } else { nil }
        }
    }

    /// The formula with others in place of some of its variables.
    func replacingVariables(_ replacement: (Variable) throws -> Formula?) throws -> Formula {
        var replaced: [ObjectIdentifier: Node] = [:]
        for part in node.parts {
            func current(_ node: Node) -> Node { replaced[ObjectIdentifier(node)] ?? node }
            switch part.kind {
            case .variable(let points, let tensor):
                replaced[ObjectIdentifier(part)] = try replacement(Variable(node: part, points: points, tensor: tensor))?.node
            case .apply(let opcode, let operands):
                replaced[ObjectIdentifier(part)] = Node(.apply(opcode, operands.map(current)), coordinates: part.coordinates)
            case .total(let operand): replaced[ObjectIdentifier(part)] = Node(.total(current(operand)), coordinates: nil)
            case .constant, .failed: break
            }
        }
        return replaced[ObjectIdentifier(node)].map { Formula($0) } ?? self
    }

    /// The formula with other tensors in its variables.
    func replacingTensors(_ replacement: (Variable) throws -> Tensor) throws -> Formula {
        try replacingVariables { Self.variable(try replacement($0), of: $0.points) }
    }
}
