import LossKitOps

/// The Hausdorff divergence of two weighted point clouds: the symmetric Bregman divergence of the Sinkhorn negentropy.
///
/// `H = <a, f_b - f_a> / 2 + <b, f_a - f_b> / 2`, f_a the symmetric potential of a with itself,
/// `f_a(x) = -epsilon log sum_i a_i exp((f_a(x_i) - C(x, x_i)) / epsilon)`; C = |x - y|^2 / 2 (power 2) or |x - y| (power 1). A soft, weighted
/// Hausdorff distance for small epsilon, a kernel's distance for large.
/// Gradient: through the potentials, by the implicit function theorem, for points and weights; once.
///
/// - Parameters:
///   - x: [n, d], finite.
///   - y: [m, d].
///   - a: [n], not negative; 1 / n each by default. Masses have to be equal.
///   - b: [m].
///   - epsilon: Above 0, in the cost's units.
///   - power: 1 or 2.
///   - tolerance: Stop at this L1 error of the marginals.
///   - maximumIterations: Stop at the latest here.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Costs between the clouds are held. Feydy and Trouve, Global Divergences between Measures: from Hausdorff Distance to Optimal
///   Transport, 2018.
public func hausdorffDivergence(
    _ x: Tensor, _ y: Tensor, a: Tensor? = nil, b: Tensor? = nil, epsilon: Double = 0.05, power: Int = 2, tolerance: Double = 1e-5,
    maximumIterations: Int = 1000
) throws -> Tensor {
    let operation = "hausdorffDivergence"
    guard try x.checked().rank == 2, try y.checked().rank == 2 else {
        throw TensorError.shapeMismatch(
            operation: operation, expected: "points [n, d] and [m, d], n and m above 0", actual: [x.shape, y.shape])
    }
    let points = try TransportCost.points(x, y, power: power).prepared(operation).inputs
    let weights = (
        x: try TransportCost.weights(a, lead: [], count: x.shape[0], like: x, operation),
        y: try TransportCost.weights(b, lead: [], count: y.shape[0], like: y, operation)
    )
    try EntropicProblem.checkBalance(weights, operation)
    var options = EntropicTransportOptions(tolerance: tolerance, maximumIterations: maximumIterations)
    options.gradient = .implicit
    /// The symmetric potential [1, n] of points [1, n, d] with themselves.
    func potential(_ points: Tensor, _ weights: Tensor) throws -> Tensor {
        let solution = try entropicTransport(
            .points(points, points, power: power), a: weights, b: weights, epsilon: epsilon, options: options)
        return (solution.potentials.x + solution.potentials.y) * 0.5
    }
    let own = (x: try potential(points[0], weights.x), y: try potential(points[1], weights.y))
    /// What a potential is at the other points.
    func extended(_ potential: Tensor, _ from: Tensor, _ mass: Tensor, to points: Tensor) throws -> Tensor {
        let costs = try TransportCost.points(points, from, power: power).matrix(rows: 0..<points.shape[1])
        // Points without mass have a log weight of -infinity, which has no derivative that counts.
        return try ((potential.expandedDimensions(at: 1) - costs) / epsilon + mass.log().expandedDimensions(at: 1))
            .logSumExp(axes: [2]) * -epsilon
    }
    let ofX = try (weights.x * (extended(own.y, points[1], weights.y, to: points[0]) - own.x)).sum()
    let ofY = try (weights.y * (extended(own.x, points[0], weights.x, to: points[1]) - own.y)).sum()
    return try ((ofX + ofY) * 0.5).asType(Tensor.commonSample(x, y).dtype)
}

extension LossDescription {
    static let hausdorffDivergenceLoss = LossDescription(
        "hausdorffDivergence", .transport, "Symmetric Bregman divergence of the Sinkhorn negentropy between weighted point clouds",
        reference: "Feydy and Trouve, Global Divergences between Measures: from Hausdorff Distance to Optimal Transport, 2018",
        inputs: [
            .init("x", ["n", "d"]), .init("y", ["m", "d"]), .init("a", ["n"], .probabilities, isOptional: true),
            .init("b", ["m"], .probabilities, isOptional: true),
        ],
        options: [.number("epsilon", 0.05), .integer("power", 2), .number("tolerance", 1e-5), .integer("maximumIterations", 1000)]
    ) {
        try hausdorffDivergence(
            $0["x"], $0["y"], a: $0.optional("a"), b: $0.optional("b"), epsilon: $0.number("epsilon"), power: $0.integer("power"),
            tolerance: $0.number("tolerance"), maximumIterations: $0.integer("maximumIterations"))
    }
}
