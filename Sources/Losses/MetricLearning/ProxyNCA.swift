import LossKitOps

/// Proxy-NCA: each embedding nearer to its class's proxy than to all others.
///
/// `-log softmax_k(-scale d(x, proxy_k))_y`; gradient that of the softmax cross-entropy through the distances. The own proxy stands in the
/// denominator, too, as in pytorch-metric-learning.
///
/// - Parameters:
///   - embeddings: [n, d].
///   - proxies: [C, d], learned.
///   - targets: [n], integers.
///   - scale: The softmax's, above 0.
///   - distance: Between embeddings and proxies.
///   - reduction: Over rows.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches.
/// - Note: `ProxyNCALoss` of pytorch-metric-learning. Movshovitz-Attias et al., No Fuss Distance Metric Learning Using Proxies, 2017.
public func proxyNCA(
    embeddings: Tensor, proxies: Tensor, targets: Tensor, scale: Double = 1, distance: EmbeddingDistance = .squaredEuclidean,
    reduction: Reduction = .mean
) throws -> Tensor {
    try require(scale > 0, "proxyNCA", "scale > 0", scale)
    try requireProxies(proxies, beside: embeddings, "proxyNCA")
    let logits = try distance.separation(embeddings, proxies) * -scale
    return try crossEntropy(logits: logits, targets: targets, reduction: reduction).asType(embeddings.dtype)
}

/// Neighbourhood component analysis: an anchor's positives near among all others of its batch.
///
/// `-log (sum_p exp(-scale d_ap) / sum_{j != a} exp(-scale d_aj))`.
///
/// - Parameters:
///   - embeddings: [n, d].
///   - labels: [n], integers.
///   - references: Embeddings to compare with in place of the batch itself.
///   - scale: The softmax's, above 0.
///   - distance: Between embeddings.
///   - reducer: Over anchors that have a positive.
/// - Returns: A scalar; 0 where no anchor has a positive.
/// - Throws: Shape and type mismatches.
/// - Note: O(n d) memory. `NCALoss` of pytorch-metric-learning. Goldberger et al., Neighbourhood Components Analysis, 2004.
public func nca(
    embeddings: Tensor, labels: Tensor, references: References? = nil, scale: Double = 1, distance: EmbeddingDistance = .squaredEuclidean,
    reducer: Reducer = .mean
) throws -> Tensor {
    try require(scale > 0, "nca", "scale > 0", scale)
    let batch = try PairBatch(embeddings, labels, references: references, distance: distance, "nca")
    let elements = try batch.perAnchor { pairs in
        let scores = pairs.far * -scale
        let own = try scores.logSumExp(where: pairs.isPositive)
        return try scores.logSumExp(where: pairs.isPositive .|| pairs.isNegative) - own
    }
    return try batch.reduce(elements, where: batch.havePositives(), reducer)
}

/// Checks a row of floating-point coordinates for each class.
func requireProxies(_ proxies: Tensor, beside embeddings: Tensor, _ operation: String) throws {
    try requireShape(embeddings, [nil, nil], "embeddings", operation)
    try requireFloatingPoint(embeddings, operation)
    try requireShape(proxies, [nil, embeddings.shape[1]], "proxies", operation)
    try requireFloatingPoint(proxies, operation)
}

extension LossDescription.Input {
    /// A batch with its classes, and a vector for each class.
    static let proxiedBatch: [LossDescription.Input] = [
        .init("embeddings", ["n", "d"]), .init("proxies", ["classes", "d"]), .init("targets", ["n"], .classes("classes")),
    ]
}

extension LossDescription {
    static let proxyNCALoss = LossDescription(
        "proxyNCA", .metricLearning, "Each embedding nearer to its class's proxy than to all others",
        reference: "Movshovitz-Attias et al., No Fuss Distance Metric Learning Using Proxies, 2017", inputs: Input.proxiedBatch,
        options: [.number("scale", 1)] + Option.distance(.squaredEuclidean) + [.reduction]
    ) {
        try proxyNCA(
            embeddings: $0["embeddings"], proxies: $0["proxies"], targets: $0["targets"], scale: $0.number("scale"),
            distance: $0.distance(), reduction: $0.reduction())
    }

    static let ncaLoss = LossDescription(
        "nca", .metricLearning, "An anchor's positives near among all others",
        reference: "Goldberger et al., Neighbourhood Components Analysis, 2004", inputs: Input.labelledBatch + Input.references,
        options: [.number("scale", 1)] + Option.distance(.squaredEuclidean) + [.reducer(.mean)]
    ) {
        try nca(
            embeddings: $0["embeddings"], labels: $0["labels"], references: $0.references(), scale: $0.number("scale"),
            distance: $0.distance(), reducer: $0.reducer())
    }
}
