import LossKitOps

/// A cluster of rare classes in an adaptive softmax.
public struct AdaptiveTail: Sendable {
    /// [E, D]: to a narrower space.
    public let projection: Tensor
    /// [M, E]: a row for each of the cluster's classes.
    public let weights: Tensor

    /// A cluster of these matrices.
    public init(projection: Tensor, weights: Tensor) {
        self.projection = projection
        self.weights = weights
    }
}

/// Adaptive softmax: frequent classes in a short head, rare ones in clusters that are only computed for the rows that need them.
///
/// The head is a softmax over the S frequent classes and the clusters. For a class of cluster c:
/// `-log head(cluster c) - log tail_c(class)`.
/// Classes are numbered by falling frequency: the head's, then each cluster's.
///
/// - Parameters:
///   - embeddings: [N, D].
///   - targets: [N], integers below S + the clusters' sizes.
///   - headWeights: [S + clusters, D].
///   - headBiases: [S + clusters] or nil.
///   - tails: The clusters.
///   - reduction: Over rows.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches.
/// - Note: PyTorch's `AdaptiveLogSoftmaxWithLoss` of the same weights. Grave et al., Efficient Softmax Approximation for GPUs, 2017.
public func adaptiveSoftmax(
    embeddings: Tensor, targets: Tensor, headWeights: Tensor, headBiases: Tensor? = nil,
    tails: [AdaptiveTail], reduction: Reduction = .mean
) throws -> Tensor {
    let operation = "adaptiveSoftmax"
    let starts = try clusterStarts(embeddings, headWeights, headBiases, tails, operation)
    let rows = embeddings.shape[0]
    // Which rows need which cluster is the host's to plan.
    let labels = try checkedClasses(targets, shape: [rows], below: starts[tails.count], operation).array(of: Int.self)
    let shortlist = starts[0]
    let headLabels = labels.map { label in
        label < shortlist ? label : shortlist - 1 + (starts.firstIndex { label < $0 } ?? tails.count)
    }
    let head = try headLogits(embeddings, headWeights, headBiases)
    var elements = try crossEntropy(
        logits: head, targets: Tensor(headLabels, on: embeddings.device), reduction: .none)
    for (cluster, tail) in tails.enumerated() {
        let members = labels.indices.filter {
            labels[$0] >= starts[cluster] && labels[$0] < starts[cluster + 1]
        }
        guard !members.isEmpty else { continue }
        let places = try Tensor(members, on: embeddings.device)
        let logits = try embeddings.rows(at: places).matmul(tail.projection.transposed()).matmul(
            tail.weights.transposed())
        let own = try Tensor(members.map { labels[$0] - starts[cluster] }, on: embeddings.device)
        let parts = try crossEntropy(logits: logits, targets: own, reduction: .none)
        elements = try elements.scatterAdd(parts, at: places, axis: 0)
    }
    return try reduction(elements)
}

/// Log-probabilities [N, C] of all classes of an adaptive softmax; see
/// ``adaptiveSoftmax(embeddings:targets:headWeights:headBiases:tails:reduction:)``.
public func adaptiveLogProbabilities(
    embeddings: Tensor, headWeights: Tensor, headBiases: Tensor? = nil, tails: [AdaptiveTail]
) throws -> Tensor {
    let shortlist = try clusterStarts(
        embeddings, headWeights, headBiases, tails, "adaptiveLogProbabilities")[0]
    let head = try headLogits(embeddings, headWeights, headBiases).logSoftmax()
    var parts = [try head.slice(axis: 1, from: 0, to: shortlist)]
    for (cluster, tail) in tails.enumerated() {
        let logits = try embeddings.matmul(tail.projection.transposed()).matmul(
            tail.weights.transposed())
        let place = shortlist + cluster
        parts.append(try logits.logSoftmax() + head.slice(axis: 1, from: place, to: place + 1))
    }
    return try Tensor.concatenate(parts, axis: 1)
}

private func headLogits(_ embeddings: Tensor, _ weights: Tensor, _ biases: Tensor?) throws -> Tensor {
    let logits = try embeddings.matmul(weights.transposed())
    return biases.map { logits + $0 } ?? logits
}

/// The first class after the head and after each cluster.
private func clusterStarts(
    _ embeddings: Tensor, _ headWeights: Tensor, _ headBiases: Tensor?, _ tails: [AdaptiveTail],
    _ operation: String
) throws -> [Int] {
    try requireShape(embeddings, [nil, nil], "embeddings", operation)
    try requireFloatingPoint(embeddings, operation)
    let width = embeddings.shape[1]
    try requireShape(headWeights, [nil, width], "head weights", operation)
    if let headBiases {
        try requireShape(headBiases, [headWeights.shape[0]], "head biases", operation)
    }
    try require(
        headWeights.shape[0] >= tails.count, operation, "a row of the head for each cluster",
        headWeights.shape)
    var starts = [headWeights.shape[0] - tails.count]
    for tail in tails {
        try requireShape(tail.projection, [nil, width], "projection", operation)
        try requireShape(tail.weights, [nil, tail.projection.shape[0]], "tail weights", operation)
        starts.append(starts[starts.count - 1] + tail.weights.shape[0])
    }
    return starts
}

extension LossDescription {
    static let adaptiveSoftmaxLoss = LossDescription(
        "adaptiveSoftmax", .classification,
        "Frequent classes in a short head, rare ones in two clusters",
        reference: "Grave et al., Efficient Softmax Approximation for GPUs, 2017",
        inputs: [
            .init("embeddings", ["n", "d"]), .init("targets", ["n"], .classes("classes")),
            .init("headWeights", ["head", "d"]),
            .init("firstProjection", ["e", "d"]), .init("firstWeights", ["first", "e"]),
            .init("secondProjection", ["f", "d"]),
            .init("secondWeights", ["second", "f"]), .init("headBiases", ["head"], isOptional: true),
        ],
        options: [.reduction]
    ) {
        try adaptiveSoftmax(
            embeddings: $0["embeddings"], targets: $0["targets"], headWeights: $0["headWeights"],
            headBiases: $0.optional("headBiases"),
            tails: [
                AdaptiveTail(projection: $0["firstProjection"], weights: $0["firstWeights"]),
                AdaptiveTail(projection: $0["secondProjection"], weights: $0["secondWeights"]),
            ], reduction: $0.reduction())
    }
}
