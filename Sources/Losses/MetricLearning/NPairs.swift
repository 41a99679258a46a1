import LossKitOps

/// N-pairs loss: one pair a class, each anchor's positive against the positives of all other pairs.
///
/// Of every label that two rows have, its first row is an anchor a and its second the positive p: `-log softmax_j(s(a_i, p_j))_i` over the
/// pairs j; gradient that of the softmax cross-entropy through the similarities.
///
/// - Parameters:
///   - embeddings: [n, d].
///   - labels: [n], integers.
///   - distance: Between embeddings. The authors take the dot product of embeddings as they are, `EmbeddingDistance(.dot, isNormalized:
///     false)`, beside ``EmbeddingRegularizer/norm(p:power:)``.
///   - reducer: Over pairs.
/// - Returns: A scalar; 0 where no label has two rows.
/// - Throws: Shape and type mismatches.
/// - Note: O(n d) memory. `NPairsLoss` of pytorch-metric-learning. Sohn, Improved Deep Metric Learning with Multi-class N-pair Loss
///   Objective, 2016.
public func nPairs(
    embeddings: Tensor, labels: Tensor, distance: EmbeddingDistance = .dot, reducer: Reducer = .mean
) throws -> Tensor {
    let batch = try BatchLabels(labels, beside: embeddings, "nPairs")
    var rows: [Int: [Int]] = [:]
    for (row, name) in batch.classes.enumerated() { rows[name, default: []].append(row) }
    let pairs = rows.values.filter { $0.count > 1 }.map { ($0[0], $0[1]) }.sorted { $0 < $1 }
    func gathered(_ list: [Int]) throws -> Tensor { try embeddings.rows(at: Tensor(list, on: embeddings.device)) }
    let (anchors, positives) = (try distance.prepared(gathered(pairs.map(\.0))), try distance.prepared(gathered(pairs.map(\.1))))
    let blocks = RowBlocks(rows: pairs.count, columns: pairs.count, beside: anchors)
    let losses = try blocks.joined([anchors], [positives]) { range, rows, columns in
        try (-distance.separation(ofPrepared: rows[0], columns[0])).ownOfRow(in: range)
    }
    let weights = try reducer.weights(of: batch, beside: losses)?.take(Tensor(pairs.map(\.0), on: losses.device))
    return try reducer(losses, weights: weights).asType(embeddings.dtype)
}

extension LossDescription {
    static let nPairsLoss = LossDescription(
        "nPairs", .metricLearning, "One pair a class, each positive against those of all other pairs",
        reference: "Sohn, Improved Deep Metric Learning with Multi-class N-pair Loss Objective, 2016", inputs: Input.labelledBatch,
        options: Option.distance(.dot) + [.reducer(.mean)]
    ) { try nPairs(embeddings: $0["embeddings"], labels: $0["labels"], distance: $0.distance(), reducer: $0.reducer()) }
}
