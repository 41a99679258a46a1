import LossKitKernels

/// The nearest points of each query.
public struct NearestNeighbors: Sendable {
    /// [n, k]: how far they are, the nearest first; differentiable with respect to queries and points.
    public let distances: Tensor
    /// [n, k] int64: which points they are.
    public let indices: Tensor
}

/// The k nearest of points [m, d] of each query [n, d], exactly and without a matrix of distances, computed in float32.
///
/// Of equally distant points the one with the lower index comes first. Euclidean distances are compared by their squares, cosines by those
/// of unit vectors; dot, a similarity, puts the largest first. In 16 dimensions or more the CPU finds candidates by matrix products, within
/// what rounding may do to these, and compares those in float64: exactly the nearest there are. Equal distances are ties on every device.
///
/// Gradient: that of the distances found, the choice held still; at Euclidean distance 0 it is 0. The backward pass holds [n, k, d]
/// numbers. Twice differentiable.
///
/// ```swift
/// let near = try nearestNeighbors(of: x, in: x, k: 10, excludingSelf: true)
/// let density = try near.distances.slice(axis: 1, from: 9)
/// ```
/// - Parameters:
///   - queries: [n, d], floating point.
///   - points: [m, d].
///   - k: In 1...1024 and at most m, or m - 1 where points leave themselves out.
///   - excludingSelf: Whether point i is left out for query i, by its index rather than by its distance.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/dtypeMismatch(operation:expected:actual:)``,
///   ``TensorError/deviceMismatch(operation:devices:)``, ``TensorError/invalidArgument(operation:expected:actual:)`` for k, or naming the
///   first point that is not finite (or for cosine is the origin).
/// - Note: O(n k + (n + m) d) memory.
public func nearestNeighbors(
    of queries: Tensor, in points: Tensor, k: Int, metric: Metric = .euclidean, excludingSelf: Bool = false
) throws -> NearestNeighbors {
    let operation = "nearestNeighbors"
    try checkNeighbors(queries, points, k, excludingSelf: excludingSelf, operation)
    let (n, m, d) = (queries.shape[0], points.shape[0], queries.shape[1])
    let x = try checkedPoints(queries, "query", metric, operation)
    let y = try queries.isSame(as: points) ? x : checkedPoints(points, "point", metric, operation)
    let kernel = NeighborSearch(metric.neighborMeasure, n: n, m: m, d: d, k: k, excludesSelf: excludingSelf)
    let values = try Tensor.empty([n, k], dtype: .float32, on: x.device)
    let places = try Tensor.empty([n, k], dtype: .int32, on: x.device)
    let turned = kernel.readsTransposed(on: x.device) ? try y.transposed().packed() : y
    try kernel.run(
        x: x.slice(), y: y.slice(), yTransposed: turned.slice(), values: values.output(), places: places.output(), on: x.device)
    let indices = try places.asType(.int64).evaluated()
    let output = DType.promoted(queries.dtype, points.dtype)
    let distances = try metric.distances(from: values).asType(output).evaluated()
    return NearestNeighbors(
        distances: Tensor.record("nearestNeighbors", inputs: [queries, points], output: distances) { pullback in
            let cotangent = pullback.cotangent
            return try gradient(at: [queries, points]) { given in
                try (metric.lengths(given[0], given[1].gatheredRows(indices.flattened()), k: k).asType(output) * cotangent).sum()
            }
        }, indices: indices)
}

/// Checks shapes, types and k.
func checkNeighbors(_ queries: Tensor, _ points: Tensor, _ k: Int, excludingSelf: Bool, _ operation: String) throws {
    guard try queries.checked().rank == 2, try points.checked().rank == 2, queries.shape[1] == points.shape[1] else {
        throw TensorError.shapeMismatch(
            operation: operation, expected: "queries [n, d] and points [m, d]", actual: [queries.shape, points.shape])
    }
    guard queries.dtype.isFloatingPoint, points.dtype.isFloatingPoint else {
        throw TensorError.dtypeMismatch(operation: operation, expected: "floating-point points", actual: [queries.dtype, points.dtype])
    }
    guard queries.device == points.device else {
        throw TensorError.deviceMismatch(operation: operation, devices: ["\(queries.device)", "\(points.device)"])
    }
    let (n, m) = (queries.shape[0], points.shape[0])
    let most = min(1024, excludingSelf ? m - 1 : m)
    guard (1...1024).contains(k), k <= most || n == 0 else {
        throw TensorError.invalidArgument(
            operation: operation, expected: "k in 1...\(max(most, 1)), for \(m) points", actual: "\(k)")
    }
}

/// Finite float32 points, for cosine of length 1.
private func checkedPoints(_ points: Tensor, _ name: String, _ metric: Metric, _ operation: String) throws -> Tensor {
    let single = try stopGradient(points).asType(.float32).packed().evaluated()
    if points.count > 0, let row = try single.isFinite().all(axes: [1]).booleans().firstIndex(of: false) {
        throw TensorError.invalidArgument(operation: operation, expected: "finite coordinates", actual: "\(name) \(row) is not")
    }
    return metric == .cosine ? try single.unitVectors(operation) : single
}

extension Metric {
    fileprivate var neighborMeasure: NeighborSearch.Measure {
        switch self {
        case .squaredEuclidean, .euclidean, .cosine: .squaredEuclidean
        case .manhattan: .manhattan
        case .chebyshev: .chebyshev
        case .dot: .negativeDot
        }
    }

    /// What a kernel's values stand for.
    fileprivate func distances(from values: Tensor) -> Tensor {
        switch self {
        case .squaredEuclidean, .manhattan, .chebyshev: values
        case .euclidean: values.squareRoot()
        // Half the squared distance of unit vectors is one minus their cosine, without its cancellation.
        case .cosine: values * 0.5
        case .dot: -values
        }
    }

    /// The distances [n, k] of x [n, d] to k rows each of y [n k, d], in operations that can be differentiated.
    fileprivate func lengths(_ x: Tensor, _ y: Tensor, k: Int) throws -> Tensor {
        let a = try x.expandedDimensions(at: 1)
        let b = try y.reshaped([x.shape[0], k, x.shape[1]])
        switch self {
        case .squaredEuclidean: return try (a - b).square().sum(axes: [2])
        case .euclidean: return try (a - b).norm(axes: [2])
        case .manhattan: return try (a - b).absolute().sum(axes: [2])
        case .chebyshev: return try (a - b).absolute().max(axes: [2])
        case .dot: return try (a * b).sum(axes: [2])
        case .cosine:
            func unit(_ points: Tensor) throws -> Tensor { try points / points.norm(axes: [2], keepDimensions: true) }
            return try (unit(a) - unit(b)).square().sum(axes: [2]) * 0.5
        }
    }
}
