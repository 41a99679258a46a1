import LossKitOps

/// Enveloping: the trace of a regression's centroids spread over the whole sphere.
///
/// `1 - mean over p of max_l S_l.u_p`, rows of unit length. Gradient: minus the mean of the directions nearest to each centroid, along the
/// sphere.
///
/// ```swift
/// let directions = try Tensor.normal([2000, d], using: &generator)
/// let shape = try 100 * envelope(centroids, directions: directions) + 0.01 * traceHomogeneity(centroids)
/// let loss = try l1(predictions: y, targets: t) + shape + 10 * traceContrast(embeddings: z, centroids: centroids, targets: bins)
/// ```
/// - Parameters:
///   - centroids: [L, d], in the order of their labels, L >= 1.
///   - directions: [P, d]: normal random numbers spread evenly; no derivative is carried to them.
/// - Returns: A scalar in 0...2; 0 where every direction is a centroid's, and of no directions.
/// - Throws: Shape and type mismatches.
/// - Note: Wu et al., Improve Representation for Imbalanced Regression through Geometric Constraints, 2025.
public func envelope(_ centroids: Tensor, directions: Tensor) throws -> Tensor {
    try requireProxies(directions, beside: centroids, "envelope")
    try require(centroids.shape[0] > 0, "envelope", "a centroid or more", centroids.shape)
    guard directions.shape[0] > 0 else { return try centroids.sum() * 0 }
    let gaps = try stopGradient(directions).inArithmetic().unitRows().gaps(to: centroids.inArithmetic().unitRows())
    return try gaps.min(axes: [1]).mean().asType(centroids.dtype)
}

/// Homogeneity: neighbouring centroids of a regression's trace near, and evenly spaced.
///
/// `-sum_l S_{l+1}.S_l + varianceWeight var_l(S_{l+1}.S_l)`, rows of unit length, the variance unbiased; gradient at a centroid minus its
/// two neighbours, and the variance's. With positions y, the smoothness of the paper instead: `sum_l |S_{l+1} - S_l|^2 / (y_{l+1} - y_l)`.
///
/// - Parameters:
///   - centroids: [L, d], in the order of their labels.
///   - positions: [L], the labels, rising; nil for the authors' code.
///   - varianceWeight: Of the variance, where there are no positions.
/// - Returns: A scalar, at least -(L - 1) without positions; 0 of fewer than 2 centroids.
/// - Throws: Shape and type mismatches.
/// - Note: Wu et al., Improve Representation for Imbalanced Regression through Geometric Constraints, 2025.
public func traceHomogeneity(_ centroids: Tensor, positions: Tensor? = nil, varianceWeight: Double = 0.1) throws -> Tensor {
    try requireShape(centroids, [nil, nil], "centroids", "traceHomogeneity")
    try requireFloatingPoint(centroids, "traceHomogeneity")
    let count = centroids.shape[0]
    if let positions { try requireShape(positions, [count], "positions", "traceHomogeneity") }
    guard count > 1 else { return try centroids.sum() * 0 }
    let units = try centroids.inArithmetic().unitRows()
    let (first, second) = (units[0..<count - 1], units[1..<count])
    if let positions {
        let held = stopGradient(positions).asType(units.dtype)
        let steps = try (second - first).square().sum(axes: [1])
        return try (steps / (held[1..<count] - held[0..<count - 1])).sum().asType(centroids.dtype)
    }
    let cosines = try (first * second).sum(axes: [1])
    let variance = count > 2 ? try cosines.variance() * varianceWeight : try cosines.constant(0)
    return try (variance - cosines.sum()).asType(centroids.dtype)
}

/// Contrast with a regression's centroids: each embedding nearest to the centroid of its label's bin.
///
/// `-log softmax_l(z.S_l / temperature)_y`, rows of unit length; no derivative is carried to the centroids.
///
/// - Parameters:
///   - embeddings: [n, d].
///   - centroids: [L, d].
///   - targets: [n], integers: the bins.
///   - temperature: Above 0: 0.3 for ages, 0.1 for similarities of sentences.
///   - reduction: Over rows.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches.
/// - Note: Wu et al., Improve Representation for Imbalanced Regression through Geometric Constraints, 2025.
public func traceContrast(
    embeddings: Tensor, centroids: Tensor, targets: Tensor, temperature: Double = 0.3, reduction: Reduction = .mean
) throws -> Tensor {
    try require(temperature > 0, "traceContrast", "temperature > 0", temperature)
    try requireProxies(centroids, beside: embeddings, "traceContrast")
    let logits = try EmbeddingDistance.cosine(embeddings, stopGradient(centroids)) / temperature
    return try crossEntropy(logits: logits, targets: targets, reduction: reduction).asType(embeddings.dtype)
}

/// Centroids after a batch: those of the bins it holds become the means of their embeddings, all at unit length.
///
/// - Parameters:
///   - centroids: [L, d].
///   - embeddings: [n, d].
///   - targets: [n], integers: the bins.
///   - momentum: How much of the old ones is kept, in 0...1.
/// - Returns: [L, d] of unit rows, through which derivatives are carried to the embeddings.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches, a momentum out of
///   range.
/// - Note: Wu et al., Improve Representation for Imbalanced Regression through Geometric Constraints, 2025.
public func movedCentroids(_ centroids: Tensor, embeddings: Tensor, targets: Tensor, momentum: Double = 0) throws -> Tensor {
    try require((0...1).contains(momentum), "movedCentroids", "momentum in 0...1", momentum)
    try requireProxies(centroids, beside: embeddings, "movedCentroids")
    let targets = try checkedClasses(targets, shape: [embeddings.shape[0]], below: centroids.shape[0], "movedCentroids")
    let (sums, counts) = try embeddings.inArithmetic().unitRows().classSums(targets, classes: centroids.shape[0])
    let means = try (sums / counts.clamped(min: 1)).unitRows()
    let old = try centroids.inArithmetic().unitRows()
    return try Tensor.select(counts .> 0, (old * momentum + means * (1 - momentum)).unitRows(), old).asType(centroids.dtype)
}

extension LossDescription {
    private static let tracePaper = "Wu et al., Improve Representation for Imbalanced Regression through Geometric Constraints, 2025"
    private static let traceRow = ["improve-representation-for-imbalanced-regression-through-geometric-constraints"]

    static let envelopeLoss = LossDescription(
        "envelope", .metricLearning, "The trace of a regression's centroids spread over the sphere", reference: tracePaper,
        inputs: [.init("centroids", ["n", "d"]), .init("directions", ["m", "d"], isDifferentiable: false)], catalogue: traceRow
    ) { try envelope($0["centroids"], directions: $0["directions"]) }

    static let traceHomogeneityLoss = LossDescription(
        "traceHomogeneity", .metricLearning, "Neighbouring centroids of a regression near and evenly spaced", reference: tracePaper,
        inputs: [.init("centroids", ["n", "d"]), .init("positions", ["n"], .real(0...1), isOptional: true, isDifferentiable: false)],
        options: [.number("varianceWeight", 0.1)], catalogue: traceRow
    ) {
        try traceHomogeneity($0["centroids"], positions: $0.optional("positions"), varianceWeight: $0.number("varianceWeight"))
    }

    static let traceContrastLoss = LossDescription(
        "traceContrast", .metricLearning, "Each embedding nearest to the centroid of its label's bin", reference: tracePaper,
        inputs: [
            .init("embeddings", ["n", "d"]), .init("centroids", ["classes", "d"], isDifferentiable: false),
            .init("targets", ["n"], .classes("classes")),
        ], options: [.number("temperature", 0.3), .reduction], catalogue: traceRow
    ) {
        try traceContrast(
            embeddings: $0["embeddings"], centroids: $0["centroids"], targets: $0["targets"], temperature: $0.number("temperature"),
            reduction: $0.reduction())
    }
}
