import LossKitOps

/// What points are reduced to numbers by in ``generalizedSlicedWasserstein(_:_:a:b:p:slicing:degree:radius:projections:seed:)``.
public enum Slicing: String, Sendable, CaseIterable {
    /// `|x - radius u|` for random directions u.
    case circular
    /// `<u, monomials of x of the degree>` for random directions u of their space; an odd degree makes it a distance.
    case polynomial
}

/// The generalised sliced Wasserstein distance between weighted point clouds, to the power p: the mean of exact ones of nonlinear projections.
///
/// `GSW_p^p = mean over u of W_p^p(g(x, u), g(y, u))`, g as the slicing says.
/// Gradient: through the plans on the line, with respect to points and weights. Twice differentiable.
///
/// - Parameters:
///   - x: [n, d].
///   - y: [m, d].
///   - a: [n], not negative; equal by default. Normalised to sum 1; both sides' sums must agree to 1 %.
///   - b: [m].
///   - p: At least 1 and finite.
///   - slicing: The projections.
///   - degree: Of the monomials, 1 or more; 1 is ``slicedWasserstein(_:_:a:b:p:projections:seed:)``.
///   - radius: Of the circles' centres, above 0.
///   - projections: How many, above 0.
///   - seed: Of the directions.
/// - Throws: As ``wasserstein1D(_:_:a:b:p:reduction:)``.
/// - Note: Kolouri et al., Generalized Sliced Wasserstein Distances, 2019.
public func generalizedSlicedWasserstein(
    _ x: Tensor, _ y: Tensor, a: Tensor? = nil, b: Tensor? = nil, p: Double = 2, slicing: Slicing = .circular, degree: Int = 3,
    radius: Double = 1, projections: Int = 50, seed: Int = 0
) throws -> Tensor {
    let operation = "generalizedSlicedWasserstein"
    let slices = try Slices(x, y, a: a, b: b, p: p, operation)
    switch slicing {
    case .circular:
        try require(radius > 0 && radius.isFinite, operation, "a finite radius above 0", radius)
        let centres = try Slices.directions(projections, of: slices.x, seed: seed, operation) * radius
        func reduced(_ points: Tensor) throws -> Tensor { try pairwiseDistance(centres.asType(points.dtype), points, metric: .euclidean) }
        let lines = try LinePair(reduced(slices.x), reduced(slices.y), a: a, b: b, operation: operation)
        return try lines.wasserstein(p).mean().asType(slices.sample.dtype)
    case .polynomial:
        try require(degree > 0, operation, "a degree of at least 1", degree)
        let (u, v) = (try monomials(slices.x, degree), try monomials(slices.y, degree))
        return try slicedWasserstein(u, v, a: a, b: b, p: p, projections: projections, seed: seed).asType(slices.sample.dtype)
    }
}

/// All products of so many coordinates of each point, [n, monomials], in the order of their first, second and further factors.
private func monomials(_ points: Tensor, _ degree: Int) throws -> Tensor {
    let d = points.shape[1]
    // Those of one degree less that end in each coordinate, times the coordinates from it on.
    var groups = try (0..<d).map { try points.slice(axis: 1, from: $0, to: $0 + 1) }
    for _ in 1..<max(degree, 1) {
        groups = try (0..<d).map { last in
            try Tensor.concatenate(Array(groups[0...last]), axis: 1) * points.slice(axis: 1, from: last, to: last + 1)
        }
    }
    return try Tensor.concatenate(groups, axis: 1)
}

extension LossDescription {
    static let generalizedSlicedWassersteinLoss = LossDescription(
        "generalizedSlicedWasserstein", .transport, "Mean of exact optimal transport of nonlinear projections",
        reference: "Kolouri et al., Generalized Sliced Wasserstein Distances, 2019", inputs: cloudInputs,
        options: [
            .number("p", 2), .choice("slicing", Slicing.circular), .integer("degree", 3), .number("radius", 1), .integer("projections", 50),
            .integer("seed", 0),
        ]
    ) {
        try generalizedSlicedWasserstein(
            $0["x"], $0["y"], a: $0.optional("a"), b: $0.optional("b"), p: $0.number("p"), slicing: $0.choice("slicing"),
            degree: $0.integer("degree"), radius: $0.number("radius"), projections: $0.integer("projections"), seed: $0.integer("seed"))
    }
}
