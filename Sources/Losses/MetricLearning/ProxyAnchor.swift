import LossKitOps

/// Proxy-anchor: each class's proxy as the anchor of the whole batch.
///
/// `1/|P| sum_{k in P} log(1 + sum_{i of k} exp(-alpha (s_ik - margin))) + 1/C sum_k log(1 + sum_{i not of k} exp(alpha (s_ik + margin)))`,
/// P the classes of the batch. Gradient: `-alpha exp(...) / (1 + sum ...)` of the own proxy, the same with the other sign of others.
///
/// - Parameters:
///   - embeddings: [n, d].
///   - proxies: [C, d], learned.
///   - targets: [n], integers.
///   - margin: In units of the distance.
///   - alpha: Above 0.
///   - distance: Between embeddings and proxies; for distances the signs are the other way round.
/// - Returns: A scalar; 0 of an empty batch.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches.
/// - Note: `ProxyAnchorLoss` of pytorch-metric-learning. Kim et al., Proxy Anchor Loss for Deep Metric Learning, 2020.
public func proxyAnchor(
    embeddings: Tensor, proxies: Tensor, targets: Tensor, margin: Double = 0.1, alpha: Double = 32, distance: EmbeddingDistance = .cosine
) throws -> Tensor {
    try require(alpha > 0, "proxyAnchor", "alpha > 0", alpha)
    try requireProxies(proxies, beside: embeddings, "proxyAnchor")
    let far = try distance.separation(embeddings, proxies)
    let isOwn = try ClassTargets(targets, beside: far, "proxyAnchor").isTarget
    let margin = margin * distance.sign
    let near = try ((far - margin) * alpha).logSumExp(where: isOwn, axis: 0).softplus().sum()
    let apart = try ((far + margin) * -alpha).logSumExp(where: !isOwn, axis: 0).softplus().sum()
    let present = try Double(max(1, Set(targets.array(of: Int.self)).count))
    return (near / present + apart / Double(max(1, proxies.shape[0]))).asType(embeddings.dtype)
}

extension LossDescription {
    static let proxyAnchorLoss = LossDescription(
        "proxyAnchor", .metricLearning, "Each class's proxy as the anchor of the whole batch",
        reference: "Kim et al., Proxy Anchor Loss for Deep Metric Learning, 2020", inputs: Input.proxiedBatch,
        options: [.number("margin", 0.1), .number("alpha", 32)] + Option.distance(.cosine)
    ) {
        try proxyAnchor(
            embeddings: $0["embeddings"], proxies: $0["proxies"], targets: $0["targets"], margin: $0.number("margin"),
            alpha: $0.number("alpha"), distance: $0.distance())
    }
}
