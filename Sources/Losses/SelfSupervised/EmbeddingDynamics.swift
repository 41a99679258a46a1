import LossKitOps

/// MSBReg: views meet at their centroid, no direction of the batch dominates, and noise keeps rows apart.
///
/// With unit rows z, targets' means over views brought to norm 1 as centroids c, and everything but z held still:
/// `mean_iv |z_vi - c_i|^2 + singularWeight mean_v |Z^T Z / n - I / d|_F^2 + brownianWeight mean_iv |z_vi - u_vi|^2` with
/// `u = (z + noiseScale xi)` brought to norm 1.
///
/// - Parameters:
///   - embeddings: [v, n, d], floating point, n >= 1.
///   - targets: [v, n, d], of the momentum encoder, held still.
///   - noise: [v, n, d], drawn from a normal distribution each step.
///   - singularWeight: Of the singular-value term.
///   - brownianWeight: Of the diffusive term.
///   - noiseScale: Of the noise.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/dtypeMismatch(operation:expected:actual:)``.
/// - Note: The centroid term is the paper's. The exact singular-value and Brownian terms, their weights and the noise's scale could not be
///   confirmed: these are the forms that its abstract describes, each with a weight to set; no official code was found. Moon et al., An
///   Embedding-Dynamic Approach to Self-Supervised Learning, 2023.
public func embeddingDynamics(
    embeddings: Tensor, targets: Tensor, noise: Tensor, singularWeight: Double = 1, brownianWeight: Double = 1, noiseScale: Double = 0.1
) throws -> Tensor {
    let operation = "embeddingDynamics"
    try requireShape(embeddings, [nil, nil, nil], "embeddings", operation)
    try requireFloatingPoint(embeddings, operation)
    try requireEqualShapes(embeddings, targets, operation)
    try requireEqualShapes(embeddings, noise, operation)
    try require(embeddings.shape[0] > 0 && embeddings.shape[1] > 0, operation, "at least one view and row", embeddings.shape)
    let z = try embeddings.inArithmetic().unitRows()
    let (n, d) = (z.shape[1], z.shape[2])
    let centroids = try stopGradient(targets).inArithmetic().unitRows().mean(axes: [0]).unitRows()
    let wandered = try (stopGradient(z) + stopGradient(noise) * noiseScale).unitRows()
    func apart(_ goal: Tensor) throws -> Tensor { try (z - goal).square().sum(axes: [2]).mean() }
    let spread = try z.swappingAxes(-1, -2).matmul(z) / Double(n) - Tensor.eye(d, dtype: z.dtype, on: z.device) / Double(d)
    let singular = try spread.square().sum(axes: [1, 2]).mean()
    return try (apart(centroids) + singular * singularWeight + apart(wandered) * brownianWeight).asType(embeddings.dtype)
}

extension LossDescription {
    static let embeddingDynamicsLoss = LossDescription(
        "embeddingDynamics", .selfSupervised, "MSBReg: centroids, even singular values, diffusion",
        reference: "Moon et al., An Embedding-Dynamic Approach to Self-Supervised Learning, 2023",
        inputs: [
            .init("embeddings", ["e", "n", "d"]), .init("targets", ["e", "n", "d"], isDifferentiable: false),
            .init("noise", ["e", "n", "d"], isDifferentiable: false),
        ],
        options: [.number("singularWeight", 1), .number("brownianWeight", 1), .number("noiseScale", 0.1)],
        catalogue: ["an-embedding-dynamic-approach-to-self-supervised-learning"]
    ) {
        try embeddingDynamics(
            embeddings: $0["embeddings"], targets: $0["targets"], noise: $0["noise"], singularWeight: $0.number("singularWeight"),
            brownianWeight: $0.number("brownianWeight"), noiseScale: $0.number("noiseScale"))
    }
}
