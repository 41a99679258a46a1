import LossKitOps

/// Topological signature loss between a space and its embedding: the edges that connect either one should have the same length in the other.
///
/// `1/2 sum over MST(X) (|x_i - x_j| - |z_i - z_j|)^2 + 1/2 sum over MST(Z) (same)`; the trees are held fixed.
///
/// - Parameters:
///   - inputs: [n, d] with n >= 2, floating point, finite.
///   - embeddings: [n, e].
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` where the numbers of points differ; see ``minimumSpanningTree(_:)``.
/// - Note: Moor, Horn, Rieck and Borgwardt, Topological Autoencoders, 2020, equations 3 and 4.
public func topologicalAutoencoder(inputs: Tensor, embeddings: Tensor) throws -> Tensor {
    guard try inputs.checked().rank == 2, try embeddings.checked().rank == 2, inputs.shape[0] == embeddings.shape[0] else {
        throw TensorError.shapeMismatch(
            operation: "topologicalAutoencoder", expected: "inputs [n, d] and embeddings [n, e]", actual: [inputs.shape, embeddings.shape])
    }
    func mismatch(_ edges: Tensor) throws -> Tensor {
        func lengths(_ points: Tensor) throws -> Tensor {
            let ends = try [0, 1].map { try points.rows(at: edges.slice(axis: 1, from: $0, to: $0 + 1).squeezed(axes: [1])) }
            return try (ends[0] - ends[1]).norm(axes: [1])
        }
        return try (lengths(inputs) - lengths(embeddings)).square().sum() * 0.5
    }
    return try mismatch(minimumSpanningTree(inputs).edges) + mismatch(minimumSpanningTree(embeddings).edges)
}

extension LossDescription {
    static let topologicalAutoencoderLoss = LossDescription(
        "topologicalAutoencoder", .topology, "Edges that connect a space keep their length in its embedding, and the reverse",
        reference: "Moor, Horn, Rieck and Borgwardt, Topological Autoencoders, 2020",
        inputs: [.init("inputs", ["n", "d"]), .init("embeddings", ["n", "e"])], catalogue: ["topological-autoencoders"]
    ) { try topologicalAutoencoder(inputs: $0["inputs"], embeddings: $0["embeddings"]) }
}
