import LossKitOps

/// How ``dispersive(embeddings:form:temperature:margin:)`` spreads embeddings.
public enum DispersiveForm: String, Sendable, CaseIterable {
    /// `log mean_ij exp(-|z_i - z_j|^2 / temperature)`.
    case infoNCE
    /// The same with `1 - cos(z_i, z_j)`, up to the paper's constant, for the squared distance.
    case cosine
    /// `mean_ij max(0, margin - |z_i - z_j|^2)^2`.
    case hinge
    /// `sum_{i != j} Cov_ij^2` of unit rows.
    case covariance
}

/// Dispersive loss: a regulariser that spreads a batch of representations, without pairs of views.
///
/// The mean is over all ordered pairs, those of a row with itself included: equal embeddings give 0, far ones `-log n`, in the first forms.
/// Gradient of the first `-4 / temperature sum_j W_ij (z_i - z_j)`, W the pairs' softmax.
///
/// - Parameters:
///   - embeddings: [n, d], floating point: flattened activations of one block.
///   - form: How they spread.
///   - temperature: Above 0. The authors' code divides squared distances by d, too: a temperature of d does that.
///   - margin: Of the hinge.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: O(n d) memory. The default temperature is the paper's as recalled, not confirmed. Wang and He, Diffuse and Disperse: Image
///   Generation with Representation Regularization, 2025.
public func dispersive(
    embeddings: Tensor, form: DispersiveForm = .infoNCE, temperature: Double = 0.5, margin: Double = 1
) throws -> Tensor {
    try requireViews(embeddings, embeddings, rows: 1, "dispersive")
    try require(temperature > 0, "dispersive", "temperature > 0", temperature)
    let z = embeddings.inArithmetic()
    let n = z.shape[0]
    let pairs = try z.constant(Double(n)).log() * 2
    let blocks = RowBlocks(rows: n, columns: n, beside: z)
    let value: Tensor
    switch form {
    case .infoNCE:
        value =
            try blocks.joined([z], [z]) { _, rows, columns in
                try (pairwiseDistance(rows[0], columns[0], metric: .squaredEuclidean) * (-1 / temperature)).logSumExp(axes: [1])
            }.logSumExp() - pairs
    case .cosine:
        let unit = try z.unitRows()
        value =
            try blocks.joined([unit], [unit]) { _, rows, columns in
                try ((rows[0].matmul(columns[0].transposed()) - 1) / temperature).logSumExp(axes: [1])
            }.logSumExp() - pairs
    case .hinge:
        value = try blocks.joined([z], [z]) { _, rows, columns in
            try (margin - pairwiseDistance(rows[0], columns[0], metric: .squaredEuclidean)).relu().square().mean(axes: [1])
        }.mean()
    case .covariance:
        let centred = try z.unitRows().centredColumns()
        let covariance = try centred.swappingAxes(0, 1).matmul(centred) / Swift.max(1, Double(z.shape[0] - 1))
        value = try covariance.offDiagonalSquares()
    }
    return value.asType(embeddings.dtype)
}

extension LossDescription {
    static let dispersiveLoss = LossDescription(
        "dispersive", .selfSupervised, "A batch of representations spreads, without pairs of views",
        reference: "Wang and He, Diffuse and Disperse: Image Generation with Representation Regularization, 2025",
        inputs: [.init("embeddings", ["n", "d"])],
        options: [.choice("form", DispersiveForm.infoNCE), .number("temperature", 0.5), .number("margin", 1)],
        catalogue: ["diffuse-and-disperse-image-generation-with-representation-regularization"]
    ) {
        try dispersive(
            embeddings: $0["embeddings"], form: $0.choice("form"), temperature: $0.number("temperature"), margin: $0.number("margin"))
    }
}
