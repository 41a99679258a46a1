import LossKitOps

/// How the topological signature loss is scaled.
public enum TopologicalAutoencoderForm: String, Sendable, CaseIterable {
    /// The paper's equations.
    case paper
    /// The authors' code: without the halves, divided by the number of points, inputs' distances divided by the largest one.
    case released
}

/// Topological signature loss between a space and its embedding: the edges that connect either one should have the same length in the
/// other.
///
/// `1/2 sum over MST(X) (|x_i - x_j| - |z_i - z_j|)^2 + 1/2 sum over MST(Z) (same)`; the trees are held fixed.
/// Gradient: at z, for each edge of either tree, `(|z_i - z_j| - |x_i - x_j|)` times the unit vector along it; for x the reverse.
///
/// - Parameters:
///   - inputs: [n, d] with n >= 2, or many clouds [..., n, d], floating point, finite.
///   - embeddings: [..., n, e].
///   - latentNorm: [], what embeddings' distances are divided by, 1 by default; the released code learns it.
///   - form: Whether the paper's or the released code's.
/// - Returns: Of many clouds the mean.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` where the numbers of points differ; see
///   ``minimumSpanningTree(_:metric:)``.
/// - Note: Moor, Horn, Rieck and Borgwardt, Topological Autoencoders, 2020, equations 3 and 4. The released form holds all distances of
///   the inputs; for images its authors divide inputs by sqrt(4 channels height width) instead of by the largest distance.
public func topologicalAutoencoder(
    inputs: Tensor, embeddings: Tensor, latentNorm: Tensor? = nil, form: TopologicalAutoencoderForm = .paper
) throws -> Tensor {
    let edges = try SignatureEdges(inputs, embeddings, "topologicalAutoencoder")
    if let latentNorm, try latentNorm.checked().count != 1 {
        throw TensorError.shapeMismatch(operation: "topologicalAutoencoder", expected: "a single latentNorm", actual: [latentNorm.shape])
    }
    let radius = form == .released ? try edges.diameter(space: 0) : nil
    let norm = try latentNorm?.reshaped([1, 1])
    let mismatches = try (0...1).map { tree -> Tensor in
        let (original, found) = (try edges.lengths(tree: tree, space: 0), try edges.lengths(tree: tree, space: 1))
        return try ((radius.map { original / $0 } ?? original) - (norm.map { found / $0 } ?? found)).square().sum(axes: [1])
    }
    return try (mismatches[0] + mismatches[1]).mean() * (form == .paper ? 0.5 : 1 / Double(edges.n))
}

extension LossDescription {
    static let topologicalAutoencoderLoss = LossDescription(
        "topologicalAutoencoder", .topology, "Edges that connect a space keep their length in its embedding, and the reverse",
        reference: "Moor, Horn, Rieck and Borgwardt, Topological Autoencoders, 2020",
        inputs: [
            .init("inputs", ["n", "d"]), .init("embeddings", ["n", "e"]), .init("latentNorm", [], .real(0.5...2), isOptional: true),
        ], options: [.choice("form", TopologicalAutoencoderForm.paper)], catalogue: ["topological-autoencoders"]
    ) {
        try requireShape($0["inputs"], [nil, nil], "inputs", "topologicalAutoencoder")
        return try topologicalAutoencoder(
            inputs: $0["inputs"], embeddings: $0["embeddings"], latentNorm: $0.optional("latentNorm"), form: $0.choice("form"))
    }
}
