import LossKitOps

/// How classes are drawn for ``sampledSoftmax(embeddings:weights:targets:sampled:biases:sampler:removesAccidentalHits:reduction:)``.
public enum ClassSampler: String, Sendable, CaseIterable {
    /// Every class alike.
    case uniform
    /// Class k with probability `log((k + 2) / (k + 1)) / log(C + 1)`: Zipf's law, classes in order of falling frequency.
    case logUniform

    /// Classes drawn with replacement, [count].
    ///
    /// - Throws: Counts below 0, or no classes to draw from.
    public func draw(
        _ count: Int, of classes: Int, using generator: inout Philox, beside tensor: Tensor
    ) throws -> Tensor {
        try require(
            count >= 0 && classes > 0, "ClassSampler.draw", "a count >= 0 and a class or more",
            (count, classes))
        let unit = try Tensor.uniform([count], using: &generator, on: tensor.device)
        let place =
            self == .uniform
            ? unit * Double(classes) : (unit * (try unit.constant(Double(classes) + 1).log())).exp() - 1
        return place.floor().clamped(min: 0, max: Double(classes - 1)).asType(.int64)
    }

    /// The logarithms of the probabilities of classes.
    func logProbabilities(_ labels: Tensor, of classes: Int, beside tensor: Tensor) throws -> Tensor {
        let total = try tensor.constant(Double(classes))
        if self == .uniform { return -total.log() }
        let rank = labels.asType(tensor.dtype)
        return (rank + 1).reciprocal().log1p().log() - (total + 1).log().log()
    }
}

/// Sampled softmax: cross-entropy over the own class and a sample of the others, for vocabularies too large to sum over.
///
/// Softmax cross-entropy of `e . w_k + b_k - log q_k` over the own class and the sampled ones, q the sampling distribution; in expectation
/// it
/// approaches the full softmax as the sample grows. Only the rows of the weights that were drawn get a gradient.
///
/// - Parameters:
///   - embeddings: [N, D].
///   - weights: [C, D].
///   - targets: [N], integers.
///   - sampled: [S], integers, drawn by ``ClassSampler/draw(_:of:using:beside:)``.
///   - biases: [C] or nil.
///   - sampler: What they were drawn by.
///   - removesAccidentalHits: Whether a sampled class that is a row's own is left out of that row.
///   - reduction: Over rows.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches.
/// - Note: TensorFlow's `sampled_softmax_loss`. Jean et al., On Using Very Large Target Vocabulary for Neural Machine Translation, 2015.
public func sampledSoftmax(
    embeddings: Tensor, weights: Tensor, targets: Tensor, sampled: Tensor, biases: Tensor? = nil,
    sampler: ClassSampler = .logUniform,
    removesAccidentalHits: Bool = true, reduction: Reduction = .mean
) throws -> Tensor {
    let operation = "sampledSoftmax"
    try requireShape(embeddings, [nil, nil], "embeddings", operation)
    try requireFloatingPoint(embeddings, operation)
    try requireShape(weights, [nil, embeddings.shape[1]], "weights", operation)
    try requireShape(sampled, [nil], "sampled classes", operation)
    let (rows, classes) = (embeddings.shape[0], weights.shape[0])
    if let biases { try requireShape(biases, [classes], "biases", operation) }
    let targets = try checkedClasses(targets, shape: [rows], below: classes, operation)
    let sampled = try checkedClasses(sampled, shape: sampled.shape, below: classes, operation + " sampled")
    var own = try (embeddings * weights.rows(at: targets)).sum(axes: [1])
    var others = try embeddings.matmul(weights.rows(at: sampled).transposed())
    if let biases {
        (own, others) = try (own + biases.rows(at: targets), others + biases.rows(at: sampled))
    }
    own = try own - sampler.logProbabilities(targets, of: classes, beside: embeddings)
    others = try others - sampler.logProbabilities(sampled, of: classes, beside: embeddings)
    if removesAccidentalHits {
        let isOwn = try sampled .== targets.expandedDimensions(at: 1)
        others = Tensor.select(isOwn, try others.constant(-1e30), others)
    }
    let logits = try Tensor.concatenate([own.expandedDimensions(at: 1), others], axis: 1)
    return try crossEntropy(
        logits: logits, targets: .zeros([rows], dtype: .int64, on: logits.device), reduction: reduction)
}

extension LossDescription {
    static let sampledSoftmaxLoss = LossDescription(
        "sampledSoftmax", .classification,
        "Cross-entropy over the own class and a sample of the others",
        reference:
            "Jean et al., On Using Very Large Target Vocabulary for Neural Machine Translation, 2015",
        inputs: [
            .init("embeddings", ["n", "d"]), .init("weights", ["classes", "d"]),
            .init("targets", ["n"], .classes("classes")),
            .init("sampled", ["m"], .classes("classes")), .init("biases", ["classes"], isOptional: true),
        ],
        options: [
            .choice("sampler", ClassSampler.logUniform), .flag("removesAccidentalHits", true), .reduction,
        ]
    ) {
        try sampledSoftmax(
            embeddings: $0["embeddings"], weights: $0["weights"], targets: $0["targets"],
            sampled: $0["sampled"],
            biases: $0.optional("biases"), sampler: $0.choice("sampler"),
            removesAccidentalHits: $0.flag("removesAccidentalHits"),
            reduction: $0.reduction())
    }
}
