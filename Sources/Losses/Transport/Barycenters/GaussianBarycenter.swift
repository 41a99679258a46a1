import LossKitOps

/// The Gaussian nearest to several Gaussians, and how it was found.
public struct GaussianBarycenter: Sendable {
    /// [d]; differentiable.
    public let mean: Tensor
    /// [d, d]; asking for its derivative is an error.
    public let covariance: Tensor
    /// Steps taken.
    public let iterations: Int
    /// The Frobenius norm of the last one, over that of the covariance.
    public let change: Double
    /// Whether that came down to the tolerance.
    public let isConverged: Bool
}

/// The Wasserstein barycentre of Gaussians: the mean of their means, with the covariance S of
/// `S = sum_k lambda_k (S^(1/2) S_k S^(1/2))^(1/2)`.
///
/// - Parameters:
///   - means: [k, d], finite.
///   - covariances: S_k [k, d, d], of which the symmetric part counts, positive definite.
///   - weights: lambda [k], not negative; 1 / k each by default; scaled to the sum 1.
///   - tolerance: Stop when a step changes the covariance by less of its norm.
///   - maximumIterations: Stop at the latest here.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: float64 on the processor. POT's `gaussian.bures_wasserstein_barycenter`. Alvarez-Esteban et al., A Fixed-Point Approach to
///   Barycenters in Wasserstein Space, 2016.
public func gaussianBarycenter(
    means: Tensor, covariances: Tensor, weights: Tensor? = nil, tolerance: Double = 1e-12, maximumIterations: Int = 1000
) throws -> GaussianBarycenter {
    let operation = "gaussianBarycenter"
    guard try means.checked().rank == 2, means.count > 0 else {
        throw TensorError.shapeMismatch(operation: operation, expected: "means [k, d], k and d above 0", actual: [means.shape])
    }
    let (k, d) = (means.shape[0], means.shape[1])
    try requireShape(covariances, [k, d, d], "covariances", operation)
    try require(maximumIterations > 0, operation, "maximumIterations > 0", maximumIterations)
    func exact(_ tensor: Tensor, _ name: String) throws -> Tensor {
        let exact = try stopGradient(tensor).to(.cpu).asType(.float64).evaluated()
        try requireAll(exact, operation, "finite \(name)") { $0.isFinite() }
        return exact
    }
    _ = try exact(means, "means")
    let given = try exact(covariances, "covariances")
    let all = try ((given + given.swappingAxes(-1, -2)) * 0.5).evaluated()
    try require(try eigh(all).values.min().scalar() > 0, operation, "covariances that are positive definite", "one that is not")
    let shares = try BarycenterProblem.shares(weights, count: k, like: means, operation)
    let lambda = try stopGradient(shares).to(.cpu).asType(.float64).reshaped([k, 1, 1])
    // Shares that were rounded would scale it.
    let even = try (lambda / lambda.sum()).evaluated()
    var covariance = try (all * even).sum(axes: [0]).evaluated()
    var (iterations, change) = (0, Double.infinity)
    while iterations < maximumIterations, change > tolerance {
        let root = try matrixSquareRoot(covariance).evaluated()
        let mean = try (matrixSquareRoot(root.matmul(all).matmul(root)) * even).sum(axes: [0])
        let back = try inverse(root).matmul(mean)
        let next = try back.matmul(back.transposed()).evaluated()
        change = try (next - covariance).norm().scalar() / next.norm().scalar()
        covariance = next
        iterations += 1
    }
    let symmetric = try (covariance + covariance.transposed()) * 0.5
    let held = Tensor.record(
        "gaussianBarycenter", inputs: [covariances], output: try symmetric.asType(covariances.dtype).to(covariances.device)
    ) { _ in
        throw TensorError.invalidArgument(
            operation: "gaussianBarycenter", expected: "a derivative of the mean", actual: "one of the covariance")
    }
    return GaussianBarycenter(
        mean: try (means * shares.asType(means.dtype)).sum(axes: [0]), covariance: held, iterations: iterations, change: change,
        isConverged: change <= tolerance)
}
