import LossKitOps

/// Threshold-adaptive scaling of keypoint errors: what is already as near as annotations are exact counts for little.
///
/// With `v = 1[confidence |p - t|^2 > threshold]`, held still: `confidence (v + alpha (1 - v)) |p - t|_1` of each keypoint; gradient
/// `confidence (v + alpha (1 - v)) sign(p - t)`.
///
/// - Parameters:
///   - predictions: [n, k, d], floating point.
///   - targets: [n, k, d].
///   - confidences: [n, k], at least 0.
///   - thresholds: [k], squared distances.
///   - alpha: At least 0: 1 counts all alike, 0 leaves a dead zone; the paper's configuration has 0.05.
///   - reduction: Over keypoints; the authors sum.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Dwivedi et al., TokenHMR: Advancing Human Mesh Recovery with a Tokenized Pose Representation, 2024.
public func adaptiveKeypoints(
    predictions: Tensor, targets: Tensor, confidences: Tensor, thresholds: Tensor, alpha: Double = 0.05, reduction: Reduction = .sum
) throws -> Tensor {
    let residual = try residual(predictions, targets, "adaptiveKeypoints").inArithmetic()
    try requireShape(predictions, [nil, nil, nil], "predictions", "adaptiveKeypoints")
    try requireShape(confidences, Array(predictions.shape.prefix(2)), "confidences", "adaptiveKeypoints")
    try requireShape(thresholds, [predictions.shape[1]], "thresholds", "adaptiveKeypoints")
    try require(alpha >= 0, "adaptiveKeypoints", "alpha >= 0", alpha)
    let isFar = try confidences * stopGradient(residual).square().sum(axes: [2]) .> thresholds
    let scale = try Tensor.select(isFar, residual.constant(1), residual.constant(alpha))
    return try reduction(confidences * scale * residual.absolute().sum(axes: [2])).asType(predictions.dtype)
}

/// The same of rotations: `(v + alpha (1 - v)) |P - T|_F^2` with `v = 1[angle of P T^T > threshold]`, held still.
///
/// - Parameters:
///   - predictions: [n, j, 3, 3], floating point: rotation matrices.
///   - targets: [n, j, 3, 3].
///   - thresholds: [j], in radians.
///   - alpha: At least 0.
///   - reduction: Over rotations; the authors sum.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: See ``adaptiveKeypoints(predictions:targets:confidences:thresholds:alpha:reduction:)``.
public func adaptiveRotations(
    predictions: Tensor, targets: Tensor, thresholds: Tensor, alpha: Double = 0.05, reduction: Reduction = .sum
) throws -> Tensor {
    let residual = try residual(predictions, targets, "adaptiveRotations").inArithmetic()
    try requireShape(predictions, [nil, nil, 3, 3], "rotations", "adaptiveRotations")
    try requireShape(thresholds, [predictions.shape[1]], "thresholds", "adaptiveRotations")
    try require(alpha >= 0, "adaptiveRotations", "alpha >= 0", alpha)
    // The trace of P T^T is 1 + 2 cos(angle), which falls as the angle grows.
    let cosine = try (stopGradient(predictions.inArithmetic() * targets).sum(axes: [2, 3]) - 1) * 0.5
    let isFar = cosine .< thresholds.cos()
    let scale = try Tensor.select(isFar, residual.constant(1), residual.constant(alpha))
    return try reduction(scale * residual.square().sum(axes: [2, 3])).asType(predictions.dtype)
}

extension LossDescription {
    private static let tokenized = "Dwivedi et al., TokenHMR: Advancing Human Mesh Recovery with a Tokenized Pose Representation, 2024"
    private static let scalingRow = ["tokenhmr-advancing-human-mesh-recovery-with-a-tokenized-pose"]

    static let adaptiveKeypointsLoss = LossDescription(
        "adaptiveKeypoints", .regression, "Keypoint errors below their thresholds count for little", reference: tokenized,
        inputs: [
            .init("predictions", ["n", "m", "d"]), .init("targets", ["n", "m", "d"]),
            .init("confidences", ["n", "m"], .real(0.2...1), isDifferentiable: false),
            .init("thresholds", ["m"], .real(0.5...2), isDifferentiable: false),
        ],
        options: [.number("alpha", 0.05), .choice("reduction", Reduction.sum)], catalogue: scalingRow
    ) {
        try adaptiveKeypoints(
            predictions: $0["predictions"], targets: $0["targets"], confidences: $0["confidences"], thresholds: $0["thresholds"],
            alpha: $0.number("alpha"), reduction: $0.reduction())
    }

    static let adaptiveRotationsLoss = LossDescription(
        "adaptiveRotations", .regression, "Rotation errors below their thresholds count for little", reference: tokenized,
        inputs: [
            .init("predictions", ["n", "m", "row", "row"], .real(-1...1)), .init("targets", ["n", "m", "row", "row"], .real(-1...1)),
            .init("thresholds", ["m"], .real(0.1...0.8), isDifferentiable: false),
        ],
        options: [.number("alpha", 0.05), .choice("reduction", Reduction.sum)], catalogue: scalingRow
    ) {
        try adaptiveRotations(
            predictions: $0["predictions"], targets: $0["targets"], thresholds: $0["thresholds"], alpha: $0.number("alpha"),
            reduction: $0.reduction())
    }
}
