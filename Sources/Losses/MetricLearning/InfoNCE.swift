import LossKitOps

/// InfoNCE: each query should pick out its own key among all keys of the batch.
///
/// With cosine similarities `s_ij = q_i . k_j / (|q_i| |k_j| temperature)`: `-s_ii + log sum_j exp s_ij`, the mean over i.
///
/// - Parameters:
///   - queries: [n, d], floating point.
///   - keys: [n, d]; key i is query i's positive.
///   - temperature: Above 0.
///   - reduction: Over queries.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: van den Oord, Li and Vinyals, Representation Learning with Contrastive Predictive Coding, 2018.
public func infoNCE(queries: Tensor, keys: Tensor, temperature: Double = 0.07, reduction: Reduction = .mean) throws -> Tensor {
    try requireEqualShapes(queries, keys, "infoNCE")
    guard queries.rank == 2 else {
        throw TensorError.shapeMismatch(operation: "infoNCE", expected: "queries and keys [n, d]", actual: [queries.shape])
    }
    try require(temperature > 0, "infoNCE", "temperature > 0", temperature)
    let similarity = try (1 - pairwiseDistance(queries, keys, metric: .cosine)) / temperature
    let own = try Tensor.arange(to: Double(queries.shape[0]), on: queries.device)
    return try crossEntropy(logits: similarity, targets: own, reduction: reduction)
}

/// Triplet margin loss: a positive should be nearer to its anchor than a negative is, by a margin.
///
/// `max(0, d(a, p) - d(a, n) + margin)` with `d(x, y) = |x - y + 1e-6|_2`, as PyTorch's `triplet_margin_loss`.
/// With `swap`, `d(p, n)` stands for `d(a, n)` where it is smaller.
///
/// - Parameters:
///   - anchors: [n, d], floating point.
///   - positives: [n, d].
///   - negatives: [n, d].
///   - margin: In units of distance.
///   - reduction: Over triplets.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``.
/// - Note: Schroff, Kalenichenko and Philbin, FaceNet, 2015; swap: Balntas et al., 2016.
public func tripletMargin(
    anchors: Tensor, positives: Tensor, negatives: Tensor, margin: Double = 1, swap: Bool = false, reduction: Reduction = .mean
) throws -> Tensor {
    try requireEqualShapes(anchors, positives, "tripletMargin")
    try requireEqualShapes(anchors, negatives, "tripletMargin")
    guard anchors.rank == 2 else {
        throw TensorError.shapeMismatch(operation: "tripletMargin", expected: "points [n, d]", actual: [anchors.shape])
    }
    func distance(_ x: Tensor, _ y: Tensor) throws -> Tensor { try (x - y + 1e-6).norm(axes: [1]) }
    var apart = try distance(anchors, negatives)
    if swap { apart = try Tensor.minimum(apart, distance(positives, negatives)) }
    return try reduction((distance(anchors, positives) - apart + margin).relu())
}
