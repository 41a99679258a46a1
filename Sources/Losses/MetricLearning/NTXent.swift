import LossKitOps

/// NT-Xent (the loss of SimCLR): of each anchor every positive should stand out among the anchor's negatives.
///
/// With cosine similarities s over a temperature t, for each pair (a, p) of two rows with one label:
/// `-log(exp(s_ap / t) / (exp(s_ap / t) + sum_n exp(s_an / t)))`, n over the rows with another label. Two views of each item, with the
/// item's number as label, make it SimCLR's. Gradient: softmax weights. O(n d) memory.
///
/// - Parameters:
///   - embeddings: [n, d], floating point, of any length.
///   - labels: Integers [n].
///   - temperature: Above 0.
/// - reduction: Elements are the anchors' sums over their positives; the mean is over all pairs (a, p), and 0, with gradient 0, where there
/// is none.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/dtypeMismatch(operation:expected:actual:)``,
///   ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Sohn, Improved Deep Metric Learning with Multi-class N-pair Loss Objective, 2016; Chen et al., A Simple Framework for
///   Contrastive Learning of
///   Visual Representations, 2020.
public func ntXent(embeddings: Tensor, labels: Tensor, temperature: Double = 0.07, reduction: Reduction = .mean) throws -> Tensor {
    let batch = try BatchLabels(labels, beside: embeddings, "ntXent")
    try require(temperature > 0 && temperature.isFinite, "ntXent", "temperature > 0", temperature)
    let unit = try embeddings.inArithmetic().unitRows()
    let pairs = try PairRows(unit, labels: batch.tensor(), operation: "ntXent")
    let partition = try pairs.logSumExp(over: .negatives, scale: 1 / temperature)
    let pairCount = batch.positives.reduce(0, +)
    let elements: Tensor
    if pairCount <= 8 * batch.count {
        // So few positives are read one by one.
        let (anchors, positives) = batch.positivePairs()
        let rows = try Tensor(anchors, on: embeddings.device)
        let similarity = try (unit.rows(at: rows) * unit.rows(at: Tensor(positives, on: embeddings.device))).sum(axes: [1])
        let losses = try (partition.rows(at: rows) - similarity.asType(.float32) / temperature).softplus()
        elements = try Tensor.zeros([batch.count], on: embeddings.device).scatterAdd(losses, at: rows, axis: 0)
    } else {
        elements = try pairs.sum(.softplus, over: .positives, scale: -1 / temperature, shift: partition).value
    }
    return try reduction(elements, counting: pairCount).asType(embeddings.dtype)
}

extension LossDescription {
    static let ntXentLoss = LossDescription(
        "ntXent", .metricLearning, "Every positive of an anchor stands out among its negatives",
        reference: "Chen et al., A Simple Framework for Contrastive Learning of Visual Representations, 2020",
        inputs: [.init("embeddings", ["n", "d"]), .init("labels", ["n"], .integers(0...3))],
        options: [.number("temperature", 0.07), .reduction]
    ) {
        try ntXent(
            embeddings: $0["embeddings"], labels: $0["labels"], temperature: $0.number("temperature"), reduction: $0.reduction())
    }
}
