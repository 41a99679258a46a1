import LossKitOps

/// Embeddings that a batch is compared with in place of itself.
public struct References: Sendable {
    /// [m, d].
    public let embeddings: Tensor
    /// [m], integers.
    public let labels: Tensor
    /// Whether the batch itself stands first, so that row i of the batch and row i here are one and make no pair.
    public let startsWithBatch: Bool

    /// Embeddings of other images, or of the batch's own images and others behind them.
    public init(embeddings: Tensor, labels: Tensor, startsWithBatch: Bool = false) {
        self.embeddings = embeddings
        self.labels = labels
        self.startsWithBatch = startsWithBatch
    }
}

/// Cross-batch memory: the embeddings of the last batches, to compare the next with.
///
/// ```swift
/// var memory = try CrossBatchMemory(capacity: 1024)
/// let loss = try contrastive(embeddings: x, labels: y, references: memory.references(adding: x, y))
/// ```
/// - Note: Nothing is carried back to what is remembered, the batch's own copies included, as pytorch-metric-learning's `CrossBatchMemory`
///   does it. Wang et al., Cross-Batch Memory for Embedding Learning, 2020.
public struct CrossBatchMemory: Sendable {
    /// How many embeddings are kept; the oldest leave first.
    public let capacity: Int
    /// [k, d], the newest first; nil before the first batch.
    public private(set) var embeddings: Tensor?
    /// [k].
    public private(set) var labels: Tensor?

    /// An empty memory.
    ///
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for a capacity below 1.
    public init(capacity: Int) throws {
        try require(capacity >= 1, "CrossBatchMemory", "a capacity of at least 1", capacity)
        self.capacity = capacity
    }

    /// Remembers a batch [n, d] with its labels [n], and gives it with all that is remembered as references.
    ///
    /// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` where the batch does not fit what is remembered;
    ///   ``TensorError/invalidArgument(operation:expected:actual:)`` for a batch larger than the capacity.
    public mutating func references(adding batch: Tensor, _ labels: Tensor) throws -> References {
        let operation = "CrossBatchMemory"
        try requireShape(batch, [nil, embeddings?.shape[1]], "a batch", operation)
        try requireShape(labels, [batch.shape[0]], "labels", operation)
        try require(batch.shape[0] <= capacity, operation, "a batch of at most \(capacity)", batch.shape[0])
        func joined(_ new: Tensor, _ old: Tensor?) throws -> Tensor {
            let kept = try old.map { try Tensor.concatenate([new, $0[0..<min($0.shape[0], capacity - new.shape[0])]], axis: 0) } ?? new
            return try kept.packed().evaluated()
        }
        let (rows, names) = (try joined(stopGradient(batch), embeddings), try joined(labels.asType(.int64), self.labels))
        (embeddings, self.labels) = (rows, names)
        return References(embeddings: rows, labels: names, startsWithBatch: true)
    }

    /// Forgets everything.
    public mutating func removeAll() { (embeddings, labels) = (nil, nil) }
}
