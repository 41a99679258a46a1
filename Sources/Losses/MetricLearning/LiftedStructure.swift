import LossKitOps

/// Lifted structured embedding: each positive pair against all negatives of both of its ends.
///
/// Over positive pairs `1/2 max(0, log(sum_{n of a} exp(m - d_an) + sum_{n of p} exp(m - d_pn)) + d_ap - positiveMargin)^2` with m the
/// negative margin. Gradient: the hinge, times a softmax over the negatives and 1 at the pair.
///
/// - Parameters:
///   - embeddings: [n, d].
///   - labels: [n], integers.
///   - positiveMargin: In the distance's units.
///   - negativeMargin: m, in the distance's units.
///   - distance: Between embeddings; for similarities the signs are the other way round.
///   - miner: Which pairs count.
///   - reducer: Over positive pairs, both orders of each.
/// - Returns: A scalar; a pair without negatives has loss 0.
/// - Throws: Shape and type mismatches.
/// - Note: O(n d) memory, and pairs formed twice. `LiftedStructureLoss` of pytorch-metric-learning. Oh Song et al., Deep Metric Learning
///   via Lifted Structured Feature Embedding, 2016.
public func liftedStructure(
    embeddings: Tensor, labels: Tensor, positiveMargin: Double = 0, negativeMargin: Double = 1, distance: EmbeddingDistance = .euclidean,
    miner: PairMiner = .all, reducer: Reducer = .mean
) throws -> Tensor {
    let batch = try PairBatch(embeddings, labels, distance: distance, miner: miner, "liftedStructure")
    let negatives = try batch.perAnchor { try ($0.sign * negativeMargin - $0.far).logSumExp(where: $0.isNegative) }
    return try batch.reduce(reducer, [negatives], [negatives.transposed()]) { pairs in
        let (anchors, positives) = (pairs.ofAnchors[0], pairs.ofOthers[0])
        let both = Tensor.maximum(anchors, positives) + (-(anchors - positives).absolute()).softplus()
        let hinge = (both + pairs.far - pairs.sign * positiveMargin).relu()
        return [(hinge.square() * 0.5, where: pairs.isPositive)]
    }
}

/// Generalised lifted structure: a smooth farthest positive against a smooth nearest negative of each anchor.
///
/// `max(0, log sum_p exp(d_ap - positiveMargin) + log sum_n exp(negativeMargin - d_an))`; gradient: a softmax over positives, minus one
/// over negatives, where it is above 0.
///
/// - Parameters:
///   - embeddings: [n, d].
///   - labels: [n], integers.
///   - references: Embeddings to compare with in place of the batch itself.
///   - positiveMargin: In the distance's units.
///   - negativeMargin: In the distance's units.
///   - distance: Between embeddings; for similarities the signs are the other way round.
///   - miner: Which pairs count.
///   - reducer: Over anchors.
/// - Returns: A scalar; an anchor without a positive or without a negative has loss 0, as the logarithm of an empty sum asks
///   (pytorch-metric-learning takes 0 for it).
/// - Throws: Shape and type mismatches.
/// - Note: O(n d) memory. `GeneralizedLiftedStructureLoss` of pytorch-metric-learning. Hermans, Beyer and Leibe, In Defense of the Triplet
///   Loss for Person Re-Identification, 2017.
public func generalizedLiftedStructure(
    embeddings: Tensor, labels: Tensor, references: References? = nil, positiveMargin: Double = 0, negativeMargin: Double = 1,
    distance: EmbeddingDistance = .euclidean, miner: PairMiner = .all, reducer: Reducer = .mean
) throws -> Tensor {
    let operation = "generalizedLiftedStructure"
    let batch = try PairBatch(embeddings, labels, references: references, distance: distance, miner: miner, operation)
    let elements = try batch.perAnchor { pairs in
        let near = try (pairs.far - pairs.sign * positiveMargin).logSumExp(where: pairs.isPositive)
        let far = try (pairs.sign * negativeMargin - pairs.far).logSumExp(where: pairs.isNegative)
        return (near + far).relu()
    }
    return try batch.reduce(elements, reducer)
}

extension LossDescription {
    static let liftedStructureLoss = LossDescription(
        "liftedStructure", .metricLearning, "Each positive pair against all negatives of both of its ends",
        reference: "Oh Song et al., Deep Metric Learning via Lifted Structured Feature Embedding, 2016", inputs: Input.labelledBatch,
        options: [.number("positiveMargin", 0), .number("negativeMargin", 1)] + Option.distance(.euclidean) + Option.miner
            + [.reducer(.mean)]
    ) {
        try liftedStructure(
            embeddings: $0["embeddings"], labels: $0["labels"], positiveMargin: $0.number("positiveMargin"),
            negativeMargin: $0.number("negativeMargin"), distance: $0.distance(), miner: $0.miner(), reducer: $0.reducer())
    }

    static let generalizedLiftedStructureLoss = LossDescription(
        "generalizedLiftedStructure", .metricLearning, "A smooth farthest positive against a smooth nearest negative",
        reference: "Hermans, Beyer and Leibe, In Defense of the Triplet Loss for Person Re-Identification, 2017",
        inputs: Input.labelledBatch + Input.references,
        options: [.number("positiveMargin", 0), .number("negativeMargin", 1)] + Option.distance(.euclidean) + Option.miner
            + [.reducer(.mean)],
        catalogue: ["in-defense-of-the-triplet-loss-for-person-re"]
    ) {
        try generalizedLiftedStructure(
            embeddings: $0["embeddings"], labels: $0["labels"], references: $0.references(), positiveMargin: $0.number("positiveMargin"),
            negativeMargin: $0.number("negativeMargin"), distance: $0.distance(), miner: $0.miner(), reducer: $0.reducer())
    }
}
