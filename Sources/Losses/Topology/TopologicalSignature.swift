import LossKitOps

/// How far the edges that connect either of two spaces are from the same length in the other, as torch-topological's `SignatureLoss`.
///
/// `1/2 |d_X(MST X) - d_Y(MST X)|_2 + 1/2 |d_X(MST Y) - d_Y(MST Y)|_2`, distances divided by the largest one of their space; the trees are
/// held fixed.
/// Unlike ``topologicalAutoencoder(inputs:embeddings:latentNorm:form:)`` norms are not squared. Where nothing differs the gradient is 0.
///
/// - Parameters:
///   - inputs: [n, d] with n >= 2, or many clouds [..., n, d], floating point, finite.
///   - embeddings: [..., n, e].
///   - isNormalized: Whether distances are divided; a space of a single place then gives NaN.
/// - Returns: Of many clouds the mean.
/// - Throws: See ``topologicalAutoencoder(inputs:embeddings:latentNorm:form:)``.
/// - Note: Moor, Horn, Rieck and Borgwardt, Topological Autoencoders, 2020, as B. Rieck's torch-topological has it.
public func topologicalSignature(inputs: Tensor, embeddings: Tensor, isNormalized: Bool = true) throws -> Tensor {
    let edges = try SignatureEdges(inputs, embeddings, "topologicalSignature")
    let radii = isNormalized ? try (0...1).map { try edges.diameter(space: $0) } : nil
    let norms = try (0...1).map { tree -> Tensor in
        let lengths = try (0...1).map { space -> Tensor in
            let lengths = try edges.lengths(tree: tree, space: space)
            return radii.map { lengths / $0[space] } ?? lengths
        }
        return try (lengths[0] - lengths[1]).norm(axes: [1])
    }
    return try (norms[0] + norms[1]).mean() * 0.5
}

extension LossDescription {
    static let topologicalSignatureLoss = LossDescription(
        "topologicalSignature", .topology, "Edges that connect either of two spaces have the same length, relative to the largest, in both",
        reference: "Moor, Horn, Rieck and Borgwardt, Topological Autoencoders, 2020, in torch-topological's form",
        inputs: [.init("inputs", ["n", "d"]), .init("embeddings", ["n", "e"])], options: [.flag("isNormalized", true)]
    ) {
        try requireShape($0["inputs"], [nil, nil], "inputs", "topologicalSignature")
        return try topologicalSignature(inputs: $0["inputs"], embeddings: $0["embeddings"], isNormalized: $0.flag("isNormalized"))
    }
}
