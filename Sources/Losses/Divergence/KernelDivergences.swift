import LossKitOps

/// Squared maximum mean discrepancy between two weighted sets of points, with Gaussian kernels.
///
/// `sum_ij a_i a_j k(x_i, x_j) + sum_ij b_i b_j k(y_i, y_j) - 2 sum_ij a_i b_j k(x_i, y_j)`,
/// k the mean of `exp(-|x - y|^2 / (2 bandwidth^2))` over the bandwidths. Gradient for points and weights.
///
/// - Parameters:
///   - x: [n, d].
///   - y: [m, d].
///   - a: [n]; 1 / n each by default.
///   - b: [m]; 1 / m each by default.
///   - bandwidths: One or several, each above 0.
///   - isUnbiased: Whether a point is not compared with itself, and each set's sum divided by `1 - sum a^2`: the unbiased estimate, which
///     can be negative. It needs two points in either set.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: O(n + m) memory. Gretton et al., A Kernel Two-Sample Test, 2012.
public func gaussianMMD(
    _ x: Tensor, _ y: Tensor, a: Tensor? = nil, b: Tensor? = nil, bandwidths: [Double] = [1], isUnbiased: Bool = false
) throws -> Tensor {
    try require(!bandwidths.isEmpty && bandwidths.allSatisfy { $0 > 0 && $0 < .infinity }, "gaussianMMD", "bandwidths > 0", bandwidths)
    return try kernelDiscrepancy("gaussianMMD", x, y, a, b, isUnbiased: isUnbiased, diagonal: 1) { x, y in
        let kernels = bandwidths.map { KernelFunction.gaussian(bandwidth: $0)(x, y) }
        return kernels.dropFirst().reduce(kernels[0]) { $0 + $1 } * (1 / Double(kernels.count))
    }
}

/// The energy distance between two weighted sets of points.
///
/// `2 sum_ij a_i b_j |x_i - y_j| - sum_ij a_i a_j |x_i - x_j| - sum_ij b_i b_j |y_i - y_j|`, the squared maximum mean discrepancy of the
/// kernel `-|x - y|`. Gradient for points and weights, 0 between equal points.
///
/// - Parameters:
///   - x: [n, d].
///   - y: [m, d].
///   - a: [n]; 1 / n each by default.
///   - b: [m]; 1 / m each by default.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: O(n + m) memory. Szekely and Rizzo, Energy Statistics: A Class of Statistics Based on Distances, 2013.
public func energyDistance(_ x: Tensor, _ y: Tensor, a: Tensor? = nil, b: Tensor? = nil) throws -> Tensor {
    try kernelDiscrepancy("energyDistance", x, y, a, b, isUnbiased: false, diagonal: 0) { KernelFunction.energy($0, $1) }
}

/// The Hilbert-Schmidt independence criterion of paired points with Gaussian kernels: 0 in the limit of many points where they are
/// independent.
///
/// `tr(K H L H) / (n - 1)^2` with `K_ij = exp(-|x_i - x_j|^2 / (2 bandwidth^2))`, L likewise for y and its bandwidth, and `H = I - 1 / n`.
///
/// - Parameters:
///   - x: [n, d], n at least 2.
///   - y: [n, e].
///   - bandwidth: Above 0.
///   - otherBandwidth: That of y.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: O(n) memory. Gretton et al., Measuring Statistical Dependence with Hilbert-Schmidt Norms, 2005.
public func hsic(_ x: Tensor, _ y: Tensor, bandwidth: Double = 1, otherBandwidth: Double = 1) throws -> Tensor {
    try require(bandwidth > 0 && bandwidth < .infinity, "hsic", "bandwidth > 0", bandwidth)
    try require(otherBandwidth > 0 && otherBandwidth < .infinity, "hsic", "otherBandwidth > 0", otherBandwidth)
    guard try x.checked().rank == 2, try y.checked().rank == 2, x.shape[0] == y.shape[0] else {
        throw TensorError.shapeMismatch(operation: "hsic", expected: "points [n, d] and [n, e]", actual: [x.shape, y.shape])
    }
    let n = Double(x.shape[0])
    try require(n > 1, "hsic", "at least 2 points", x.shape[0])
    let first = KernelFunction.gaussian(bandwidth: bandwidth)(.x(x), .y(x))
    let second = KernelFunction.gaussian(bandwidth: otherBandwidth)(.x(y), .y(y))
    let (rows, others) = (try first.sum(), try second.sum())
    // Of the rows' means, so that what is subtracted is small.
    let centred = try (others - others.mean()) * (1 / n)
    let (crossed, product): (Tensor, Tensor) = (rows * centred, try (first * second).sum())
    let expected: Tensor = try rows * others.mean() * (1 / n)
    return try (product - expected - crossed * 2).sum() * (1 / ((n - 1) * (n - 1)))
}

/// sum_ij a_i a_j k(x_i, x_j) + sum_ij b_i b_j k(y_i, y_j) - 2 sum_ij a_i b_j k(x_i, y_j).
///
/// - Parameter diagonal: The kernel of a point with itself.
private func kernelDiscrepancy(
    _ operation: String, _ x: Tensor, _ y: Tensor, _ a: Tensor?, _ b: Tensor?, isUnbiased: Bool, diagonal: Double,
    _ kernel: (Formula, Formula) -> Formula
) throws -> Tensor {
    guard try x.checked().rank == 2, try y.checked().rank == 2, x.shape[1] == y.shape[1] else {
        throw TensorError.shapeMismatch(operation: operation, expected: "points [n, d] and [m, d]", actual: [x.shape, y.shape])
    }
    try require(x.shape[0] > 0 && y.shape[0] > 0, operation, "at least one point in either set", min(x.shape[0], y.shape[0]))
    func masses(_ given: Tensor?, _ points: Tensor) throws -> Tensor {
        guard let given else { return try .full([points.shape[0]], 1 / Double(points.shape[0]), dtype: points.dtype, on: points.device) }
        guard try given.checked().shape == [points.shape[0]] else {
            throw TensorError.shapeMismatch(operation: operation, expected: "weights of shape [\(points.shape[0])]", actual: [given.shape])
        }
        return given
    }
    let (first, second) = (try masses(a, x), try masses(b, y))
    func mean(_ x: Tensor, _ p: Tensor, _ y: Tensor, _ q: Tensor) throws -> Tensor {
        try (p * (kernel(.x(x), .y(y)) * .y(q)).sum()).sum()
    }
    func within(_ x: Tensor, _ p: Tensor) throws -> Tensor {
        let all = try mean(x, p, x, p)
        guard isUnbiased else { return all }
        try require(x.shape[0] > 1, operation, "at least two points in either set", x.shape[0])
        let own = try p.square().sum()
        return (all - own * diagonal) / (1 - own)
    }
    return try within(x, first) + within(y, second) - 2 * mean(x, first, y, second)
}

extension LossDescription {
    private static let points: [Input] = [
        .init("x", ["n", "d"]), .init("y", ["m", "d"]), .init("a", ["n"], .probabilities, isOptional: true),
        .init("b", ["m"], .probabilities, isOptional: true),
    ]

    static let gaussianMMDLoss = LossDescription(
        "gaussianMMD", .divergence, "Squared maximum mean discrepancy of two point clouds with Gaussian kernels",
        reference: "Gretton et al., A Kernel Two-Sample Test, 2012", inputs: points,
        options: [.numbers("bandwidths", [1]), .flag("isUnbiased", false)]
    ) {
        try gaussianMMD(
            $0["x"], $0["y"], a: $0.optional("a"), b: $0.optional("b"), bandwidths: $0.numbers("bandwidths"),
            isUnbiased: $0.flag("isUnbiased"))
    }

    static let energyDistanceLoss = LossDescription(
        "energyDistance", .divergence, "Energy distance between weighted point clouds",
        reference: "Szekely and Rizzo, Energy Statistics: A Class of Statistics Based on Distances, 2013", inputs: points
    ) { try energyDistance($0["x"], $0["y"], a: $0.optional("a"), b: $0.optional("b")) }

    static let hsicLoss = LossDescription(
        "hsic", .divergence, "Hilbert-Schmidt independence criterion of paired points with Gaussian kernels",
        reference: "Gretton et al., Measuring Statistical Dependence with Hilbert-Schmidt Norms, 2005",
        inputs: [.init("x", ["n", "d"]), .init("y", ["n", "e"])], options: [.number("bandwidth", 1), .number("otherBandwidth", 1)]
    ) { try hsic($0["x"], $0["y"], bandwidth: $0.number("bandwidth"), otherBandwidth: $0.number("otherBandwidth")) }
}
