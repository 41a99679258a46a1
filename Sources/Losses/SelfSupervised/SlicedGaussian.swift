import LossKitOps

/// SIGReg: how far embeddings are from a standard normal distribution, along directions.
///
/// Along each direction the Epps-Pulley statistic `n sum_k w_k ((mean_i cos(t_k u_i) - exp(-t_k^2 / 2))^2 + (mean_i sin(t_k u_i))^2)` of
/// `u = z a`, with knots t evenly from 0 to `reach` and trapezoid weights w of the doubled half range times `exp(-t^2 / 2)`; then the mean
/// over directions and views. Gradient `2 w_k t_k (S_k cos(t_k u) - (C_k - phi_k) sin(t_k u))` summed over knots, back along directions.
///
/// - Parameters:
///   - embeddings: [v, n, d] or [n, d], floating point.
///   - directions: [d, s], unit columns, held still; see ``randomDirections(for:count:using:)``.
///   - knots: At least 2.
///   - reach: Above 0, the last knot.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Balestriero and LeCun, LeJEPA: Provable and Scalable Self-Supervised Learning Without the Heuristics, 2025.
public func slicedGaussian(embeddings: Tensor, directions: Tensor, knots: Int = 17, reach: Double = 3) throws -> Tensor {
    try requireFloatingPoint(embeddings, "slicedGaussian")
    try requireFloatingPoint(directions, "slicedGaussian")
    guard embeddings.rank == 2 || embeddings.rank == 3 else {
        throw TensorError.shapeMismatch(operation: "slicedGaussian", expected: "embeddings [v, n, d] or [n, d]", actual: [embeddings.shape])
    }
    try requireShape(directions, [embeddings.shape[embeddings.rank - 1], nil], "directions", "slicedGaussian")
    try require(knots >= 2, "slicedGaussian", "at least 2 knots", knots)
    try require(reach > 0 && reach.isFinite, "slicedGaussian", "reach > 0", reach)
    let z = embeddings.inArithmetic()
    let step = reach / Double(knots - 1)
    let t = try Tensor.linspace(0, reach, count: knots, dtype: z.dtype, on: z.device)
    let window = (t.square() * -0.5).exp()
    let isEnd = (t .== 0) .|| (t .>= reach * (1 - 1e-6))
    let weights = try Tensor.select(isEnd, t.constant(step), t.constant(2 * step)) * window
    // [..., n, s, knots]
    let angles = try z.matmul(stopGradient(directions).asType(z.dtype)).expandedDimensions(at: z.rank) * t
    let axis = z.rank - 2
    let gap = try (angles.cos().mean(axes: [axis]) - window).square() + angles.sin().mean(axes: [axis]).square()
    return try ((gap * weights).sum(axes: [-1]).mean() * Double(z.shape[axis])).asType(embeddings.dtype)
}

/// LeJEPA's loss: views of one sample agree, and embeddings are normal.
///
/// `lambda slicedGaussian + (1 - lambda) mean (z_v - mean_v z_v)^2`.
///
/// - Parameters:
///   - embeddings: [v, n, d], floating point.
///   - directions: [d, s], as for ``slicedGaussian(embeddings:directions:knots:reach:)``.
///   - lambda: In 0...1.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Balestriero and LeCun, LeJEPA: Provable and Scalable Self-Supervised Learning Without the Heuristics, 2025.
public func leJEPA(embeddings: Tensor, directions: Tensor, lambda: Double = 0.02) throws -> Tensor {
    try requireShape(embeddings, [nil, nil, nil], "embeddings", "leJEPA")
    try requireFloatingPoint(embeddings, "leJEPA")
    try require((0...1).contains(lambda), "leJEPA", "lambda in 0...1", lambda)
    let z = embeddings.inArithmetic()
    let apart = try (z - z.mean(axes: [0], keepDimensions: true)).square().mean()
    return try (slicedGaussian(embeddings: z, directions: directions) * lambda + apart * (1 - lambda)).asType(embeddings.dtype)
}

/// Unit directions [d, count] for embeddings [..., d], on their device, evenly spread over the sphere.
///
/// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for a negative count or embeddings without axes.
public func randomDirections(for embeddings: Tensor, count: Int, using generator: inout Philox) throws -> Tensor {
    try require(embeddings.checked().rank > 0, "randomDirections", "embeddings [..., d]", embeddings.shape)
    let drawn = try Tensor.normal([embeddings.shape[embeddings.rank - 1], count], using: &generator, on: embeddings.device)
    return try drawn / drawn.norm(axes: [0], keepDimensions: true).clamped(min: 1e-12)
}

extension LossDescription {
    static let slicedGaussianLoss = LossDescription(
        "slicedGaussian", .selfSupervised, "SIGReg: embeddings are normal along random directions",
        reference: "Balestriero and LeCun, LeJEPA, 2025",
        inputs: [.init("embeddings", ["e", "n", "d"]), .init("directions", ["d", "m"], .real(-1...1), isDifferentiable: false)],
        options: [.integer("knots", 17), .number("reach", 3)],
        catalogue: ["lejepa-provable-and-scalable-self-supervised-learning-without-the"]
    ) {
        try slicedGaussian(
            embeddings: $0["embeddings"], directions: $0["directions"], knots: $0.integer("knots"), reach: $0.number("reach"))
    }

    static let leJEPALoss = LossDescription(
        "leJEPA", .selfSupervised, "Views agree and embeddings are normal",
        reference: "Balestriero and LeCun, LeJEPA: Provable and Scalable Self-Supervised Learning Without the Heuristics, 2025",
        inputs: [.init("embeddings", ["e", "n", "d"]), .init("directions", ["d", "m"], .real(-1...1), isDifferentiable: false)],
        options: [.number("lambda", 0.02)], catalogue: ["lejepa-provable-and-scalable-self-supervised-learning-without-the"]
    ) { try leJEPA(embeddings: $0["embeddings"], directions: $0["directions"], lambda: $0.number("lambda")) }
}
