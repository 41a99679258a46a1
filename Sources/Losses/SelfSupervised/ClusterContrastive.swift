import LossKitOps

/// PamC: neighbours of a graph attract, sums of clusters repel, so that no pair of all nodes is formed.
///
/// With `s` and `m` the cosines of nodes and of their clusters' sums, 0 on the diagonal: `-mean_i log(sum_j A_ij exp(tau s_ij) + 1e-10)
/// + mean_a log(sum_b exp(tau m_ab) + 1e-10)`, the first sum over edges. Clusters are the largest assignments, held still; those without
/// nodes count for nothing.
///
/// - Parameters:
///   - embeddings: [n, d], floating point.
///   - sources: [e], integers: the node i of each edge.
///   - targets: [e]: its node j.
///   - weights: [e]: A_ij, at least 0.
///   - assignments: [n, k], floating point: soft cluster assignments.
///   - tau: Multiplies cosines.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the edge; shape and type mismatches.
/// - Note: Liu et al., Efficient Block Contrastive Learning via Parameter-Free Meta-Node Approximation, 2022.
public func clusterContrastive(
    embeddings: Tensor, sources: Tensor, targets: Tensor, weights: Tensor, assignments: Tensor, tau: Double = 1
) throws -> Tensor {
    try requireViews(embeddings, embeddings, rows: 1, "clusterContrastive")
    let n = embeddings.shape[0]
    try requireShape(assignments, [n, nil], "assignments", "clusterContrastive")
    try requireShape(sources, [nil], "sources", "clusterContrastive")
    let sources = try checkedClasses(sources, shape: sources.shape, below: n, "clusterContrastive sources")
    let targets = try checkedClasses(targets, shape: sources.shape, below: n, "clusterContrastive")
    try requireEqualShapes(sources, weights, "clusterContrastive")
    try require(assignments.shape[1] > 0, "clusterContrastive", "at least one cluster", 0)
    let z = embeddings.inArithmetic()
    let unit = try z.unitRows()
    let isLoop = sources .== targets
    let cosine = try (unit.rows(at: sources) * unit.rows(at: targets)).sum(axes: [1])
    let attraction = try Tensor.select(isLoop, z.constant(1), (cosine * tau).exp()) * weights.asType(z.dtype)
    let reached = try Tensor.zeros([n], dtype: z.dtype, on: z.device).scatterAdd(attraction, at: sources, axis: 0)
    let members = try stopGradient(assignments).argMax(axis: 1).oneHot(classes: assignments.shape[1], dtype: z.dtype)
    let isUsed = try members.sum(axes: [0]) .> 0
    let sums = try Tensor.select(isUsed.expandedDimensions(at: 1), members.swappingAxes(0, 1).matmul(z), z.constant(1))
    let centres = try sums.unitRows()
    let used = isUsed.asType(z.dtype)
    let isOwn = try Tensor.eye(assignments.shape[1], dtype: z.dtype, on: z.device) .> 0
    let affinity = try Tensor.select(isOwn, z.constant(0), centres.matmul(centres.swappingAxes(0, 1)))
    let repulsion = try (((affinity * tau).exp() * used).sum(axes: [1]) + 1e-10).log() * used
    return try (repulsion.sum() / used.sum() - (reached + 1e-10).log().mean()).asType(embeddings.dtype)
}

extension LossDescription {
    static let clusterContrastiveLoss = LossDescription(
        "clusterContrastive", .selfSupervised, "PamC: neighbours attract, sums of clusters repel",
        reference: "Liu et al., Efficient Block Contrastive Learning via Parameter-Free Meta-Node Approximation, 2022",
        inputs: [
            .init("embeddings", ["n", "d"]), .init("sources", ["e"], .classes("n")), .init("targets", ["e"], .classes("n")),
            .init("weights", ["e"], .real(0.2...1)), .init("assignments", ["n", "m"], .probabilities, isDifferentiable: false),
        ],
        options: [.number("tau", 1)], catalogue: ["efficient-block-contrastive-learning-via-parameter-free-meta-node"]
    ) {
        try clusterContrastive(
            embeddings: $0["embeddings"], sources: $0["sources"], targets: $0["targets"], weights: $0["weights"],
            assignments: $0["assignments"], tau: $0.number("tau"))
    }
}
