import LossKitKernels

/// The connected components of points at every scale: zero-dimensional persistent homology of their Vietoris-Rips filtration.
///
/// Every point is born at 0; a component dies where an edge of the minimum spanning tree, the pair's generator, joins it to another one, at that edge's
/// length in the metric's own units. One component never dies.
/// Gradient: deaths differentiate to the ends of their edges, `+-(x_i - x_j) / |x_i - x_j|` for the Euclidean metric and 0 at length 0; births are constant.
///
/// - Parameters:
///   - points: [n, d], floating point, finite. One point or none give a diagram without pairs.
///   - metric: See ``minimumSpanningTree(_:metric:)``.
/// - Throws: See ``minimumSpanningTree(_:metric:)``.
/// - Note: O(n d) memory, where ``ripsPersistence(_:maximumDimension:threshold:metric:withCocycles:)`` needs all distances.
public func persistence0(_ points: Tensor, metric: Metric = .euclidean) throws -> PersistenceDiagram {
    guard try points.checked().rank == 2, points.dtype.isFloatingPoint else {
        throw TensorError.shapeMismatch(operation: "persistence0", expected: "floating-point points [n, d]", actual: [points.shape])
    }
    let n = points.shape[0]
    func diagram(deaths: Tensor, edges: Tensor) throws -> PersistenceDiagram {
        PersistenceDiagram(
            dimension: 0, births: try .zeros(deaths.shape, dtype: points.dtype, on: points.device), deaths: deaths,
            birthGenerators: try .zeros([deaths.count, 0], dtype: .int32, on: points.device), deathGenerators: edges,
            essentialBirths: try .zeros([min(n, 1)], dtype: points.dtype, on: points.device))
    }
    guard n >= 2 else {
        guard try points.isFinite().all().booleans()[0] else {
            throw TensorError.invalidArgument(operation: "persistence0", expected: "finite coordinates", actual: "point 0 is not")
        }
        return try diagram(
            deaths: .zeros([0], dtype: points.dtype, on: points.device), edges: .zeros([0, 2], dtype: .int32, on: points.device))
    }
    let tree = try minimumSpanningTree(points, metric: metric)
    return try diagram(deaths: tree.lengths, edges: tree.edges)
}
