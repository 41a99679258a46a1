import LossKitOps

/// Center loss: each embedding near the centre of its class.
///
/// `1/2 |x - c_y|^2`; gradient `x - c_y` at the embedding, the opposite sum at the centre.
///
/// - Parameters:
///   - embeddings: [n, d].
///   - centers: [C, d]; learned, or moved by ``movedCenters(_:embeddings:targets:rate:)``.
///   - targets: [n], integers.
///   - reduction: Over rows; the authors sum.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches.
/// - Note: Wen et al., A Discriminative Feature Learning Approach for Deep Face Recognition, 2016.
public func centerLoss(embeddings: Tensor, centers: Tensor, targets: Tensor, reduction: Reduction = .mean) throws -> Tensor {
    try requireProxies(centers, beside: embeddings, "centerLoss")
    let targets = try checkedClasses(targets, shape: [embeddings.shape[0]], below: centers.shape[0], "centerLoss")
    let apart = try embeddings.inArithmetic() - centers.inArithmetic().rows(at: targets)
    return try reduction(apart.square().sum(axes: [1]) * 0.5).asType(embeddings.dtype)
}

/// The centres of classes after a batch: `c_k - rate sum_{i of k} (c_k - x_i) / (1 + n_k)`.
///
/// - Parameters:
///   - centers: [C, d].
///   - embeddings: [n, d].
///   - targets: [n], integers.
///   - rate: In 0...1.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches; a rate out of
///   range.
/// - Note: No derivative is carried. Wen et al., 2016.
public func movedCenters(_ centers: Tensor, embeddings: Tensor, targets: Tensor, rate: Double = 0.5) throws -> Tensor {
    try require((0...1).contains(rate), "movedCenters", "rate in 0...1", rate)
    try requireProxies(centers, beside: embeddings, "movedCenters")
    let targets = try checkedClasses(targets, shape: [embeddings.shape[0]], below: centers.shape[0], "movedCenters")
    let (held, points) = (stopGradient(centers).inArithmetic(), stopGradient(embeddings).inArithmetic())
    let (sums, counts) = try points.classSums(targets, classes: centers.shape[0])
    let pull = (held * counts - sums) / (counts + 1)
    return (held - pull * rate).asType(centers.dtype)
}

extension Tensor {
    /// Sums [C, d] of the rows of each class, and how many they are, [C, 1].
    func classSums(_ targets: Tensor, classes: Int) throws -> (sums: Tensor, counts: Tensor) {
        func added(_ rows: Tensor) throws -> Tensor {
            try Tensor.zeros([classes, rows.shape[1]], dtype: dtype, on: device)
                .scatterAdd(rows, at: targets.expandedDimensions(at: 1).broadcast(to: rows.shape), axis: 0)
        }
        return (try added(self), try added(.ones([shape[0], 1], dtype: dtype, on: device)))
    }
}

extension LossDescription {
    static let centerLossLoss = LossDescription(
        "centerLoss", .metricLearning, "Each embedding near the center of its class",
        reference: "Wen et al., A Discriminative Feature Learning Approach for Deep Face Recognition, 2016",
        inputs: [.init("embeddings", ["n", "d"]), .init("centers", ["classes", "d"]), .init("targets", ["n"], .classes("classes"))],
        options: [.reduction]
    ) { try centerLoss(embeddings: $0["embeddings"], centers: $0["centers"], targets: $0["targets"], reduction: $0.reduction()) }
}
