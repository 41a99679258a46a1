import LossKitOps

/// How ``clusterTargets(probabilities:form:)`` sharpens assignments.
public enum ClusterTargetForm: String, Sendable, CaseIterable {
    /// `p_ik / sqrt(sum_i p_ik)`, each row to the sum 1: DEPICT's, as published.
    case balanced
    /// `p_ik^2 / sum_i p_ik`, each row to the sum 1: DEC's, and DEPICT's released code.
    case sharpened
}

/// Self-training targets of soft cluster assignments, which use all clusters alike.
///
/// No derivative is carried through them. Recompute them once an epoch over the whole set.
///
/// - Parameters:
///   - probabilities: [n, k], floating point, rows of the sum 1.
///   - form: The published or the released form.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/dtypeMismatch(operation:expected:actual:)``.
/// - Note: Ghasedi Dizaji et al., Deep Clustering via Joint Convolutional Autoencoder Embedding and Relative Entropy Minimization, 2017;
///   Xie et al., Unsupervised Deep Embedding for Clustering Analysis, 2016.
public func clusterTargets(probabilities: Tensor, form: ClusterTargetForm = .balanced) throws -> Tensor {
    try requireViews(probabilities, probabilities, rows: 0, "clusterTargets")
    let p = stopGradient(probabilities).inArithmetic()
    let frequency = try p.sum(axes: [0]).clamped(min: 1e-30)
    let raw = form == .balanced ? p * frequency.reciprocalSquareRoot() : p.square() / frequency
    return try (raw / raw.sum(axes: [1], keepDimensions: true)).asType(probabilities.dtype)
}

/// DEPICT's clustering loss: corrupted inputs should be assigned as the balanced targets of clean ones are.
///
/// `-sum_k q_ik log softmax(z_i)_k`, q held still; gradient `softmax(z) - q`. The reconstruction terms are weighted mean squared errors by
/// layers: ``mse(predictions:targets:reduction:)``, 1 for the input and 0.1 for hidden layers.
///
/// - Parameters:
///   - logits: [n, k], floating point, of the corrupted pass.
///   - targets: [n, k], by ``clusterTargets(probabilities:form:)``.
///   - reduction: Over rows.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/dtypeMismatch(operation:expected:actual:)``.
/// - Note: Ghasedi Dizaji et al., Deep Clustering via Joint Convolutional Autoencoder Embedding and Relative Entropy Minimization, 2017.
public func clusterAssignment(logits: Tensor, targets: Tensor, reduction: Reduction = .mean) throws -> Tensor {
    try requireViews(logits, targets, rows: 0, "clusterAssignment")
    return try reduction(-(logits.inArithmetic().logSoftmax() * stopGradient(targets)).sum(axes: [1])).asType(logits.dtype)
}

extension LossDescription {
    static let clusterAssignmentLoss = LossDescription(
        "clusterAssignment", .selfSupervised, "DEPICT: corrupted inputs are assigned as clean ones",
        reference: "Ghasedi Dizaji et al., Deep Clustering via Joint Convolutional Autoencoder Embedding, 2017",
        inputs: [
            .init("logits", ["n", "classes"]), .init("targets", ["n", "classes"], .probabilities, isDifferentiable: false),
        ],
        options: [.reduction], catalogue: ["deep-clustering-via-joint-convolutional-autoencoder-embedding-and-relative"]
    ) { try clusterAssignment(logits: $0["logits"], targets: $0["targets"], reduction: $0.reduction()) }
}
