import Synchronization

/// What a derivative's computation is given.
package struct Pullback: Sendable {
    /// The cotangent of each output; nil where it is zero.
    package let cotangents: [Tensor?]
    /// The operation's outputs, where it was recorded with them.
    package let outputs: [Tensor]
    /// For each input whether anybody asks for its cotangent.
    package let isNeeded: [Bool]

    /// The cotangent of an operation's only output.
    package var cotangent: Tensor {
        cotangents.first.flatMap { $0 }
            ?? .failed(TensorError.invalidArgument(operation: "pullback", expected: "a cotangent", actual: "none"))
    }
}

/// One recorded operation: where its inputs came from, and how a cotangent of its outputs becomes cotangents of its inputs.
final class History: Sendable {
    /// One output of a recorded operation.
    struct Link: Sendable {
        let node: History
        let output: Int
    }

    typealias VJP = @Sendable (Pullback) throws -> [Tensor?]

    private struct Content {
        var inputs: [Link?]
        var outputs: [Tensor]
        var vjp: VJP
    }

    private static let nextOrder = Atomic<UInt64>(0)

    /// Grows along every chain of operations.
    let order: UInt64
    /// The outermost differentiation this operation depends on; 1 is the outermost of all.
    let level: Int
    let outputCount: Int
    private let content: Mutex<Content>

    init(inputs: [Link?], outputs: [Tensor], outputCount: Int, level: Int, vjp: @escaping VJP) {
        order = Self.nextOrder.add(1, ordering: .relaxed).newValue
        self.level = level
        self.outputCount = outputCount
        content = Mutex(Content(inputs: inputs, outputs: outputs, vjp: vjp))
    }

    /// A chain of many operations is taken apart in a loop: letting each node free the one before would need as deep a stack.
    deinit {
        var pending = content.withLock { content in
            defer { content = Content(inputs: [], outputs: [], vjp: { _ in [] }) }
            return content.inputs
        }
        while let last = pending.popLast() {
            guard var link = last else { continue }
            pending += link.takeInputsIfUnique()
        }
    }

    var inputs: [Link?] { content.withLock { $0.inputs } }

    func pullBack(_ cotangents: [Tensor?], isNeeded: [Bool]) throws -> [Tensor?] {
        let (outputs, vjp) = content.withLock { ($0.outputs, $0.vjp) }
        let attached = outputs.enumerated().map { index, output in output.withHistory(Link(node: self, output: index)) }
        return try vjp(Pullback(cotangents: cotangents, outputs: attached, isNeeded: isNeeded))
    }

    fileprivate func takeInputs() -> [Link?] {
        content.withLock { content in
            defer { content = Content(inputs: [], outputs: [], vjp: { _ in [] }) }
            return content.inputs
        }
    }
}

extension History.Link {
    fileprivate mutating func takeInputsIfUnique() -> [History.Link?] {
        var node = node
        self = History.Link(node: .none, output: 0)
        return isKnownUniquelyReferenced(&node) ? node.takeInputs() : []
    }
}

extension History {
    /// Stands in for a node that was taken.
    fileprivate static let none = History(inputs: [], outputs: [], outputCount: 0, level: .max, vjp: { _ in [] })
}

/// How deep differentiations are nested here, and which of them still record.
enum Differentiation {
    /// How many differentiations enclose this code.
    @TaskLocal static var depth = 0
    /// Operations that depend only on differentiations from this level inwards are not recorded: their backward pass is under way, and
    /// nobody will ask again.
    @TaskLocal static var floor = Int.max
}

extension Tensor {
    /// Connects the outputs of an operation to its inputs, if one of them is being differentiated.
    ///
    /// `vjp` must not capture an output (that would be a reference cycle): ask for them with `savingOutputs`.
    package static func record(
        _ name: StaticString, inputs: [Tensor], outputs: [Tensor], savingOutputs: Bool = false,
        vjp: @escaping @Sendable (Pullback) throws -> [Tensor?]
    ) -> [Tensor] {
        guard inputs.contains(where: { $0.history != nil }) else { return outputs }
        let level = inputs.reduce(Int.max) { Swift.min($0, $1.history?.node.level ?? .max) }
        guard level < Differentiation.floor else { return outputs.map { $0.withHistory(nil) } }
        let node = History(
            inputs: inputs.map(\.history), outputs: savingOutputs ? outputs.map { $0.withHistory(nil) } : [], outputCount: outputs.count,
            level: level, vjp: vjp)
        return outputs.enumerated().map { index, output in
            output.dtype.isFloatingPoint ? output.withHistory(History.Link(node: node, output: index)) : output
        }
    }

    /// ``record(_:inputs:outputs:savingOutputs:vjp:)`` for an operation with one output.
    package static func record(
        _ name: StaticString, inputs: [Tensor], output: Tensor, savingOutput: Bool = false,
        vjp: @escaping @Sendable (Pullback) throws -> [Tensor?]
    ) -> Tensor {
        guard inputs.contains(where: { $0.history != nil }) else { return output }
        return record(name, inputs: inputs, outputs: [output], savingOutputs: savingOutput, vjp: vjp)[0]
    }
}

extension Tensor {
    /// Whether an operation on these inputs would be recorded: a derivative that a kernel computes must then be written in tensor
    /// operations instead.
    package static func records(_ inputs: [Tensor]) -> Bool {
        inputs.contains { ($0.history?.node.level ?? .max) < Differentiation.floor }
    }
}
