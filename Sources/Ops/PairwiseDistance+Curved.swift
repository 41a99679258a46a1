import LossKitKernels

/// Lengths of shortest ways on curved surfaces of curvature 1 or -1.
public enum CurvedMetric: String, Sendable, CaseIterable {
    /// Hyperbolic, of points in the unit ball: arcosh(1 + 2 |x - y|^2 / ((1 - |x|^2) (1 - |y|^2))).
    case poincare
    /// Hyperbolic, of points on the sheet x_0^2 - x_1^2 - ... = 1, x_0 > 0: arcosh(x_0 y_0 - x_1 y_1 - ...).
    case lorentz
    /// The angle between points on the unit sphere.
    case spherical
    /// The angle between places of latitude and longitude in radians, [..., 2]; times 6371 it is kilometres on the earth.
    case haversine
}

/// The distances of all pairs: x [..., n, d] and y [..., m, d], leading axes that broadcast, give [..., n, m].
///
/// Short distances keep their digits: they are computed from differences, not from products. Spherical and Lorentz points are taken to lie
/// where they should. Points outside the Poincare ball give NaN. The derivative at distance 0 (and between opposite points of a sphere) is
/// 0. Twice differentiable.
/// - Throws: As ``pairwiseDistance(_:_:metric:)-(_,_,Metric)``; for haversine
///   ``TensorError/shapeMismatch(operation:expected:actual:)`` unless the last axis has extent 2.
/// - Note: Nickel and Kiela, Poincare Embeddings for Learning Hierarchical Representations, 2017, and Learning Continuous Hierarchies in
///   the Lorentz Model, 2018.
public func pairwiseDistance(_ x: Tensor, _ y: Tensor, metric: CurvedMetric) throws -> Tensor {
    _ = try checkedBatch(x, y)
    switch metric {
    case .poincare:
        func room(_ points: Tensor) throws -> Tensor { try 1 - points.square().sum(axes: [-1]) }
        let (a, b) = (try room(x).expandedDimensions(at: -1), try room(y).expandedDimensions(at: -2))
        let inside = (a .> 0) .&& (b .> 0)
        let ratio = try pairwiseDistance(x, y, metric: .squaredEuclidean) / (a * b)
        return Tensor.select(inside, try ratio.arcLength(hyperbolic: true), try .full([], .nan, dtype: ratio.dtype, on: x.device))
    case .lorentz:
        func part(_ points: Tensor, _ range: Range<Int>) throws -> Tensor {
            try points.slice(axis: points.rank - 1, from: range.lowerBound, to: range.upperBound)
        }
        guard x.shape[x.rank - 1] >= 1 else {
            throw TensorError.shapeMismatch(operation: "pairwiseDistance", expected: "Lorentz points [..., 1 + d]", actual: [x.shape])
        }
        let d = x.shape[x.rank - 1]
        let space = try pairwiseDistance(part(x, 1..<d), part(y, 1..<d), metric: .squaredEuclidean)
        let time = try pairwiseDistance(part(x, 0..<1), part(y, 0..<1), metric: .squaredEuclidean)
        return try ((space - time).relu() / 4).arcLength(hyperbolic: true)
    case .spherical: return try (pairwiseDistance(x, y, metric: .squaredEuclidean) / 4).arcLength(hyperbolic: false)
    case .haversine:
        guard x.shape[x.rank - 1] == 2 else {
            throw TensorError.shapeMismatch(
                operation: "pairwiseDistance", expected: "latitudes and longitudes [..., 2]", actual: [x.shape, y.shape])
        }
        func angle(_ points: Tensor, _ place: Int, _ axis: Int) throws -> Tensor {
            try points.slice(axis: points.rank - 1, from: place, to: place + 1).squeezed(axes: [points.rank - 1]).expandedDimensions(
                at: axis)
        }
        let (p, q) = (try angle(x, 0, -1), try angle(y, 0, -2))
        let rise = ((p - q) * 0.5).sin().square()
        let turn = try ((angle(x, 1, -1) - angle(y, 1, -2)) * 0.5).sin().square()
        let across: Tensor = p.cos() * q.cos() * turn
        return try (rise + across).arcLength(hyperbolic: false)
    }
}

/// The Mahalanobis distances of all pairs, sqrt((x - y)^T P (x - y)), shapes as in ``pairwiseDistance(_:_:metric:)-(_,_,Metric)``.
///
/// Computed as the Euclidean distance of points multiplied by a factor of P, so that gradients reach P as well; at distance 0 they are 0.
/// - Parameter precision: P, the inverse of a covariance [d, d], symmetric and positive definite.
/// - Throws: As ``pairwiseDistance(_:_:metric:)-(_,_,Metric)``, and what ``cholesky(_:)`` throws.
public func pairwiseDistance(_ x: Tensor, _ y: Tensor, precision: Tensor) throws -> Tensor {
    _ = try checkedBatch(x, y)
    let d = x.shape[x.rank - 1]
    guard try precision.checked().shape == [d, d] else {
        throw TensorError.shapeMismatch(operation: "pairwiseDistance", expected: "a precision [\(d), \(d)]", actual: [precision.shape])
    }
    let factor = try cholesky(precision)
    return try pairwiseDistance(x.matmul(factor), y.matmul(factor), metric: .euclidean)
}

extension Tensor {
    /// 2 asinh of the root of h, or 2 asin: from a quarter of a squared chord the length of its arc. Its derivatives where h is 0 (or 1)
    /// are 0.
    fileprivate func arcLength(hyperbolic: Bool) throws -> Tensor {
        let (zero, half) = (try Tensor.full([], 0, dtype: dtype, on: device), try Tensor.full([], 0.5, dtype: dtype, on: device))
        if hyperbolic {
            let isZero = self .== 0
            return Tensor.select(isZero, zero, Tensor.select(isZero, half, self).squareRoot().asinh() * 2)
        }
        let full = try Tensor.full([], Double.pi, dtype: dtype, on: device)
        let (isZero, isFull) = (self .<= 0, self .>= 1)
        let inner = Tensor.select(isZero .|| isFull, half, self)
        let arc = inner.squareRoot().atan2((1 - inner).squareRoot()) * 2
        return Tensor.select(isZero, zero, Tensor.select(isFull, full, arc))
    }
}
