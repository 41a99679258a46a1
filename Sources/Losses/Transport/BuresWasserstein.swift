import LossKitOps

/// The Bures-Wasserstein distance between covariance matrices, squared: optimal transport between Gaussians of equal means.
///
/// `B^2(S, T) = tr S + tr T - 2 tr((T^(1/2) S T^(1/2))^(1/2))`, with `smoothing I` added to S.
/// Gradient: I - A for S, with A the matrix of the transport map of N(0, S) to N(0, T); that for T the other way round. Where S or T is
/// singular the part in its kernel, which would be infinite, is taken as 0. Twice differentiable.
///
/// - Parameters:
///   - covariances: S [..., n, n], of which the symmetric part counts; eigenvalues below 0 count as 0.
///   - targets: T, the same shape.
///   - smoothing: At least 0: keeps the Hessian of S = W W^T finite where W loses rank.
///   - reduction: Over matrices.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: On the host in float64, roots by LAPACK: values below 1e-15 of the traces are noise, of singular matrices below 1e-7.
///   Brechet et al., Critical Points and Convergence Analysis of Generative Deep Linear Networks Trained with Bures-Wasserstein Loss, 2023;
///   Bhatia, Jain and Lim, On the Bures-Wasserstein Distance between Positive Definite Matrices, 2019.
public func buresWasserstein(
    covariances: Tensor, targets: Tensor, smoothing: Double = 0, reduction: Reduction = .mean
) throws -> Tensor {
    try requireEqualShapes(covariances, targets, "buresWasserstein")
    guard covariances.rank >= 2, covariances.shape[covariances.rank - 1] == covariances.shape[covariances.rank - 2] else {
        throw TensorError.shapeMismatch(operation: "buresWasserstein", expected: "matrices [..., n, n]", actual: [covariances.shape])
    }
    try require(smoothing >= 0 && smoothing.isFinite, "buresWasserstein", "a finite smoothing of at least 0", smoothing)
    // Traces of near matrices cancel, and the roots are the host's in any case: there is float64 there on every device.
    func symmetric(_ matrices: Tensor) throws -> Tensor {
        let matrices = try matrices.to(.cpu).asType(.float64)
        return try (matrices + matrices.swappingAxes(-1, -2)) * 0.5
    }
    let (target, given) = (try symmetric(targets), try symmetric(covariances))
    let n = covariances.shape[covariances.rank - 1]
    let smoothed = smoothing == 0 ? given : try given + Tensor.eye(n, dtype: given.dtype, on: given.device) * smoothing
    let root = try matrixSquareRoot(target)
    let overlap = try matrixSquareRoot(root.matmul(smoothed).matmul(root)).trace()
    let sample = try Tensor.commonSample(covariances, targets)
    return try reduction(smoothed.trace() + target.trace() - overlap * 2).asType(sample.dtype).to(sample.device)
}

extension LossDescription {
    static let buresWassersteinLoss = LossDescription(
        "buresWasserstein", .transport, "Optimal transport between Gaussians, by their covariance matrices",
        reference:
            "Brechet et al., Critical Points and Convergence Analysis of Generative Deep Linear Networks Trained with Bures-Wasserstein Loss, 2023",
        inputs: [.init("covariances", ["n", "d", "d"]), .init("targets", ["n", "d", "d"])], options: [.number("smoothing", 0), .reduction],
        catalogue: ["critical-points-and-convergence-analysis-of-generative-deep-linear"]
    ) {
        try buresWasserstein(
            covariances: $0["covariances"], targets: $0["targets"], smoothing: $0.number("smoothing"), reduction: $0.reduction())
    }
}
