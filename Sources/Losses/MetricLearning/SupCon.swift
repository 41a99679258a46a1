import LossKitOps

/// Supervised contrastive loss: an anchor's positives should be likely among all other rows.
///
/// With cosine similarities s over a temperature t and P(a) the other rows with the anchor's label:
/// `log sum_{j != a} exp(s_aj / t) - mean over p in P(a) of s_ap / t`. Gradient: softmax weights less those of the positives. O(n d)
/// memory.
///
/// - Parameters:
///   - embeddings: [n, d], floating point, of any length.
///   - labels: Integers [n].
///   - temperature: Above 0.
/// - reduction: Over the anchors that have a positive; the element of one without is 0, and so is the mean, with gradient 0, where none has
/// one.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/dtypeMismatch(operation:expected:actual:)``,
///   ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Khosla et al., Supervised Contrastive Learning, 2020 (L_out).
public func supCon(embeddings: Tensor, labels: Tensor, temperature: Double = 0.1, reduction: Reduction = .mean) throws -> Tensor {
    let batch = try BatchLabels(labels, beside: embeddings, "supCon")
    try require(temperature > 0 && temperature.isFinite, "supCon", "temperature > 0", temperature)
    let unit = try embeddings.inArithmetic().unitRows()
    let device = embeddings.device
    let partition = try PairRows(unit, operation: "supCon").logSumExp(scale: 1 / temperature)
    // The positives' sum of an anchor is its class's without the anchor itself.
    let places = try Tensor(batch.classes, on: device)
    let classSums = try Tensor.zeros([batch.counts.count, unit.shape[1]], dtype: unit.dtype, on: device).addingRows(unit, at: places)
    let others = try classSums.rows(at: places) - unit
    let share = try Tensor(batch.positives.map { $0 > 0 ? Float(1 / (Double($0) * temperature)) : 0 }, on: device)
    let attraction = try (unit * others).sum(axes: [1]).asType(.float32) * share
    let isCounted = share .> 0
    let elements = Tensor.select(isCounted, partition - attraction, try .zeros([], on: device))
    return try reduction(elements, counting: batch.positives.count { $0 > 0 }).asType(embeddings.dtype)
}

extension Tensor {
    /// This tensor with rows added at indices, in their order.
    fileprivate func addingRows(_ rows: Tensor, at places: Tensor) throws -> Tensor {
        try scatterAdd(rows, at: places.expandedDimensions(at: 1).broadcast(to: rows.shape), axis: 0)
    }
}

extension LossDescription {
    static let supConLoss = LossDescription(
        "supCon", .metricLearning, "An anchor's positives are likely among all other rows",
        reference: "Khosla et al., Supervised Contrastive Learning, 2020",
        inputs: [.init("embeddings", ["n", "d"]), .init("labels", ["n"], .integers(0...3))],
        options: [.number("temperature", 0.1), .reduction]
    ) {
        try supCon(
            embeddings: $0["embeddings"], labels: $0["labels"], temperature: $0.number("temperature"), reduction: $0.reduction())
    }
}
