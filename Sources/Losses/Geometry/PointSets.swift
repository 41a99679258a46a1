import LossKitOps

/// Each point of x [n, d] and its nearest one of y [m, d] (the first of equals), found a block of rows at a time.
private func nearest(_ x: Tensor, _ y: Tensor) throws -> Tensor {
    let (points, others) = (stopGradient(x), stopGradient(y))
    let step = Swift.max(1, (1 << 22) / y.shape[0])
    let parts = try stride(from: 0, to: x.shape[0], by: step).map { start in
        try pairwiseDistance(points[start..<Swift.min(start + step, x.shape[0])], others, metric: .squaredEuclidean).argMin(axis: 1)
    }
    return try y.rows(at: parts.count == 1 ? parts[0] : .concatenate(parts))
}

private func requireSets(_ x: Tensor, _ y: Tensor, _ operation: String) throws {
    try requireShape(x, [nil, nil], "x", operation)
    try requireShape(y, [nil, x.shape[1]], "y", operation)
    try requireFloatingPoint(x, operation)
    try requireFloatingPoint(y, operation)
    try require(x.shape[0] > 0 && y.shape[0] > 0, operation, "at least one point in each set", [x.shape, y.shape])
}

/// Chamfer distance of two sets of points.
///
/// `mean_i min_j |x_i - y_j|^2 + mean_j min_i |x_i - y_j|^2`; gradient through each point and its nearest one, `2 (x_i - y_j) / n`.
///
/// - Parameters:
///   - x: [n, d], floating point, n >= 1.
///   - y: [m, d], m >= 1.
///   - isSquared: Whether distances are squared, as PyTorch3D has them; else they are Euclidean, of gradient 0 where points meet.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Distances are formed a block of rows at a time, never all at once. PyTorch3D's `chamfer_distance`. Barrow et al., Parametric
///   Correspondence and Chamfer Matching, 1977.
public func chamfer(x: Tensor, y: Tensor, isSquared: Bool = true) throws -> Tensor {
    try requireSets(x, y, "chamfer")
    let (a, b) = (x.inArithmetic(), y.inArithmetic())
    func oneWay(_ a: Tensor, _ b: Tensor) throws -> Tensor {
        let squares = try (a - nearest(a, b)).square().sum(axes: [1])
        return try (isSquared ? squares : squares.squareRoot()).mean()
    }
    return try (oneWay(a, b) + oneWay(b, a)).asType(x.dtype)
}

/// Which of the distances from each point to the other set ``hausdorff(x:y:form:)`` takes.
public enum HausdorffForm: String, Sendable, CaseIterable {
    /// The largest of both directions: the Hausdorff distance itself.
    case maximum
    /// The mean of both directions' means.
    case average
    /// The larger of both directions' means (Dubuisson and Jain's modified distance).
    case modified
}

/// Hausdorff distance of two sets of points.
///
/// Of `a_i = min_j |x_i - y_j|` and `b_j = min_i |x_i - y_j|`: `max(max a, max b)`, `(mean a + mean b) / 2`, or `max(mean a, mean b)`. The
/// gradient flows through the pairs that count.
///
/// - Parameters:
///   - x: [n, d], floating point, n >= 1.
///   - y: [m, d], m >= 1.
///   - form: What is taken of the distances.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Distances are formed a block of rows at a time, never all at once. Huttenlocher, Klanderman and Rucklidge, Comparing Images
///   Using the Hausdorff Distance, 1993.
public func hausdorff(x: Tensor, y: Tensor, form: HausdorffForm = .maximum) throws -> Tensor {
    try requireSets(x, y, "hausdorff")
    let (a, b) = (x.inArithmetic(), y.inArithmetic())
    let (there, back) = try ((a - nearest(a, b)).norm(axes: [1]), (b - nearest(b, a)).norm(axes: [1]))
    let value =
        switch form {
        case .maximum: try Tensor.concatenate([there, back]).max()
        case .average: try (there.mean() + back.mean()) * 0.5
        case .modified: try Tensor.maximum(there.mean(), back.mean())
        }
    return value.asType(x.dtype)
}

extension LossDescription {
    static let chamferLoss = LossDescription(
        "chamfer", .geometry, "Chamfer distance of two sets of points",
        reference: "Barrow et al., Parametric Correspondence and Chamfer Matching, 1977; PyTorch3D chamfer_distance",
        inputs: [.init("x", ["n", "d"]), .init("y", ["m", "d"])], options: [.flag("isSquared", true)]
    ) { try chamfer(x: $0["x"], y: $0["y"], isSquared: $0.flag("isSquared")) }

    static let hausdorffLoss = LossDescription(
        "hausdorff", .geometry, "Hausdorff distance of two sets of points",
        reference: "Huttenlocher, Klanderman and Rucklidge, Comparing Images Using the Hausdorff Distance, 1993",
        inputs: [.init("x", ["n", "d"]), .init("y", ["m", "d"])], options: [.choice("form", HausdorffForm.maximum)]
    ) { try hausdorff(x: $0["x"], y: $0["y"], form: $0.choice("form")) }
}
