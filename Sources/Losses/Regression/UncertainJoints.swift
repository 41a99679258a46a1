import LossKitOps

/// Uncertainty-weighted joint distances: how far each joint may be off is predicted too.
///
/// `|y - mu| exp(-s) + s` of each joint, the Euclidean norm over its coordinates; gradient to mu `exp(-s) (mu - y) / |mu - y|` (0 where
/// they meet), to s `1 - |y - mu| exp(-s)`. With s = 0 the mean is the mean per-joint position error; the best s is `log |y - mu|`.
///
/// - Parameters:
///   - predictions: [..., d], floating point: joints.
///   - targets: The same shape.
///   - logScales: [...]: s.
///   - reduction: Over joints.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/dtypeMismatch(operation:expected:actual:)``.
/// - Note: Wang et al., Uncertainty-Aware Testing-Time Optimization for 3D Human Pose Estimation, 2024.
public func uncertainJoints(predictions: Tensor, targets: Tensor, logScales: Tensor, reduction: Reduction = .mean) throws -> Tensor {
    let residual = try residual(predictions, targets, "uncertainJoints").inArithmetic()
    try require(residual.rank > 0, "uncertainJoints", "joints [..., d]", residual.shape)
    try requireShape(logScales, Array(residual.shape.dropLast()), "logScales", "uncertainJoints")
    return try reduction(residual.length(axes: [-1]) * (-logScales).exp() + logScales).asType(predictions.dtype)
}

/// The mean distance of joints after the best similarity transform of each pose (Procrustes), P-MPJPE.
///
/// Each pose [j, d] is moved, turned and scaled onto its target first: with `K = P^T T = U S V^T` of centred poses, the turn `U D V^T`
/// without reflection and the scale `sum(S D) / |P|^2`. Gradient through the transform, where singular values differ.
///
/// - Parameters:
///   - predictions: [n, j, d], floating point.
///   - targets: [n, j, d].
///   - reduction: Over joints.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``; what ``svd(_:)`` throws.
public func alignedJoints(predictions: Tensor, targets: Tensor, reduction: Reduction = .mean) throws -> Tensor {
    try requireShape(predictions, [nil, nil, nil], "poses", "alignedJoints")
    _ = try residual(predictions, targets, "alignedJoints")
    let (p, t) = (try predictions.centredColumns(), try targets.centredColumns())
    let (u, s, vt) = try svd(p.swappingAxes(-1, -2).matmul(t))
    let turn = try logDeterminant(u.matmul(vt)).sign
    let last = try Tensor.arange(to: Double(s.shape[1]), on: s.device) .== s.shape[1] - 1
    let signs = try Tensor.select(last, stopGradient(turn).expandedDimensions(at: 1), s.constant(1))
    let rotation = try (u * signs.expandedDimensions(at: 1)).matmul(vt)
    let size = try p.square().sum(axes: [1, 2], keepDimensions: true).clamped(min: 1e-30)
    let scale = try (s * signs).sum(axes: [1], keepDimensions: true).expandedDimensions(at: 2) / size
    return try reduction((p.matmul(rotation) * scale - t).norm(axes: [-1]))
}

extension LossDescription {
    static let uncertainJointsLoss = LossDescription(
        "uncertainJoints", .regression, "Joint distances weighted by predicted uncertainty",
        reference: "Wang et al., Uncertainty-Aware Testing-Time Optimization for 3D Human Pose Estimation, 2024",
        inputs: [.init("predictions", ["n", "m", "d"]), .init("targets", ["n", "m", "d"]), .init("logScales", ["n", "m"], .real(-1...1))],
        options: [.reduction], catalogue: ["uncertainty-aware-testing-time-optimization-for-3d-human-pose"]
    ) {
        try uncertainJoints(
            predictions: $0["predictions"], targets: $0["targets"], logScales: $0["logScales"], reduction: $0.reduction())
    }
}
