import LossKitOps

/// HYPO: embeddings compact around the prototypes of their classes on the sphere, prototypes dispersed.
///
/// `weight mean of -log(exp(z.mu_y / t) / (sum_c exp(z.mu_c / t) + sum_j exp(z.z_j / t)))` plus the dispersion of the prototypes, z and mu
/// of unit length, j over rows of the same domain and another class. No derivative is carried to the prototypes from the first term, whose
/// gradient at z is `(sum_c p_c mu_c - mu_y) / t`.
///
/// - Parameters:
///   - embeddings: [n, d].
///   - prototypes: [C, d]; given by ``movedPrototypes(_:embeddings:targets:momentum:)``, the second term reaches the embeddings, too.
///   - targets: [n], integers.
///   - domains: [n], integers: rows of one domain and different classes are negatives of each other; nobody is where nil.
///   - temperature: t, above 0.
///   - weight: Of the first term.
/// - Returns: A scalar; of an empty batch the dispersion alone.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches, options out of
///   range.
/// - Note: Bai et al., HYPO: Hyperspherical Out-of-Distribution Generalization, 2024.
public func hypo(
    embeddings: Tensor, prototypes: Tensor, targets: Tensor, domains: Tensor? = nil, temperature: Double = 0.1, weight: Double = 2
) throws -> Tensor {
    try require(temperature > 0, "hypo", "temperature > 0", temperature)
    try requireProxies(prototypes, beside: embeddings, "hypo")
    let dispersion = try prototypeDispersion(prototypes, temperature: temperature)
    let units = try embeddings.inArithmetic().unitRows()
    let logits = try units.matmul(stopGradient(prototypes).inArithmetic().unitRows().transposed()) / temperature
    let rows = try ClassTargets(targets, beside: logits, "hypo")
    var partition = try logits.logSumExp(axes: [1])
    if let domains, embeddings.shape[0] > 0 {
        let places = try BatchLabels(domains, beside: embeddings, "hypo domains").column()
        let classes = try BatchLabels(targets, beside: embeddings, "hypo").column()
        let blocks = RowBlocks(rows: units.shape[0], columns: units.shape[0], beside: units)
        let beyond = try blocks.joined([units, places, classes], [units, places.transposed(), classes.transposed()]) { _, rows, columns in
            // No row is of another class than itself.
            let isNegative = (rows[1] .== columns[1]) .&& (rows[2] .!= columns[2])
            return try (rows[0].matmul(columns[0].transposed()) / temperature).logSumExp(where: isNegative).flattened()
        }
        partition = Tensor.maximum(partition, beyond) + (-(partition - beyond).absolute()).softplus()
    }
    let compactness = try (partition - rows.pick(logits)).sum() / Double(max(1, embeddings.shape[0]))
    return (compactness * weight + dispersion.asType(logits.dtype)).asType(embeddings.dtype)
}

/// The dispersion of prototypes on the sphere: `1/C sum_c log(1/(C - 1) sum_{k != c} exp(mu_c.mu_k / t))`.
///
/// The vertices of a simplex minimise it at `-1 / ((C - 1) t)`. Gradient: a softmax over the other prototypes, both ways.
///
/// - Parameters:
///   - prototypes: [C, d].
///   - temperature: t, above 0.
/// - Returns: A scalar; 0 of fewer than 2 prototypes.
/// - Throws: Shape and type mismatches, a temperature of 0 or below.
/// - Note: Bai et al., 2024.
public func prototypeDispersion(_ prototypes: Tensor, temperature: Double = 0.1) throws -> Tensor {
    try require(temperature > 0, "prototypeDispersion", "temperature > 0", temperature)
    try requireShape(prototypes, [nil, nil], "prototypes", "prototypeDispersion")
    try requireFloatingPoint(prototypes, "prototypeDispersion")
    let classes = prototypes.shape[0]
    guard classes > 1 else { return try prototypes.sum() * 0 }
    let units = try prototypes.inArithmetic().unitRows()
    let others = try RowBlocks(rows: classes, columns: classes, beside: units).joined([units], [units]) { range, rows, columns in
        let places = try Tensor.places(range, columns: classes, beside: units)
        return try (rows[0].matmul(columns[0].transposed()) / temperature).logSumExp(where: places.column .!= places.row)
    }
    return try (others.mean() - others.constant(Double(classes - 1)).log()).asType(prototypes.dtype)
}

/// Prototypes after a batch: for each row in turn `mu_y` becomes `momentum mu_y + (1 - momentum) z` at unit length.
///
/// - Parameters:
///   - prototypes: [C, d].
///   - embeddings: [n, d].
///   - targets: [n], integers.
///   - momentum: In 0...1.
/// - Returns: [C, d] of unit rows, through which derivatives are carried.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches, a momentum out of
///   range.
/// - Note: As many steps as the most frequent class has rows. Bai et al., 2024.
public func movedPrototypes(_ prototypes: Tensor, embeddings: Tensor, targets: Tensor, momentum: Double = 0.95) throws -> Tensor {
    try require((0...1).contains(momentum), "movedPrototypes", "momentum in 0...1", momentum)
    try requireProxies(prototypes, beside: embeddings, "movedPrototypes")
    let targets = try checkedClasses(targets, shape: [embeddings.shape[0]], below: prototypes.shape[0], "movedPrototypes")
    var members = [[Int]](repeating: [], count: prototypes.shape[0])
    for (row, label) in try targets.array(of: Int.self).enumerated() { members[label].append(row) }
    let units = try embeddings.inArithmetic().unitRows()
    var moved = try prototypes.inArithmetic().unitRows()
    for step in 0..<(members.map(\.count).max() ?? 0) {
        let isMoved = try Tensor(members.map { $0.count > step }, shape: [members.count, 1], on: moved.device)
        let rows = try units.rows(at: Tensor(members.map { $0.count > step ? $0[step] : 0 }, on: moved.device))
        moved = try Tensor.select(isMoved, (moved * momentum + rows * (1 - momentum)).unitRows(), moved)
    }
    return moved.asType(prototypes.dtype)
}

extension LossDescription {
    private static let hypoPaper = "Bai et al., HYPO: Hyperspherical Out-of-Distribution Generalization, 2024"
    private static let hypoRow = ["hypo-hyperspherical-out-of-distribution-generalization"]

    static let hypoLoss = LossDescription(
        "hypo", .metricLearning, "Embeddings compact around prototypes on the sphere, prototypes dispersed", reference: hypoPaper,
        inputs: [
            .init("embeddings", ["n", "d"]), .init("prototypes", ["classes", "d"]), .init("targets", ["n"], .classes("classes")),
            .init("domains", ["n"], .integers(0...1), isOptional: true),
        ],
        options: [.number("temperature", 0.1), .number("weight", 2)], catalogue: hypoRow
    ) {
        try hypo(
            embeddings: $0["embeddings"], prototypes: $0["prototypes"], targets: $0["targets"], domains: $0.optional("domains"),
            temperature: $0.number("temperature"), weight: $0.number("weight"))
    }

    static let prototypeDispersionLoss = LossDescription(
        "prototypeDispersion", .metricLearning, "Prototypes far from each other on the sphere", reference: hypoPaper,
        inputs: [.init("prototypes", ["n", "d"])], options: [.number("temperature", 0.1)], catalogue: hypoRow
    ) { try prototypeDispersion($0["prototypes"], temperature: $0.number("temperature")) }
}
