import LossKitOps

/// A binary tree whose leaves are classes: each class is the path of turns from the root to its leaf.
public struct ClassTree: Sendable {
    /// For each class the inner nodes on its path, and whether it goes right there.
    let paths: [[(node: Int, isRight: Bool)]]

    /// The number of classes.
    public var classes: Int { paths.count }
    /// The number of inner nodes.
    public var nodes: Int { max(0, classes - 1) }

    /// The complete tree: nodes numbered by levels, the children of i being 2 i + 1 and 2 i + 2, class k at C - 1 + k.
    public init(completeOf classes: Int) {
        paths = (0..<max(0, classes)).map { label in
            var path: [(node: Int, isRight: Bool)] = []
            var place = classes - 1 + label
            while place > 0 {
                path.append(((place - 1) / 2, place % 2 == 0))
                place = (place - 1) / 2
            }
            return path.reversed()
        }
    }

    /// Huffman's tree: classes with more counts have shorter paths. The root is the last node.
    public init(counts: [Double]) {
        var paths = [[(node: Int, isRight: Bool)]](repeating: [], count: counts.count)
        var roots = counts.enumerated().map { (weight: $0.element, classes: [$0.offset]) }
        for node in 0..<max(0, counts.count - 1) {
            func removeLightest() -> (weight: Double, classes: [Int]) {
                roots.remove(
                    at: roots.indices.min {
                        (roots[$0].weight, roots[$0].classes[0]) < (roots[$1].weight, roots[$1].classes[0])
                    } ?? 0)
            }
            let (left, right) = (removeLightest(), removeLightest())
            for label in left.classes { paths[label].append((node, false)) }
            for label in right.classes { paths[label].append((node, true)) }
            roots.append((left.weight + right.weight, left.classes + right.classes))
        }
        self.paths = paths.map { $0.reversed() }
    }
}

/// Hierarchical softmax: a class is as likely as the turns on the path to its leaf.
///
/// At each inner node with `z = e . w_node + b_node` the right child has probability `sigmoid(z)`: the sum over the path of `softplus(-z)`
/// for turns
/// to the right, of `softplus(z)` for those to the left. Costs the path's length rather than the number of classes.
///
/// - Parameters:
///   - embeddings: [N, D].
///   - targets: [N], integers.
///   - nodeWeights: [C - 1, D].
///   - nodeBiases: [C - 1] or nil.
///   - tree: The complete tree of C classes where nil.
///   - reduction: Over rows.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches.
/// - Note: Morin and Bengio, Hierarchical Probabilistic Neural Network Language Model, 2005.
public func hierarchicalSoftmax(
    embeddings: Tensor, targets: Tensor, nodeWeights: Tensor, nodeBiases: Tensor? = nil,
    tree: ClassTree? = nil,
    reduction: Reduction = .mean
) throws -> Tensor {
    let operation = "hierarchicalSoftmax"
    try requireShape(embeddings, [nil, nil], "embeddings", operation)
    try requireFloatingPoint(embeddings, operation)
    try requireShape(nodeWeights, [tree?.nodes, embeddings.shape[1]], "node weights", operation)
    if let nodeBiases {
        try requireShape(nodeBiases, [nodeWeights.shape[0]], "node biases", operation)
    }
    let tree = tree ?? ClassTree(completeOf: nodeWeights.shape[0] + 1)
    let rows = embeddings.shape[0]
    // Paths differ in length: the host plans them, and reads the labels for it.
    let labels = try checkedClasses(targets, shape: [rows], below: tree.classes, operation).array(of: Int.self)
    let turns = labels.enumerated().flatMap { row, label in
        tree.paths[label].map { (row: row, node: $0.node, sign: Float($0.isRight ? -1 : 1)) }
    }
    let none = try embeddings.sum(axes: [1]) * 0
    guard !turns.isEmpty else { return try reduction(none) }
    let device = embeddings.device
    let nodes = try Tensor(turns.map(\.node), on: device)
    let places = try Tensor(turns.map(\.row), on: device)
    var z = try (embeddings.rows(at: places) * nodeWeights.rows(at: nodes)).sum(axes: [1])
    if let nodeBiases { z = try z + nodeBiases.rows(at: nodes) }
    let signs = try Tensor(turns.map(\.sign), on: device)
    return try reduction(
        stopGradient(none).scatterAdd((z * signs.asType(z.dtype)).softplus(), at: places, axis: 0))
}

extension LossDescription {
    static let hierarchicalSoftmaxLoss = LossDescription(
        "hierarchicalSoftmax", .classification,
        "A class as likely as the turns on the path to its leaf",
        reference: "Morin and Bengio, Hierarchical Probabilistic Neural Network Language Model, 2005",
        inputs: [
            .init("embeddings", ["n", "d"]), .init("targets", ["n"], .classes("classes")),
            .init("nodeWeights", ["nodes", "d"]),
            .init("nodeBiases", ["nodes"], isOptional: true),
        ],
        options: [.reduction]
    ) {
        try hierarchicalSoftmax(
            embeddings: $0["embeddings"], targets: $0["targets"], nodeWeights: $0["nodeWeights"],
            nodeBiases: $0.optional("nodeBiases"),
            reduction: $0.reduction())
    }
}
