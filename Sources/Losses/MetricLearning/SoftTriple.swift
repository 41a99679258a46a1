import LossKitOps

/// SoftTriple: softmax over classes of several centres each, a row's similarity with a class a soft maximum over its centres.
///
/// `S_k = sum_c softmax_c(s_kc / gamma) s_kc` of the cosines with the centres of class k; `-log softmax_k(scale (S_k - margin [k = y]))_y`.
///
/// - Parameters:
///   - embeddings: [n, d].
///   - centers: [C, K, d], learned; K a class.
///   - targets: [n], integers.
///   - scale: lambda, above 0.
///   - gamma: The temperature of the soft maximum, above 0.
///   - margin: Taken from the own class's similarity.
///   - reduction: Over rows.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches, options out of
///   range.
/// - Note: Without the authors' regulariser of the centres, which ``EmbeddingRegularizer/sparseCenters(perClass:)`` is.
///   Qian et al., SoftTriple Loss: Deep Metric Learning Without Triplet Sampling, 2019.
public func softTriple(
    embeddings: Tensor, centers: Tensor, targets: Tensor, scale: Double = 20, gamma: Double = 0.1, margin: Double = 0.01,
    reduction: Reduction = .mean
) throws -> Tensor {
    try require(scale > 0 && gamma > 0, "softTriple", "scale and gamma above 0", (scale, gamma))
    try requireShape(embeddings, [nil, nil], "embeddings", "softTriple")
    let (rows, width) = (embeddings.shape[0], embeddings.shape[1])
    try requireShape(centers, [nil, nil, width], "centers", "softTriple")
    let (classes, each) = (centers.shape[0], centers.shape[1])
    try require(each > 0, "softTriple", "a center a class or more", each)
    let cosines = try EmbeddingDistance.cosine(embeddings, centers.reshaped([classes * each, width])).reshaped([rows, classes, each])
    let similarity = try ((cosines / gamma).softmax(axis: 2) * cosines).sum(axes: [2])
    let own = try ClassTargets(targets, beside: similarity, "softTriple")
    let logits = Tensor.select(own.isTarget, similarity - margin, similarity) * scale
    return try crossEntropy(logits: logits, targets: targets, reduction: reduction).asType(embeddings.dtype)
}

extension LossDescription {
    static let softTripleLoss = LossDescription(
        "softTriple", .metricLearning, "Softmax over classes of several centers each",
        reference: "Qian et al., SoftTriple Loss: Deep Metric Learning Without Triplet Sampling, 2019",
        inputs: [.init("embeddings", ["n", "d"]), .init("centers", ["classes", "m", "d"]), .init("targets", ["n"], .classes("classes"))],
        options: [.number("scale", 20), .number("gamma", 0.1), .number("margin", 0.01), .reduction]
    ) {
        try softTriple(
            embeddings: $0["embeddings"], centers: $0["centers"], targets: $0["targets"], scale: $0.number("scale"),
            gamma: $0.number("gamma"), margin: $0.number("margin"), reduction: $0.reduction())
    }
}
