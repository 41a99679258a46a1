import LossKitOps

/// Hyp-PC, hyperbolic pairwise confusion: features of real samples are drawn together on the Poincare ball.
///
/// The geodesic distance of each pair, features clipped and mapped into the ball first; the authors split a batch of real samples into
/// halves and divide by the batch, which is half the mean over pairs. Gradient through map and distance.
///
/// - Parameters:
///   - first: [n, d], floating point, in the tangent space at 0.
///   - second: [n, d].
///   - curvature: c, above 0.
///   - clip: The largest norm features keep.
///   - usesArctangent: As the authors' released code.
///   - reduction: Over pairs.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Narayan and Patel, Hyp-OC: Hyperbolic One Class Classification for Face Anti-Spoofing, 2024.
public func hyperbolicConfusion(
    first: Tensor, second: Tensor, curvature: Double = 0.1, clip: Double = 2, usesArctangent: Bool = false, reduction: Reduction = .mean
) throws -> Tensor {
    try requireViews(first, second, rows: 0, "hyperbolicConfusion")
    let (u, v) = try (
        poincarePoints(features: first, curvature: curvature, clip: clip),
        poincarePoints(features: second, curvature: curvature, clip: clip)
    )
    let distance = try poincareDistance(u, v, curvature: curvature, usesArctangent: usesArctangent)
    return try reduction(distance).asType(first.dtype)
}

/// Hyp-CE: cross-entropy of hyperbolic logits, by ``poincareLogits(points:offsets:normals:curvature:)`` of clipped features in the ball.
///
/// - Parameters:
///   - features: [n, d], floating point, in the tangent space at 0.
///   - offsets: [k, d], of the classes' hyperplanes.
///   - normals: [k, d].
///   - targets: [n], integers.
///   - curvature: c, above 0.
///   - clip: The largest norm features keep.
///   - reduction: Over rows.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches.
/// - Note: Negatives of a one-class problem are drawn around `0.8 previous + 0.2 batch mean`. Narayan and Patel, Hyp-OC, 2024.
public func hyperbolicCrossEntropy(
    features: Tensor, offsets: Tensor, normals: Tensor, targets: Tensor, curvature: Double = 0.1, clip: Double = 2,
    reduction: Reduction = .mean
) throws -> Tensor {
    try requireShape(features, [nil, nil], "features", "hyperbolicCrossEntropy")
    let points = try poincarePoints(features: features, curvature: curvature, clip: clip)
    let logits = try poincareLogits(points: points, offsets: offsets, normals: normals, curvature: curvature)
    return try crossEntropy(logits: logits, targets: targets, reduction: reduction).asType(features.dtype)
}

extension LossDescription {
    private static let oneClass = "Narayan and Patel, Hyp-OC: Hyperbolic One Class Classification for Face Anti-Spoofing, 2024"
    private static let oneClassRow = ["hyp-oc-hyperbolic-one-class-classification-for-face-anti"]

    static let hyperbolicConfusionLoss = LossDescription(
        "hyperbolicConfusion", .geometry, "Hyp-PC: pairs drawn together on the Poincare ball", reference: oneClass,
        inputs: [.init("first", ["n", "d"]), .init("second", ["n", "d"])],
        options: [.number("curvature", 0.1), .number("clip", 2), .flag("usesArctangent", false), .reduction], catalogue: oneClassRow
    ) {
        try hyperbolicConfusion(
            first: $0["first"], second: $0["second"], curvature: $0.number("curvature"), clip: $0.number("clip"),
            usesArctangent: $0.flag("usesArctangent"), reduction: $0.reduction())
    }

    static let hyperbolicCrossEntropyLoss = LossDescription(
        "hyperbolicCrossEntropy", .geometry, "Hyp-CE: cross-entropy of distances from hyperbolic planes", reference: oneClass,
        inputs: [
            .init("features", ["n", "d"]), .init("offsets", ["classes", "d"], .real(-1...1)), .init("normals", ["classes", "d"]),
            .init("targets", ["n"], .classes("classes")),
        ],
        options: [.number("curvature", 0.1), .number("clip", 2), .reduction], catalogue: oneClassRow
    ) {
        try hyperbolicCrossEntropy(
            features: $0["features"], offsets: $0["offsets"], normals: $0["normals"], targets: $0["targets"],
            curvature: $0.number("curvature"), clip: $0.number("clip"), reduction: $0.reduction())
    }
}
