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
    func replacingVariables(_ replacement: (Variable) throws -> Formula?) rethrows -> Formula {
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
    func replacingTensors(_ replacement: (Variable) throws -> Tensor) rethrows -> Formula {
        try replacingVariables { Self.variable(try replacement($0), of: $0.points) }
    }

    /// What the variables hold that all pairs share.
    package var parameters: [Tensor] { variables.filter { $0.points == nil }.map(\.tensor) }

    /// The formula with others in place of its ``parameters``, in their order.
    package func replacingParameters(_ tensors: [Tensor]) -> Formula {
        var rest = tensors[...]
        return replacingTensors { $0.points == nil ? rest.removeFirst() : $0.tensor }
    }
}
