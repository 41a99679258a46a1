import LossKitOps

/// `-|x_i - y_j|^2 / (2 sigma^2)`, the logarithms of Gaussian kernels of all pairs of a block of rows with all columns.
private func kernelLogarithms(_ x: Tensor, _ y: Tensor, _ sigma: Double) throws -> Tensor {
    try pairwiseDistance(x.inArithmetic(), y.inArithmetic(), metric: .squaredEuclidean) * (-0.5 / (sigma * sigma))
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
/// - Note: O(n + m) memory. Yu et al., Cauchy-Schwarz Divergence Information Bottleneck for Regression, 2024.
public func cauchySchwarz(x: Tensor, y: Tensor, sigma: Double = 1) throws -> Tensor {
    try requireShape(x, [nil, nil], "x", "cauchySchwarz")
    try requireShape(y, [nil, x.shape[1]], "y", "cauchySchwarz")
    try requireFloatingPoint(x, "cauchySchwarz")
    try requireSigma(sigma, "cauchySchwarz")
    try require(x.shape[0] > 0 && y.shape[0] > 0, "cauchySchwarz", "at least one sample of each", 0)
    func mean(_ a: Tensor, _ b: Tensor) throws -> Tensor {
        let sums = try RowBlocks(rows: a.shape[0], columns: b.shape[0], beside: a).joined([a], [b]) { _, rows, columns in
            try kernelLogarithms(rows[0], columns[0], sigma).logSumExp(axes: [1])
        }
        return try sums.logSumExp() - sums.constant(Double(a.shape[0] * b.shape[0])).log()
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
    let blocks = RowBlocks(rows: x.shape[0], columns: x.shape[0], beside: x)
    // Less 1, and so exact where all samples are near one another. Every row holds a 1, so that no mean vanishes.
    @Sendable func kernel(_ a: Tensor, _ b: Tensor) throws -> Tensor { try kernelLogarithms(a, b, sigma).expm1() }
    func rowMeans(_ points: Tensor) throws -> Tensor {
        try blocks.joined([points], [points]) { try kernel($1[0], $2[0]).mean(axes: [1]) }
    }
    // log (<K, Q> k q / <K 1, Q 1>^2) of means k and q, by what the products exceed k q: in the logarithms themselves it would cancel.
    func information(_ x: Tensor, _ a: Tensor, _ y: Tensor, _ b: Tensor) throws -> Tensor {
        let (k, q) = (try a.mean(), try b.mean())
        let pairs = try blocks.joined([x, y], [x, y, k, q]) { _, rows, columns in
            try ((kernel(rows[0], columns[0]) - columns[2]) * (kernel(rows[1], columns[1]) - columns[3])).mean(axes: [1])
        }.mean()
        let rows = try ((a - k) * (b - q)).mean()
        let means = (k + 1) * (q + 1)
        return (pairs / means).log1p() - (rows / means).log1p() * 2
    }
    let (k, q) = (try rowMeans(x), try rowMeans(t))
    let value = try information(x, k, t, q)
    guard isNormalized else { return value.asType(x.dtype) }
    return try (value / (information(x, k, x, k) * information(t, q, t, q)).squareRoot()).asType(x.dtype)
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
    let blocks = RowBlocks(rows: x.shape[0], columns: x.shape[0], beside: x)
    let sums = try blocks.joined([x], [x]) { try (kernelLogarithms($1[0], $2[0], sigma) * (sumsSquares ? 2 : 1)).logSumExp(axes: [1]) }
    let weights = sumsSquares ? sums : sums * 2
    func term(_ a: Tensor, _ b: Tensor) throws -> Tensor {
        let sums = try blocks.joined([x, a], [x, b]) { _, rows, columns in
            try (kernelLogarithms(rows[0], columns[0], sigma) + kernelLogarithms(rows[1], columns[1], sigma)).logSumExp(axes: [1])
        }
        return try (sums - weights).logSumExp()
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
