import LossKitOps

/// The sliced Wasserstein distance between weighted point clouds, to the power p: the mean of exact ones along random directions.
///
/// `SW_p^p = mean over directions u of W_p^p(<x, u>, <y, u>)`; POT's `sliced_wasserstein_distance` is its root of order p.
/// Gradient: that of the plans on the lines, with respect to points and weights. Twice differentiable.
///
/// - Parameters:
///   - x: [n, d].
///   - y: [m, d].
///   - a: [n], not negative; equal by default. Normalised to sum 1; both sides' sums must agree to 1 %.
///   - b: [m].
///   - p: At least 1 and finite.
///   - projections: How many directions, above 0.
///   - seed: Of the directions: equal seeds give equal directions on every device.
/// - Throws: As ``wasserstein1D(_:_:a:b:p:reduction:)``.
/// - Note: Bonneel et al., Sliced and Radon Wasserstein Barycenters of Measures, 2015.
public func slicedWasserstein(
    _ x: Tensor, _ y: Tensor, a: Tensor? = nil, b: Tensor? = nil, p: Double = 2, projections: Int = 50, seed: Int = 0
) throws -> Tensor {
    let directions = try Slices.directions(projections, of: x, seed: seed, "slicedWasserstein")
    return try slicedWasserstein(x, y, a: a, b: b, p: p, directions: directions)
}

/// ``slicedWasserstein(_:_:a:b:p:projections:seed:)`` along given directions [k, d], which no derivative is carried to.
public func slicedWasserstein(
    _ x: Tensor, _ y: Tensor, a: Tensor? = nil, b: Tensor? = nil, p: Double = 2, directions: Tensor
) throws -> Tensor {
    let slices = try Slices(x, y, a: a, b: b, p: p, "slicedWasserstein")
    return try slices.distances(along: directions).mean().asType(slices.sample.dtype)
}

/// The largest Wasserstein distance of two weighted point clouds along a direction, to the power p.
///
/// `max over directions u of W_p^p(<x, u>, <y, u>)`, sought among random directions and from the best of them by steps of ascent that are
/// kept
/// where they help: at least POT's `max_sliced_wasserstein_distance`, to the power p, of as many directions.
/// Gradient: that of the plan along the direction found, with respect to points and weights.
///
/// - Parameters:
///   - x: [n, d].
///   - y: [m, d].
///   - a: [n], not negative; equal by default. Normalised to sum 1; both sides' sums must agree to 1 %.
///   - b: [m].
///   - p: At least 1 and finite.
///   - projections: How many directions to begin with, above 0.
///   - refinements: Steps of ascent, not negative.
///   - seed: Of the directions.
/// - Throws: As ``wasserstein1D(_:_:a:b:p:reduction:)``.
/// - Note: Deshpande et al., Max-Sliced Wasserstein Distance and its Use for GANs, 2019.
public func maxSlicedWasserstein(
    _ x: Tensor, _ y: Tensor, a: Tensor? = nil, b: Tensor? = nil, p: Double = 2, projections: Int = 50, refinements: Int = 10, seed: Int = 0
) throws -> Tensor {
    let operation = "maxSlicedWasserstein"
    try require(refinements >= 0, operation, "refinements of at least 0", refinements)
    let directions = try Slices.directions(projections, of: x, seed: seed, operation)
    let slices = try Slices(x, y, a: a, b: b, p: p, operation)
    let held = try Slices(stopGradient(x), stopGradient(y), a: a.map(stopGradient), b: b.map(stopGradient), p: p, operation)
    let values = try held.distances(along: directions)
    var best = try directions.rows(at: values.argMax(axis: 0, keepDimensions: true)).evaluated()
    var largest = try values.max().scalar()
    var candidate = best
    for _ in 0..<refinements {
        // To the gradient's direction, which for p = 2 is a step of the power method.
        let slope = try gradient(at: candidate) { try held.distances(along: $0).sum() }
        candidate = try Slices.normalized(slope).evaluated()
        let value = try held.distances(along: candidate).scalar()
        guard value.isFinite else { break }
        if value > largest { (best, largest) = (candidate, value) }
    }
    return try slices.distances(along: best).sum().asType(slices.sample.dtype)
}

/// The spherical sliced Wasserstein distance between weighted points on a sphere, to the power p: the mean of exact ones on random great
/// circles.
///
/// A point goes to the nearest one of a circle; lengths are in turns, so a circle's length is 1, as in POT's `sliced_wasserstein_sphere`,
/// which is
/// the root of order p.
/// Gradient: that of the plans on the circles, with respect to points and weights. Twice differentiable.
///
/// - Parameters:
///   - x: [n, d], d at least 2; other points than the origin, whose length does not matter.
///   - y: [m, d].
///   - a: [n], not negative; equal by default. Normalised to sum 1; both sides' sums must agree to 1 %.
///   - b: [m].
///   - p: At least 1 and finite.
///   - projections: How many circles, above 0.
///   - seed: Of the circles.
/// - Throws: As ``wasserstein1D(_:_:a:b:p:reduction:)``.
/// - Note: Bonet et al., Spherical Sliced-Wasserstein, 2023.
public func sphericalSlicedWasserstein(
    _ x: Tensor, _ y: Tensor, a: Tensor? = nil, b: Tensor? = nil, p: Double = 2, projections: Int = 50, seed: Int = 0
) throws -> Tensor {
    let first = try Slices.directions(projections, of: x, seed: seed, "sphericalSlicedWasserstein")
    let other = try Slices.directions(projections, of: x, seed: ~seed, "sphericalSlicedWasserstein")
    let second = try Slices.normalized(other - first * (first * other).sum(axes: [1], keepDimensions: true))
    return try sphericalSlicedWasserstein(x, y, a: a, b: b, p: p, circles: Tensor.stack([first, second], axis: 1))
}

/// ``sphericalSlicedWasserstein(_:_:a:b:p:projections:seed:)`` on given circles [k, 2, d], each the plane of two orthonormal vectors.
public func sphericalSlicedWasserstein(
    _ x: Tensor, _ y: Tensor, a: Tensor? = nil, b: Tensor? = nil, p: Double = 2, circles: Tensor
) throws -> Tensor {
    let operation = "sphericalSlicedWasserstein"
    let slices = try Slices(x, y, a: a, b: b, p: p, operation)
    guard try circles.checked().rank == 3, circles.shape[1] == 2, circles.shape[2] == x.shape[1], circles.shape[0] > 0, x.shape[1] > 1
    else {
        throw TensorError.shapeMismatch(
            operation: operation, expected: "circles [k, 2, d] for points [n, d], d at least 2", actual: [circles.shape, x.shape])
    }
    return try slices.distances(on: circles).mean().asType(slices.sample.dtype)
}

/// Two weighted point clouds to be looked at along lines and circles.
struct Slices: Sendable {
    let x: Tensor
    let y: Tensor
    let a: Tensor?
    let b: Tensor?
    let p: Double
    let operation: String
    /// A number of the type that both clouds' promote to.
    let sample: Tensor

    init(_ x: Tensor, _ y: Tensor, a: Tensor?, b: Tensor?, p: Double, _ operation: String) throws {
        guard try x.checked().rank == 2, try y.checked().rank == 2, x.shape[1] == y.shape[1], x.shape[0] > 0, y.shape[0] > 0, x.shape[1] > 0
        else {
            throw TensorError.shapeMismatch(
                operation: operation, expected: "points [n, d] and [m, d], n, m and d above 0", actual: [x.shape, y.shape])
        }
        try require(p >= 1 && p.isFinite, operation, "a finite p of at least 1", p)
        sample = try Tensor.commonSample(x, y)
        self.x = x.asType(sample.dtype).inArithmetic()
        self.y = y.asType(sample.dtype).inArithmetic()
        (self.a, self.b, self.p, self.operation) = (a, b, p, operation)
    }

    /// W_p^p along each direction.
    func distances(along directions: Tensor) throws -> Tensor {
        guard try directions.checked().rank == 2, directions.shape[1] == x.shape[1], directions.shape[0] > 0 else {
            throw TensorError.shapeMismatch(
                operation: operation, expected: "directions [k, d] for points [n, d]", actual: [directions.shape, x.shape])
        }
        let lines = directions.asType(x.dtype)
        return try LinePair(
            lines.matmul(x.transposed()), lines.matmul(y.transposed()), a: a, b: b, operation: operation
        ).wasserstein(p)
    }

    /// W_p^p on each circle of length 1.
    func distances(on circles: Tensor) throws -> Tensor {
        func turns(_ points: Tensor) throws -> Tensor {
            let planes = try circles.asType(points.dtype).matmul(points.transposed())
            func coordinate(_ axis: Int) throws -> Tensor { try planes.slice(axis: 1, from: axis, to: axis + 1).squeezed(axes: [1]) }
            return try (-coordinate(1)).atan2(-coordinate(0)) / (2 * Double.pi) + 0.5
        }
        return try LinePair(turns(x), turns(y), a: a, b: b, operation: operation).circularWasserstein(p, period: 1)
    }

    static func normalized(_ rows: Tensor) throws -> Tensor { try rows / rows.norm(axes: [1], keepDimensions: true) }

    /// Unit vectors [count, d], evenly spread over the sphere.
    static func directions(_ count: Int, of points: Tensor, seed: Int, _ operation: String) throws -> Tensor {
        guard try points.checked().rank == 2 else {
            throw TensorError.shapeMismatch(operation: operation, expected: "points [n, d]", actual: [points.shape])
        }
        try require(count > 0, operation, "projections above 0", count)
        var generator = Philox(seed: UInt64(bitPattern: Int64(seed)))
        return try normalized(Tensor.normal([count, points.shape[1]], using: &generator, on: points.device)).evaluated()
    }
}
