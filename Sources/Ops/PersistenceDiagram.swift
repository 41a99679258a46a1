import LossKitKernels

/// A persistence diagram in one dimension: when each class of a filtration is born and when it dies, and what brings its death about.
public struct PersistenceDiagram: Sendable {
    /// The dimension of the classes; 0 for connected components.
    public let dimension: Int
    /// [pairs]: where each class is born.
    public let births: Tensor
    /// [pairs]: where each class dies, ascending.
    public let deaths: Tensor
    /// [pairs, 2] int32: the edge i < j whose appearance makes each class die.
    public let generators: Tensor
    /// How many classes never die.
    public let essentialCount: Int

    /// [pairs, 2]: births and deaths side by side.
    public var pairs: Tensor { get throws { try Tensor.stack([births, deaths], axis: 1) } }
    /// [pairs]: how long each class lives.
    public var persistence: Tensor { deaths - births }
}

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
public func persistence0(_ points: Tensor, metric: Metric = .euclidean) throws -> PersistenceDiagram {
    guard try points.checked().rank == 2, points.dtype.isFloatingPoint else {
        throw TensorError.shapeMismatch(operation: "persistence0", expected: "floating-point points [n, d]", actual: [points.shape])
    }
    guard points.shape[0] >= 2 else {
        guard try points.isFinite().all().booleans()[0] else {
            throw TensorError.invalidArgument(operation: "persistence0", expected: "finite coordinates", actual: "point 0 is not")
        }
        let none = try Tensor.zeros([0], dtype: points.dtype, on: points.device)
        return PersistenceDiagram(
            dimension: 0, births: none, deaths: none, generators: try .zeros([0, 2], dtype: .int32, on: points.device),
            essentialCount: points.shape[0])
    }
    let tree = try minimumSpanningTree(points, metric: metric)
    return PersistenceDiagram(
        dimension: 0, births: try .zeros(tree.lengths.shape, dtype: points.dtype, on: points.device), deaths: tree.lengths,
        generators: tree.edges, essentialCount: 1)
}
