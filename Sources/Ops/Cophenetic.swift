/// The heights at which single linkage joins each pair of points: the longest edge on the way between them in their minimum spanning tree.
///
/// Gradient: each height is the length of one edge, see ``minimumSpanningTree(_:metric:)``; on the diagonal it is 0. SciPy's `cophenet`,
/// as a matrix.
///
/// - Parameters:
///   - points: [n, d] with n >= 1, floating point, finite.
///   - metric: See ``minimumSpanningTree(_:metric:)``.
/// - Returns: [n, n].
/// - Throws: See ``minimumSpanningTree(_:metric:)``.
/// - Note: The joins are found on the host; O(n^2) memory.
public func copheneticDistances(_ points: Tensor, metric: Metric = .euclidean) throws -> Tensor {
    guard try points.checked().rank == 2, points.dtype.isFloatingPoint, points.shape[0] > 0 else {
        throw TensorError.shapeMismatch(
            operation: "copheneticDistances", expected: "at least 1 floating-point point [n, d]", actual: [points.shape])
    }
    let n = points.shape[0]
    guard n > 1 else { return try .zeros([1, 1], dtype: points.dtype, on: points.device) }
    let tree = try minimumSpanningTree(points, metric: metric)
    let ends = try tree.edges.array(of: Int.self)
    var members = (0..<n).map { [$0] }
    var component = Array(0..<n)
    // The last place stands for a point and itself.
    var places = [Int](repeating: n - 1, count: n * n)
    for edge in 0..<n - 1 {
        var (large, small) = (component[ends[2 * edge]], component[ends[2 * edge + 1]])
        if members[large].count < members[small].count { swap(&large, &small) }
        for i in members[small] {
            component[i] = large
            for j in members[large] { (places[i * n + j], places[j * n + i]) = (edge, edge) }
        }
        members[large] += members[small]
        members[small] = []
    }
    return try tree.lengths.padded(axis: 0, after: 1).take(Tensor(places, on: points.device)).reshaped([n, n])
}
