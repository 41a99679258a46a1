/// The backward pass: cotangents of outputs carried to the leaves of one differentiation.
enum Backward {
    /// Cotangents of `leaves`, nil where the outputs do not depend on one.
    static func run(from outputs: [(tensor: Tensor, cotangent: Tensor)], to leaves: [History]) throws -> [Tensor?] {
        guard let earliest = leaves.map(\.order).min() else { return [] }
        let nodes = reachable(from: outputs.compactMap(\.tensor.history?.node), notBefore: earliest)
        let needed = dependents(of: leaves, among: nodes)
        var cotangents: [ObjectIdentifier: [Tensor?]] = [:]
        for (tensor, cotangent) in outputs {
            if let link = tensor.history { accumulate(cotangent, at: link, in: &cotangents) }
        }
        let leafSet = Set(leaves.map(ObjectIdentifier.init))
        for node in nodes.sorted(by: { $0.order > $1.order }) {
            let id = ObjectIdentifier(node)
            guard needed.contains(id), !leafSet.contains(id), let incoming = cotangents.removeValue(forKey: id) else { continue }
            let inputs = node.inputs
            let isNeeded = inputs.map { $0.map { needed.contains(ObjectIdentifier($0.node)) } ?? false }
            let results = try node.pullBack(incoming, isNeeded: isNeeded)
            for (index, input) in inputs.enumerated() where isNeeded[index] {
                guard let input, index < results.count, let result = results[index] else { continue }
                accumulate(try result.checked(), at: input, in: &cotangents)
            }
        }
        return leaves.map { cotangents[ObjectIdentifier($0)]?[0] }
    }

    private static func accumulate(_ cotangent: Tensor, at link: History.Link, in cotangents: inout [ObjectIdentifier: [Tensor?]]) {
        var entry = cotangents[ObjectIdentifier(link.node)] ?? Array(repeating: nil, count: link.node.outputCount)
        entry[link.output] = entry[link.output].map { $0 + cotangent } ?? cotangent
        cotangents[ObjectIdentifier(link.node)] = entry
    }

    private static func reachable(from roots: [History], notBefore earliest: UInt64) -> [History] {
        var seen = Set<ObjectIdentifier>()
        var found: [History] = []
        var pending = roots
        while let node = pending.popLast() {
            guard node.order >= earliest, seen.insert(ObjectIdentifier(node)).inserted else { continue }
            found.append(node)
            pending += node.inputs.compactMap { $0?.node }
        }
        return found
    }

    /// The nodes through which the outputs depend on a leaf.
    private static func dependents(of leaves: [History], among nodes: [History]) -> Set<ObjectIdentifier> {
        var result = Set(leaves.map(ObjectIdentifier.init))
        for node in nodes.sorted(by: { $0.order < $1.order })
        where node.inputs.contains(where: { $0.map { result.contains(ObjectIdentifier($0.node)) } ?? false }) {
            result.insert(ObjectIdentifier(node))
        }
        return result
    }
}
