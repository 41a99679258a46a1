import LossKitKernels

/// The k nearest of points [m, d] of each query [n, d] by any distance, exactly, without ever holding the distances of all pairs.
///
/// Of equally distant points the one with the lower index comes first. Gradient: that of the distances found, the choice held still.
///
/// ```swift
/// let near = try nearestNeighbors(of: places, in: cities, k: 3) { try pairwiseDistance($0, $1, metric: .haversine) }
/// ```
/// - Parameters:
///   - queries: [n, d], floating point.
///   - points: [m, d].
///   - k: In 1...1024 and at most m, or m - 1 where points leave themselves out.
///   - excludingSelf: Whether point i is left out for query i.
/// - distance: Of points [..., r, d] and [..., m, d] the distances [..., r, m], small ones being near; called for some queries at a time,
/// as
///     every form of `pairwiseDistance` can be.
/// - Throws: What ``nearestNeighbors(of:in:k:metric:excludingSelf:)`` throws, what the distance throws, and
///   ``TensorError/invalidArgument(operation:expected:actual:)`` naming the first query with a distance that is not a number.
public func nearestNeighbors(
    of queries: Tensor, in points: Tensor, k: Int, excludingSelf: Bool = false,
    distance: @escaping @Sendable (_ x: Tensor, _ y: Tensor) throws -> Tensor
) throws -> NearestNeighbors {
    let operation = "nearestNeighbors"
    try checkNeighbors(queries, points, k, excludingSelf: excludingSelf, operation)
    let (n, m, device) = (queries.shape[0], points.shape[0], queries.device)
    let (x, y) = (stopGradient(queries), stopGradient(points))
    let kernel = NeighborSearch(.squaredEuclidean, n: n, m: m, d: queries.shape[1], k: k, excludesSelf: excludingSelf)
    let values = try Tensor.empty([n, k], dtype: .float32, on: device)
    let places = try Tensor.empty([n, k], dtype: .int32, on: device)
    var unknown: [Tensor] = []
    // So many distances at a time.
    let rows = max(1, min(512, (1 << 20) / max(1, m)))
    for first in stride(from: 0, to: n, by: rows) {
        let block = first..<min(n, first + rows)
        let distances = try distance(x.slice(axis: 0, from: block.lowerBound, to: block.upperBound), y).checked()
        guard distances.shape == [block.count, m] else {
            throw TensorError.shapeMismatch(operation: operation, expected: "distances [\(block.count), \(m)]", actual: [distances.shape])
        }
        let single = try distances.asType(.float32).packed().evaluated()
        unknown.append(try single.isNaN().any(axes: [1]).evaluated())
        try kernel.select(single.slice(), rows: block, values: values.output(), places: places.output(), on: device)
    }
    // Read once behind all blocks, so that none waits for the one before.
    if !unknown.isEmpty, let row = try Tensor.concatenate(unknown).booleans().firstIndex(of: true) {
        throw TensorError.invalidArgument(operation: operation, expected: "distances that are numbers", actual: "NaN of query \(row)")
    }
    let indices = try places.asType(.int64).evaluated()
    let output = DType.promoted(queries.dtype, points.dtype)
    return NearestNeighbors(
        distances: Tensor.record("nearestNeighbors", inputs: [queries, points], output: values.asType(output)) { pullback in
            let cotangent = pullback.cotangent
            return try gradient(at: [queries, points]) { given in
                let near = try given[1].gatheredRows(indices.flattened()).reshaped([n, k, given[1].shape[1]])
                let found = try distance(given[0].expandedDimensions(at: 1), near)
                return try (found.reshaped([n, k]).asType(output) * cotangent).sum()
            }
        }, indices: indices)
}
