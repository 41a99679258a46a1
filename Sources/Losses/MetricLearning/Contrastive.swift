import LossKitOps

/// Contrastive loss: positives nearer than one margin, negatives farther than another.
///
/// `max(0, d_ap - positiveMargin)` over positive pairs and `max(0, negativeMargin - d_an)` over negative ones, each kind reduced on its own
/// and both added; of similarities `max(0, positiveMargin - s_ap)` and `max(0, s_an - negativeMargin)`. Gradient `d'(x_a, x_p)` and
/// `-d'(x_a, x_n)` of the pairs above 0.
///
/// - Parameters:
///   - embeddings: [n, d].
///   - labels: [n], integers.
///   - references: Embeddings to compare with in place of the batch itself.
///   - positiveMargin: In the distance's units; 1 suits similarities.
///   - negativeMargin: In the distance's units; 0 suits similarities.
///   - distance: Between embeddings.
///   - miner: Which pairs count.
///   - reducer: Over pairs.
/// - Returns: A scalar; a kind of which there is no pair adds 0.
/// - Throws: Shape and type mismatches.
/// - Note: O(n d) memory. `ContrastiveLoss` of pytorch-metric-learning. Hadsell, Chopra and LeCun, Dimensionality Reduction by Learning an
///   Invariant Mapping, 2006.
public func contrastive(
    embeddings: Tensor, labels: Tensor, references: References? = nil, positiveMargin: Double = 0, negativeMargin: Double = 1,
    distance: EmbeddingDistance = .euclidean, miner: PairMiner = .all, reducer: Reducer = .nonZeroMean
) throws -> Tensor {
    let batch = try PairBatch(embeddings, labels, references: references, distance: distance, miner: miner, "contrastive")
    return try batch.reduce(reducer) { pairs in
        [
            ((pairs.far - pairs.sign * positiveMargin).relu(), where: pairs.isPositive),
            ((pairs.sign * negativeMargin - pairs.far).relu(), where: pairs.isNegative),
        ]
    }
}

extension LossDescription {
    static let contrastiveLoss = LossDescription(
        "contrastive", .metricLearning, "Positives nearer than one margin, negatives farther than another",
        reference: "Hadsell, Chopra and LeCun, Dimensionality Reduction by Learning an Invariant Mapping, 2006",
        inputs: Input.labelledBatch + Input.references,
        options: [.number("positiveMargin", 0), .number("negativeMargin", 1)] + Option.distance(.euclidean) + Option.miner
            + [.reducer(.nonZeroMean)]
    ) {
        try contrastive(
            embeddings: $0["embeddings"], labels: $0["labels"], references: $0.references(), positiveMargin: $0.number("positiveMargin"),
            negativeMargin: $0.number("negativeMargin"), distance: $0.distance(), miner: $0.miner(), reducer: $0.reducer())
    }
}
