import LossKitOps

// The Poincare ball of curvature -c: points within radius 1 / sqrt(c).

/// Features [..., d] clipped to a norm and mapped from the tangent space at 0 into the ball: `tanh(sqrt(c) |x|) x / (sqrt(c) |x|)`,
/// at most `(1 - 1e-5) / sqrt(c)` from its middle.
///
/// - Parameters:
///   - features: [..., d], floating point.
///   - curvature: c, above 0.
///   - clip: The largest norm that features keep, above 0; nil keeps all.
/// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)``, ``TensorError/dtypeMismatch(operation:expected:actual:)``.
/// - Note: Ganea, Becigneul and Hofmann, Hyperbolic Neural Networks, 2018; clipping: Guo et al., Clipped Hyperbolic Classifiers, 2022.
public func poincarePoints(features: Tensor, curvature: Double = 1, clip: Double? = nil) throws -> Tensor {
    try requireFloatingPoint(features, "poincarePoints")
    try require(features.rank > 0, "poincarePoints", "features [..., d]", features.shape)
    try require(curvature > 0 && curvature.isFinite, "poincarePoints", "curvature > 0", curvature)
    try require(clip.map { $0 > 0 } ?? true, "poincarePoints", "clip > 0", clip ?? 0)
    let x = features.inArithmetic()
    let norm = try x.length(axes: [-1], keepDimensions: true)
    let clipped = clip.map { x * ($0 / norm.clamped(min: $0)) } ?? x
    let length = (clip.map { norm.clamped(max: $0) } ?? norm) * curvature.squareRoot()
    let held = length.clamped(min: 1e-7)
    return clipped * (held.tanh().clamped(max: 1 - 1e-5) / held)
}

/// `-u (+) v`, the Moebius sum of points [..., d] that broadcast.
private func moebiusDifference(_ u: Tensor, _ v: Tensor, _ c: Double) throws -> Tensor {
    let product = try (u * v).sum(axes: [-1], keepDimensions: true) * -c
    let (first, second) = try (
        u.square().sum(axes: [-1], keepDimensions: true) * c, v.square().sum(axes: [-1], keepDimensions: true) * c
    )
    let numerator = (1 - first) * v - (product * 2 + 1 + second) * u
    return numerator / (product * 2 + 1 + first * second).clamped(min: 1e-15)
}

/// Geodesic distances [...] of points [..., d] of the ball: `2 / sqrt(c) artanh(sqrt(c) |-u (+) v|)`, the argument held below 1 - 1e-5.
///
/// Towards c = 0 it becomes `2 |u - v|`. Its derivative at distance 0 is 0.
///
/// - Parameters:
///   - u: [..., d], floating point, of norms below `1 / sqrt(c)`.
///   - v: The same shape.
///   - curvature: c, above 0.
///   - usesArctangent: Whether arctan stands for artanh, as in Hyp-OC's released code.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Ganea, Becigneul and Hofmann, Hyperbolic Neural Networks, 2018.
public func poincareDistance(_ u: Tensor, _ v: Tensor, curvature: Double = 1, usesArctangent: Bool = false) throws -> Tensor {
    _ = try residual(u, v, "poincareDistance")
    try require(u.rank > 0, "poincareDistance", "points [..., d]", u.shape)
    try require(curvature > 0 && curvature.isFinite, "poincareDistance", "curvature > 0", curvature)
    let root = curvature.squareRoot()
    let length = try moebiusDifference(u, v, curvature).length(axes: [-1]) * root
    return (usesArctangent ? length.atan() : length.clamped(max: 1 - 1e-5).atanh()) * (2 / root)
}

/// Logits [n, k] of points of the ball by their signed distances from hyperplanes (hyperbolic multinomial regression).
///
/// With `p = poincarePoints(offsets)`, `a = normals (1 - c |p|^2)`, `w = -p (+) x`, `lambda = 2 / (1 - c |p|^2)`:
/// `lambda |a| / sqrt(c) arsinh(2 sqrt(c) <w, a> / ((1 - c |w|^2) |a|))`. Towards c = 0: `4 <x - p, normals>`.
///
/// - Parameters:
///   - points: [n, d], floating point, in the ball.
///   - offsets: [k, d], in the tangent space at 0.
///   - normals: [k, d], not 0.
///   - curvature: c, above 0.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Ganea, Becigneul and Hofmann, Hyperbolic Neural Networks, 2018.
public func poincareLogits(points: Tensor, offsets: Tensor, normals: Tensor, curvature: Double = 1) throws -> Tensor {
    try requireShape(points, [nil, nil], "points", "poincareLogits")
    try requireFloatingPoint(points, "poincareLogits")
    try requireShape(offsets, [nil, points.shape[1]], "offsets", "poincareLogits")
    try requireEqualShapes(offsets, normals, "poincareLogits")
    let p = try poincarePoints(features: offsets, curvature: curvature)
    let root = curvature.squareRoot()
    let length = try normals.inArithmetic().norm(axes: [1]).clamped(min: 1e-15)
    let w = try moebiusDifference(p, points.inArithmetic().expandedDimensions(at: 1), curvature)
    let along = try (w * normals).sum(axes: [2]) / length
    let rest = try (1 - w.square().sum(axes: [2]) * curvature).clamped(min: 1e-7)
    // lambda |a| is 2 |normals|: the factors 1 - c |p|^2 cancel, and within the sine only a's direction counts.
    return (along * (2 * root) / rest).asinh() * length * (2 / root)
}
