import LossKitOps

/// Proto-triplet: each embedding nearer to its class's prototype than to any other, by a margin.
///
/// `max(0, d_y - min_{c != y} d_c + margin)` with `d_c = sqrt(|x - prototype_c|^2 + 1e-6)`; gradient where it is above 0: the difference to
/// the own prototype over its distance, minus that to the nearest other one.
///
/// - Parameters:
///   - embeddings: [n, d], the queries.
///   - prototypes: [C, d], the means of the classes' supports.
///   - targets: [n], integers.
///   - margin: In units of distance.
///   - reduction: Over rows; with one prototype all are 0.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches.
/// - Note: Mendez-Ruiz et al., SuSana Distancia is all you need, 2023.
public func protoTriplet(
    embeddings: Tensor, prototypes: Tensor, targets: Tensor, margin: Double = 0.5, reduction: Reduction = .mean
) throws -> Tensor {
    try requireProxies(prototypes, beside: embeddings, "protoTriplet")
    let distance = try heldDistance(embeddings, prototypes)
    let rows = try ClassTargets(targets, beside: distance, "protoTriplet")
    guard prototypes.shape[0] > 1 else { return try reduction(embeddings.sum(axes: [1]) * 0) }
    let other = try rows.others(distance, own: 1e30).min(axes: [1])
    return try reduction((rows.pick(distance) - other + margin).relu()).asType(embeddings.dtype)
}

/// ICNN: a score of how pure and how near the neighbours of every embedding are, as a loss.
///
/// `-log((lambda + gamma) / 2)` over each row's k nearest others. `lambda = (same + diff) / 2`: `same = 1 - mean_i mean_j d_ij / (a_i +
/// 1e-6)` over the neighbours j of the own class, a_i the distance to the nearest neighbour of another class (no such neighbour: 0) and
/// each row's quotients divided by their largest where that is above 1; `diff` the mean over rows of the mean distance to neighbours of
/// other classes, over the largest such distance (1 where there is none). gamma is the share of neighbours of the own class, held; 1 where
/// they are all the other rows but one.
///
/// - Parameters:
///   - embeddings: [n, d].
///   - labels: [n], integers.
///   - neighbours: k, at least 1; n - 2 where there are no more.
/// - Returns: A scalar, at least 0; 0 of fewer than 3 rows.
/// - Throws: Shape and type mismatches, a k below 1.
/// - Note: Distances are `sqrt(|x - y|^2 + 1e-6)`. Where no row has a neighbour of its own class, `same` is 0. Which rows and distances the
///   means run over is read from a description of the authors' code, not from the paper. Mendez-Ruiz et al., SuSana Distancia is all you
///   need, 2023.
public func nearestClassNeighbours(embeddings: Tensor, labels: Tensor, neighbours: Int = 4) throws -> Tensor {
    let operation = "nearestClassNeighbours"
    try require(neighbours >= 1, operation, "a neighbour or more", neighbours)
    let batch = try BatchLabels(labels, beside: embeddings, operation)
    let rows = batch.count
    guard rows > 2 else { return try embeddings.sum() * 0 }
    let coversAll = neighbours + 2 >= rows
    let kept = coversAll ? rows - 2 : neighbours
    let names = try batch.column()
    // Of each row its distances, and 1 where they are those of its class.
    let found = try RowBlocks(rows: rows, columns: rows, beside: embeddings).joined([embeddings, names], [embeddings, names]) {
        range, given, all in
        let distance = try heldDistance(given[0], all[0])
        let places = try Tensor.places(range, columns: rows, beside: distance)
        let others = Tensor.select(places.column .!= places.row, distance, try distance.constant(1e30))
        let (near, indices) = try others.topK(kept, axis: 1, largest: false)
        let isSame = try all[1].flattened().take(indices) .== given[1]
        return try Tensor.concatenate([near, isSame.asType(near.dtype)], axis: 1)
    }
    let (near, isSame) = (try found.slice(axis: 1, from: 0, to: kept), try found.slice(axis: 1, from: kept) .> 0.5)
    let (zero, one) = (try near.constant(0), try near.constant(1))
    func mean(_ values: Tensor, where mask: Tensor) throws -> Tensor {
        let counts = try mask.asType(values.dtype).sum(axes: [1])
        let means = try Tensor.select(mask, values, zero).sum(axes: [1]) / counts.clamped(min: 1)
        return try means.sum() / (counts .> 0).asType(values.dtype).sum().clamped(min: 1)
    }
    let apart = try Tensor.select(isSame, near.constant(1e30), near).min(axes: [1], keepDimensions: true)
    let quotient = Tensor.select(apart .>= 1e30, zero, near / (Tensor.select(apart .>= 1e30, one, apart) + 1e-6))
    let scaled = try quotient / quotient.max(axes: [1], keepDimensions: true).clamped(min: 1)
    let (hasSame, isMixed) = (try isSame.any(), try (!isSame).any())
    let same = try Tensor.select(hasSame, 1 - mean(scaled, where: isSame), zero)
    let largest = try Tensor.select(isSame, zero, near).max()
    let diff = try Tensor.select(isMixed, mean(near / Tensor.select(isMixed, largest, one), where: !isSame), one)
    let pure = coversAll ? one : try isSame.asType(near.dtype).mean()
    return (-(((same + diff) * 0.5 + pure) * 0.5).log()).asType(embeddings.dtype)
}

/// Euclidean distances held away from 0, so that their derivatives stay finite.
private func heldDistance(_ x: Tensor, _ y: Tensor) throws -> Tensor {
    try (pairwiseDistance(x.inArithmetic(), y.inArithmetic(), metric: .squaredEuclidean) + 1e-6).squareRoot()
}

extension LossDescription {
    private static let susana = "Mendez-Ruiz et al., SuSana Distancia is all you need: Enforcing class separability, 2023"
    private static let susanaRow = ["susana-distancia-is-all-you-need-enforcing-class-separability"]

    static let protoTripletLoss = LossDescription(
        "protoTriplet", .metricLearning, "Each embedding nearer to its class's prototype than to any other, by a margin", reference: susana,
        inputs: [.init("embeddings", ["n", "d"]), .init("prototypes", ["classes", "d"]), .init("targets", ["n"], .classes("classes"))],
        options: [.number("margin", 0.5), .reduction], catalogue: susanaRow
    ) {
        try protoTriplet(
            embeddings: $0["embeddings"], prototypes: $0["prototypes"], targets: $0["targets"], margin: $0.number("margin"),
            reduction: $0.reduction())
    }

    static let nearestClassNeighboursLoss = LossDescription(
        "nearestClassNeighbours", .metricLearning, "How pure and how near the neighbours of every embedding are", reference: susana,
        inputs: Input.labelledBatch, options: [.integer("neighbours", 4)], catalogue: susanaRow
    ) { try nearestClassNeighbours(embeddings: $0["embeddings"], labels: $0["labels"], neighbours: $0.integer("neighbours")) }
}
