import LossKitOps

/// What points x [n, 3] of one time lack, as seen from each: the offsets [n, k, 3] of its neighbours.
private func offsets(_ points: Tensor, _ neighbours: Tensor) throws -> Tensor {
    try points.inArithmetic().take(neighbours, axis: 0) - points.inArithmetic().expandedDimensions(at: 1)
}

private func checkedNeighbours(_ given: Tensor, _ weights: Tensor, of points: Tensor, _ operation: String) throws -> Tensor {
    try requireShape(points, [nil, 3], "points", operation)
    try requireFloatingPoint(points, operation)
    try requireShape(given, [points.shape[0], nil], "neighbours", operation)
    let neighbours = try checkedClasses(given, shape: given.shape, below: points.shape[0], operation)
    try requireEqualShapes(neighbours, weights, operation)
    return neighbours
}

/// The turns [n, 4] from one time to another, `q conj(p)` of unit quaternions (w, x, y, z).
private func turns(_ q: Tensor, from p: Tensor) throws -> Tensor {
    let (a, b) = (try q.inArithmetic().unitRows(), try stopGradient(p).inArithmetic().unitRows())
    let (w, v) = (try a.slice(axis: 1, from: 0, to: 1), try a.slice(axis: 1, from: 1))
    let (s, u) = (try b.slice(axis: 1, from: 0, to: 1), try b.slice(axis: 1, from: 1) * -1)
    return try Tensor.concatenate([w * s - (v * u).sum(axes: [1], keepDimensions: true), w * u + s * v + cross(v, u)], axis: 1)
}

/// Local rigidity of moving points: neighbours keep their places in each point's own turned frame.
///
/// The mean over neighbours of `sqrt(w_ij |R_i^T (x_j - x_i) - (y_j - y_i)|^2 + 1e-20)`, y the points and R the turns since the step
/// before, which is held still.
///
/// - Parameters:
///   - points: [n, 3], floating point.
///   - previous: [n, 3], a step before.
///   - rotations: [n, 4], quaternions (w, x, y, z), of any norm but 0.
///   - previousRotations: [n, 4].
///   - neighbours: [n, k], integers.
///   - weights: [n, k], above 0; Dynamic 3D Gaussians has `exp(-2000 |x_i - x_j|^2)` of the first step.
///   - reduction: Over neighbours.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the neighbour; shape and type mismatches.
/// - Note: Luiten et al., Dynamic 3D Gaussians, 2024; Duisterhof et al., MD-Splatting, 2023.
public func localRigidity(
    points: Tensor, previous: Tensor, rotations: Tensor, previousRotations: Tensor, neighbours: Tensor, weights: Tensor,
    reduction: Reduction = .mean
) throws -> Tensor {
    let neighbours = try checkedNeighbours(neighbours, weights, of: points, "localRigidity")
    try requireEqualShapes(points, previous, "localRigidity")
    try requireShape(rotations, [points.shape[0], 4], "rotations", "localRigidity")
    try requireEqualShapes(rotations, previousRotations, "localRigidity")
    let turn = try turns(rotations, from: previousRotations).expandedDimensions(at: 1)
    let now = try offsets(points, neighbours)
    // R^T d = d - 2 w (v x d) + 2 v x (v x d) for the unit quaternion (w, v).
    let (w, v) = (try turn.slice(axis: 2, from: 0, to: 1), try turn.slice(axis: 2, from: 1).broadcast(to: now.shape))
    let once = try cross(v, now)
    let back = try now - once * w * 2 + cross(v, once) * 2
    let strain = try (back - offsets(stopGradient(previous), neighbours)).square().sum(axes: [2])
    return try reduction((stopGradient(weights) * strain + 1e-20).squareRoot()).asType(points.dtype)
}

/// Neighbours turn alike: the mean of `sqrt(w_ij |dq_j - dq_i|^2 + 1e-20)` with `dq` the turns since the step before, which is held still.
///
/// - Parameters:
///   - rotations: [n, 4], quaternions (w, x, y, z), floating point, of any norm but 0.
///   - previousRotations: [n, 4].
///   - neighbours: [n, k], integers.
///   - weights: [n, k], above 0.
///   - reduction: Over neighbours.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the neighbour; shape and type mismatches.
/// - Note: Luiten et al., Dynamic 3D Gaussians, 2024.
public func rotationSimilarity(
    rotations: Tensor, previousRotations: Tensor, neighbours: Tensor, weights: Tensor, reduction: Reduction = .mean
) throws -> Tensor {
    try requireShape(rotations, [nil, 4], "rotations", "rotationSimilarity")
    try requireFloatingPoint(rotations, "rotationSimilarity")
    try requireEqualShapes(rotations, previousRotations, "rotationSimilarity")
    try requireShape(neighbours, [rotations.shape[0], nil], "neighbours", "rotationSimilarity")
    let neighbours = try checkedClasses(neighbours, shape: neighbours.shape, below: rotations.shape[0], "rotationSimilarity")
    try requireEqualShapes(neighbours, weights, "rotationSimilarity")
    let apart = try offsets(turns(rotations, from: previousRotations), neighbours).square().sum(axes: [2])
    return try reduction((stopGradient(weights) * apart + 1e-20).squareRoot()).asType(rotations.dtype)
}

/// Long-term isometry: neighbours keep their distances from the first step.
///
/// The mean of `sqrt(w_ij (|x_j - x_i| - |y_j - y_i|)^2 + 1e-20)`, y the points of the first step, held still; gradient to x_i
/// `-sqrt(w_ij) sign(|d| - |d0|) d / |d|` with `d = x_j - x_i`, and its negative to x_j.
///
/// - Parameters:
///   - points: [n, 3], floating point.
///   - initial: [n, 3].
///   - neighbours: [n, k], integers.
///   - weights: [n, k], above 0.
///   - reduction: Over neighbours.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the neighbour; shape and type mismatches.
/// - Note: Luiten et al., Dynamic 3D Gaussians, 2024.
public func localIsometry(
    points: Tensor, initial: Tensor, neighbours: Tensor, weights: Tensor, reduction: Reduction = .mean
) throws -> Tensor {
    let neighbours = try checkedNeighbours(neighbours, weights, of: points, "localIsometry")
    try requireEqualShapes(points, initial, "localIsometry")
    let squares = try offsets(points, neighbours).square().sum(axes: [2])
    // A point that is its own neighbour has the length 0, all of whose derivatives are 0.
    let isZero = squares .== 0
    let lengths = try Tensor.select(isZero, squares.constant(0), Tensor.select(isZero, squares.constant(1), squares).squareRoot())
    let change = try lengths - offsets(stopGradient(initial), neighbours).norm(axes: [2])
    return try reduction((stopGradient(weights) * change.square() + 1e-20).squareRoot()).asType(points.dtype)
}

/// Momentum: points keep their velocity, `|x_next + x_previous - 2 x|_1` of each; gradient the stencil (1, -2, 1) of signs.
///
/// - Parameters:
///   - points: [n, d], floating point.
///   - previous: [n, d].
///   - next: [n, d].
///   - reduction: Over points.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/dtypeMismatch(operation:expected:actual:)``.
/// - Note: The term is MD-Splatting's as recalled: Duisterhof et al., MD-Splatting, 2023.
public func momentum(points: Tensor, previous: Tensor, next: Tensor, reduction: Reduction = .mean) throws -> Tensor {
    try requireShape(points, [nil, nil], "points", "momentum")
    let bend = try residual(next, points, "momentum") - residual(points, previous, "momentum")
    return try reduction(bend.absolute().sum(axes: [1]))
}
