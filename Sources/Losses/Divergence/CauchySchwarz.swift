import LossKitOps

/// `-|x_i - y_j|^2 / (2 sigma^2)`, the logarithms of Gaussian kernels of all pairs.
private func kernelLogarithms(_ x: Tensor, _ y: Tensor, _ sigma: Double) throws -> Tensor {
    try pairwiseDistance(x.widened, y.widened, metric: .squaredEuclidean) * (-0.5 / (sigma * sigma))
}

private func requireSigma(_ sigma: Double, _ operation: String) throws {
    try require(sigma > 0 && sigma.isFinite, operation, "sigma > 0", sigma)
}

/// Cauchy-Schwarz divergence of the kernel density estimates of two sets of samples.
///
/// With Gaussian kernels k: `log mean_ij k(x_i, x_j) + log mean_ij k(y_i, y_j) - 2 log mean_ij k(x_i, y_j)`: symmetric, at least 0, and 0
/// for equal sets. Formed in logarithms, so that far sets do not underflow. Gradient through all kernels.
///
/// - Parameters:
///   - x: [n, d], floating point, n >= 1.
///   - y: [m, d], m >= 1.
///   - sigma: The kernels' deviation, above 0.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Yu et al., Cauchy-Schwarz Divergence Information Bottleneck for Regression, 2024.
public func cauchySchwarz(x: Tensor, y: Tensor, sigma: Double = 1) throws -> Tensor {
    try requireShape(x, [nil, nil], "x", "cauchySchwarz")
    try requireShape(y, [nil, x.shape[1]], "y", "cauchySchwarz")
    try requireFloatingPoint(x, "cauchySchwarz")
    try requireSigma(sigma, "cauchySchwarz")
    try require(x.shape[0] > 0 && y.shape[0] > 0, "cauchySchwarz", "at least one sample of each", 0)
    func mean(_ a: Tensor, _ b: Tensor) throws -> Tensor {
        let logarithms = try kernelLogarithms(a, b, sigma)
        return try logarithms.logSumExp() - logarithms.constant(Double(logarithms.count)).log()
    }
    return try (mean(x, x) + mean(y, y) - mean(x, y) * 2).asType(x.dtype)
}

/// Cauchy-Schwarz quadratic mutual information of two paired sets of samples.
///
/// With Gram matrices K of x and Q of t: `log(sum(K Q) / n^2) + log(sum(K) sum(Q) / n^4) - 2 log(sum_i (K 1)_i (Q 1)_i / n^3)`, at least 0
/// and 0 where t is constant. Gradient `dI/dt_i = -2 / sigma^2 sum_j G_ij Q_ij (t_i - t_j)` with
/// `G_ij = K_ij / <K, Q> + 1 / sum Q - ((K 1)_i + (K 1)_j) / <K 1, Q 1>`.
///
/// - Parameters:
///   - x: [n, d], floating point, n >= 1.
///   - t: [n, e].
///   - sigma: The kernels' deviation, above 0; 1 for standardised features.
///   - isNormalized: Whether it is over the root of `I(x, x) I(t, t)`.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Natural logarithms; the authors' are of base 2. Yu et al., Cauchy-Schwarz Divergence Information Bottleneck for Regression,
///   2024.
public func cauchySchwarzInformation(x: Tensor, t: Tensor, sigma: Double = 1, isNormalized: Bool = false) throws -> Tensor {
    try requireShape(x, [nil, nil], "x", "cauchySchwarzInformation")
    try requireShape(t, [x.shape[0], nil], "t", "cauchySchwarzInformation")
    try requireFloatingPoint(x, "cauchySchwarzInformation")
    try requireSigma(sigma, "cauchySchwarzInformation")
    try require(x.shape[0] > 0, "cauchySchwarzInformation", "at least one sample", 0)
    // Less 1, and so exact where all samples are near one another. Every row holds a 1, so that no mean vanishes.
    let (k, q) = (try kernelLogarithms(x, x, sigma).expm1(), try kernelLogarithms(t, t, sigma).expm1())
    // log (<K, Q> k q / <K 1, Q 1>^2) of means k and q, by what the products exceed k q: in the logarithms themselves it would cancel.
    func information(_ a: Tensor, _ b: Tensor) throws -> Tensor {
        func centred(_ values: Tensor) throws -> Tensor { try values - values.mean() }
        let means = try (a.mean() + 1) * (b.mean() + 1)
        let pairs = try (centred(a) * centred(b)).mean()
        let rows = try (centred(a.mean(axes: [1])) * centred(b.mean(axes: [1]))).mean()
        return (pairs / means).log1p() - (rows / means).log1p() * 2
    }
    let value = try information(k, q)
    guard isNormalized else { return value.asType(x.dtype) }
    return try (value / (information(k, k) * information(q, q)).squareRoot()).asType(x.dtype)
}

/// Conditional Cauchy-Schwarz divergence of predictions from targets, given inputs.
///
/// With kernels K of inputs x, L of targets, P of predictions, C of targets with predictions and weights `w_j`:
/// `log sum_j (K L)_j / w_j + log sum_j (K P)_j / w_j - 2 log sum_j (K C)_j / w_j`, `(K L)_j = sum_i K_ji L_ji`; 0 where predictions are
/// the targets. Weights are `(sum_i K_ji)^2`.
///
/// - Parameters:
///   - x: [n, d], floating point, n >= 1.
///   - targets: [n, e].
///   - predictions: [n, e].
///   - sigma: The kernels' deviation, above 0.
///   - sumsSquares: Whether weights are `sum_i K_ji^2`, as in the authors' code, rather than the paper's.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: The bottleneck's loss adds beta times ``cauchySchwarzInformation(x:t:sigma:isNormalized:)`` of x and its code. Yu et al.,
///   Cauchy-Schwarz Divergence Information Bottleneck for Regression, 2024.
public func conditionalCauchySchwarz(
    x: Tensor, targets: Tensor, predictions: Tensor, sigma: Double = 1, sumsSquares: Bool = false
) throws -> Tensor {
    let operation = "conditionalCauchySchwarz"
    try requireShape(x, [nil, nil], "x", operation)
    try requireShape(targets, [x.shape[0], nil], "targets", operation)
    _ = try residual(predictions, targets, operation)
    try requireFloatingPoint(x, operation)
    try requireSigma(sigma, operation)
    try require(x.shape[0] > 0, operation, "at least one sample", 0)
    let k = try kernelLogarithms(x, x, sigma)
    let weights = sumsSquares ? try (k * 2).logSumExp(axes: [1]) : try k.logSumExp(axes: [1]) * 2
    func term(_ a: Tensor, _ b: Tensor) throws -> Tensor {
        try ((k + kernelLogarithms(a, b, sigma)).logSumExp(axes: [1]) - weights).logSumExp()
    }
    let value = try term(targets, targets) + term(predictions, predictions) - term(targets, predictions) * 2
    return value.asType(predictions.dtype)
}

extension LossDescription {
    private static let bottleneck = "Yu et al., Cauchy-Schwarz Divergence Information Bottleneck for Regression, 2024"
    private static let bottleneckRow = ["cauchy-schwarz-divergence-information-bottleneck-for-regression"]

    static let cauchySchwarzLoss = LossDescription(
        "cauchySchwarz", .divergence, "Cauchy-Schwarz divergence of two sets of samples", reference: bottleneck,
        inputs: [.init("x", ["n", "d"]), .init("y", ["m", "d"])], options: [.number("sigma", 1)], catalogue: bottleneckRow
    ) { try cauchySchwarz(x: $0["x"], y: $0["y"], sigma: $0.number("sigma")) }

    static let cauchySchwarzInformationLoss = LossDescription(
        "cauchySchwarzInformation", .divergence, "Cauchy-Schwarz quadratic mutual information of paired samples", reference: bottleneck,
        inputs: [.init("x", ["n", "d"]), .init("t", ["n", "e"])], options: [.number("sigma", 1), .flag("isNormalized", false)],
        catalogue: bottleneckRow
    ) {
        try cauchySchwarzInformation(
            x: $0["x"], t: $0["t"], sigma: $0.number("sigma"), isNormalized: $0.flag("isNormalized"))
    }

    static let conditionalCauchySchwarzLoss = LossDescription(
        "conditionalCauchySchwarz", .divergence, "Cauchy-Schwarz divergence of predictions from targets, given inputs",
        reference: bottleneck,
        inputs: [.init("x", ["n", "d"]), .init("targets", ["n", "e"]), .init("predictions", ["n", "e"])],
        options: [.number("sigma", 1), .flag("sumsSquares", false)], catalogue: bottleneckRow
    ) {
        try conditionalCauchySchwarz(
            x: $0["x"], targets: $0["targets"], predictions: $0["predictions"], sigma: $0.number("sigma"),
            sumsSquares: $0.flag("sumsSquares"))
    }
}
