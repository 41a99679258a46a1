import LossKitOps

/// All pairs of a batch of embeddings with itself, or with references, a block of anchors at a time: neither distances nor masks are ever
/// held for all of them.
struct PairBatch: Sendable {
    let labels: BatchLabels
    let distance: EmbeddingDistance
    private var miner = PairMiner.Prepared.plain(.all)
    private let embeddings: Tensor
    private let anchors: Tensor
    private let others: Tensor
    /// Classes as float32, [n, 1] and [m], whose comparisons run within expressions.
    private let column: Tensor
    private let row: Tensor

    init(
        _ embeddings: Tensor, _ labels: Tensor, references: References? = nil, distance: EmbeddingDistance, miner: PairMiner = .all,
        _ operation: String
    ) throws {
        self.labels = try BatchLabels(labels, beside: embeddings, references: references, operation)
        self.distance = distance
        self.embeddings = embeddings
        anchors = try distance.prepared(embeddings)
        others = try references.map { try distance.prepared($0.embeddings) } ?? anchors
        column = try self.labels.column()
        row = try Tensor(self.labels.referenceClasses.map { Float($0) }, on: embeddings.device)
        self.miner = try miner.prepared(for: self)
    }

    var blocks: RowBlocks { RowBlocks(rows: labels.count, columns: labels.referenceClasses.count, beside: anchors) }

    /// What a function gives for each anchor, [n] or [n, ...].
    ///
    /// - Parameters:
    ///   - ofAnchors: [n, ...], of which the function sees those of a block.
    ///   - ofOthers: What it sees whole. Derivatives are carried to these and to the embeddings, not to what it captures.
    func perAnchor(
        _ ofAnchors: [Tensor] = [], _ ofOthers: [Tensor] = [], _ body: @escaping @Sendable (EmbeddingPairs) throws -> Tensor
    ) throws -> Tensor {
        try blocks.joined([anchors] + ofAnchors, [others] + ofOthers) { try body(pairs($0, $1, $2)) }
    }

    /// The sum over blocks of what a function gives for each.
    func added(
        _ ofAnchors: [Tensor] = [], _ ofOthers: [Tensor] = [], _ body: @escaping @Sendable (EmbeddingPairs) throws -> Tensor
    ) throws -> Tensor {
        try blocks.added([anchors] + ofAnchors, [others] + ofOthers) { try body(pairs($0, $1, $2)) }
    }

    /// Sees the pairs of each block once; no derivative is carried.
    func forEachBlock(_ body: (EmbeddingPairs) throws -> Void) throws {
        let (held, beside) = (stopGradient(anchors), stopGradient(others))
        for range in blocks.ranges {
            try body(pairs(range, [held.slice(axis: 0, from: range.lowerBound, to: range.upperBound)], [beside]))
        }
    }

    /// All of them at once.
    func whole() throws -> EmbeddingPairs { try pairs(0..<labels.count, [anchors], [others]) }

    private func pairs(_ range: Range<Int>, _ rows: [Tensor], _ columns: [Tensor]) throws -> EmbeddingPairs {
        let isWhole = range.count == labels.count
        let own = isWhole ? column : try column.slice(axis: 0, from: range.lowerBound, to: range.upperBound)
        var isPositive = own .== row
        if labels.excludesSelf {
            let places = try Tensor.places(range, columns: labels.referenceClasses.count, beside: row)
            isPositive = isPositive .&& (places.column .!= places.row)
        }
        var pairs = EmbeddingPairs(
            range: range, anchors: rows[0], others: columns[0], far: try distance.separation(ofPrepared: rows[0], columns[0]),
            sign: distance.sign, isPositive: isPositive, isNegative: own .!= row, ofAnchors: Array(rows.dropFirst()),
            ofOthers: Array(columns.dropFirst()))
        (pairs.isPositive, pairs.isNegative) = try miner(pairs)
        return pairs
    }

    /// One number of the anchors' elements, [n] or [n, 1], in the embeddings' type.
    func reduce(_ elements: Tensor, where exists: Tensor? = nil, _ reducer: Reducer) throws -> Tensor {
        try reducer(elements.flattened(), where: exists, weights: reducer.weights(of: labels, beside: elements)).asType(embeddings.dtype)
    }

    /// One number of elements of pairs [b, m], those of a kind that its mask selects; kinds are reduced on their own and added.
    func reduce(
        _ reducer: Reducer, _ ofAnchors: [Tensor] = [], _ ofOthers: [Tensor] = [],
        _ elements: @escaping @Sendable (EmbeddingPairs) throws -> [(Tensor, where: Tensor)]
    ) throws -> Tensor {
        let parts = try perAnchor(ofAnchors, ofOthers) { pairs in
            try Tensor.concatenate(elements(pairs).map { try reducer.parts($0, where: $1) }, axis: 1)
        }
        return try reduce(parts: parts, reducer)
    }

    /// The same of what each anchor's pairs came to, by ``Reducer/parts(_:where:)``.
    func reduce(parts: Tensor, _ reducer: Reducer) throws -> Tensor {
        let weights = try reducer.weights(of: labels, beside: parts)
        let kinds = try stride(from: 0, to: parts.shape[1], by: 2).map { kind in
            try reducer(parts: parts.slice(axis: 1, from: kind, to: kind + 2), weights: weights)
        }
        return kinds.dropFirst().reduce(kinds[0], +).asType(embeddings.dtype)
    }

    /// Whether each anchor has a positive, [n], where no miner chose among them.
    func havePositives() throws -> Tensor { try Tensor(labels.positives.map { $0 > 0 }, on: anchors.device) }
}
