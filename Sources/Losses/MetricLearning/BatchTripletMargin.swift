import LossKitOps

/// Which triplets of a batch a loss looks at: an anchor, a positive with its label and a negative with another one.
public enum TripletMining: String, Sendable, CaseIterable {
    /// Of each anchor the farthest positive and the nearest negative.
    case batchHard
    /// Of each anchor and positive the nearest negative that is farther than the positive, or else the farthest negative.
    case semiHard
    /// All of them.
    case batchAll
}

/// Triplet margin loss over the triplets of a batch: positives should be nearer to an anchor than negatives are, by a margin.
///
/// `max(0, d(a, p) - d(a, n) + margin)` with Euclidean distances. Batch-hard takes one triplet of each anchor; without a margin it takes
/// the soft one, `log(1 + exp(d(a, p) - d(a, n)))`. Batch-all looks at all triplets in O(n^2 log n) time by sorting each anchor's
/// positives. O(n d) memory. The derivative at distance 0 is 0; batch-hard can be differentiated twice, the others once.
///
/// - Parameters:
///   - embeddings: [n, d], floating point.
///   - labels: Integers [n].
///   - margin: In units of distance; nil, for batch-hard alone, for the soft margin.
///   - mining: Which triplets count.
/// - reduction: Elements are the anchors' sums. The mean is over all triplets of the mining (for batch-hard over the anchors that have
/// one), and 0,
///     with gradient 0, where there is none.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/dtypeMismatch(operation:expected:actual:)``,
///   ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Hermans, Beyer and Leibe, In Defense of the Triplet Loss for Person Re-Identification, 2017; semi-hard: Schroff, Kalenichenko
///   and Philbin,
///   FaceNet, 2015.
public func batchTripletMargin(
    embeddings: Tensor, labels: Tensor, margin: Double? = 0.2, mining: TripletMining = .batchHard, reduction: Reduction = .mean
) throws -> Tensor {
    let operation = "batchTripletMargin"
    let batch = try BatchLabels(labels, beside: embeddings, operation)
    try require(margin != nil || mining == .batchHard, operation, "a margin unless mining is batchHard", "none")
    try require(margin?.isFinite ?? true, operation, "a finite margin", margin ?? 0)
    let pairs = try PairRows(embeddings, measure: .euclidean, labels: batch.tensor(), operation: operation)
    guard mining == .batchHard else {
        let (sums, _, counts) = try pairs.triplets(mining == .batchAll ? .all : .semiHard, margin: margin ?? 0)
        return try reduction(sums, dividingBy: counts).asType(embeddings.dtype)
    }
    let (positive, negative) = (try pairs.largest(over: .positives), try pairs.smallest(over: .negatives))
    let violation = positive.values - negative.values
    let hinge = margin.map { (violation + $0).relu() } ?? violation.softplus()
    let isFound = positive.isFound .&& negative.isFound
    let elements = Tensor.select(isFound, hinge, try .zeros([], on: embeddings.device))
    return try reduction(elements, dividingBy: isFound.asType(.float32)).asType(embeddings.dtype)
}

extension Reduction {
    /// As ``callAsFunction(_:counting:)`` with counts of each element.
    fileprivate func callAsFunction(_ elements: Tensor, dividingBy counts: Tensor) throws -> Tensor {
        guard self == .mean, elements.count > 0 else { return try self(elements) }
        return try elements.sum() / Tensor.maximum(counts.sum(), .ones([], on: counts.device))
    }
}

extension LossDescription {
    static let batchTripletMarginLoss = LossDescription(
        "batchTripletMargin", .metricLearning, "Positives nearer to an anchor than the batch's negatives, by a margin",
        reference: "Hermans, Beyer and Leibe, In Defense of the Triplet Loss for Person Re-Identification, 2017",
        inputs: [.init("embeddings", ["n", "d"]), .init("labels", ["n"], .integers(0...3))],
        options: [.number("margin", 0.2), .flag("softMargin", false), .choice("mining", TripletMining.batchHard), .reduction],
        catalogue: ["in-defense-of-the-triplet-loss-for-person-re"]
    ) {
        try batchTripletMargin(
            embeddings: $0["embeddings"], labels: $0["labels"], margin: $0.flag("softMargin") ? nil : $0.number("margin"),
            mining: $0.choice("mining"), reduction: $0.reduction())
    }
}
