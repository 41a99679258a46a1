import LossKitKernels

/// The minimum spanning tree of a matrix of distances, found in float32; where infinity stands for no edge, the forest that there is.
///
/// Edges are ordered by (length, i, j) as in ``minimumSpanningTree(_:metric:)``, so the tree is unique and equal on every device.
/// Gradient: of each length to the matrix's element [i, j], i < j, of its edge.
/// - Parameter distances: [n, n] with n >= 2, floating point: symmetric, not negative, 0 on the diagonal.
/// - Returns: An edge less than there are points for each connected component.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` for anything but such a matrix,
///   ``TensorError/invalidArgument(operation:expected:actual:)`` naming an element that is not a distance or too large for float32.
/// - Note: Prim's algorithm on the CPU, Boruvka's on OpenCL devices; O(n^2) work or that times log n, and a second matrix.
public func minimumSpanningTree(distances: Tensor) throws -> MinimumSpanningTree {
    let operation = "minimumSpanningTree"
    guard try distances.checked().rank == 2, distances.shape[0] == distances.shape[1], distances.shape[0] >= 2,
        distances.dtype.isFloatingPoint
    else {
        throw TensorError.shapeMismatch(
            operation: operation, expected: "floating-point distances [n, n] of at least 2 points", actual: [distances.shape])
    }
    let n = distances.shape[0]
    guard n <= SpanningTree.mostPoints else {
        throw TensorError.invalidArgument(operation: operation, expected: "at most \(SpanningTree.mostPoints) points", actual: "\(n)")
    }
    try distances.requireDistances(operation)
    let fixed = stopGradient(distances), single = try fixed.asType(.float32).packed().evaluated()
    if let place = try (single.isFinite() .== fixed.isFinite()).booleans().firstIndex(of: false) {
        throw TensorError.invalidArgument(
            operation: operation, expected: "distances that float32 can hold",
            actual: "\(try fixed.array(of: Double.self)[place]) at [\(place / n), \(place % n)]")
    }
    let tree = try SpanningTrees(.given, clouds: 1, n: n, d: n, points: single.slice(), on: single.device)
    let count = tree.lengths.firstIndex(of: .infinity) ?? n - 1
    let edges = tree.edges[..<(2 * count)]
    let places = (0..<count).map { Int64(edges[2 * $0]) * Int64(n) + Int64(edges[2 * $0 + 1]) }
    return MinimumSpanningTree(
        edges: try Tensor(Array(edges), shape: [count, 2], on: distances.device),
        lengths: try distances.reshaped([n * n]).take(Tensor(places, on: distances.device)))
}

/// The minimum spanning forest of a weighted graph.
///
/// Edges are ordered by (weight, i, j), of several between two vertices the first one given first; so the forest is unique and equal on every device.
/// Gradient: of each length to the weight of its edge.
/// - Parameters:
///   - edges: [m, 2], integers in 0..<vertexCount, in any order; an edge from a vertex to itself is never taken.
///   - weights: [m], floating point, finite.
///   - vertexCount: How many vertices there are.
/// - Returns: Edges i < j and their weights, ascending: an edge less than there are vertices for each connected component.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` for other shapes or types,
///   ``TensorError/invalidArgument(operation:expected:actual:)`` naming an end that is no vertex or a weight that is not finite.
/// - Note: Sorted on the device, then Kruskal's algorithm on the CPU, Boruvka's on OpenCL devices; O(m + n) memory. SciPy's
///   `minimum_spanning_tree`, without the zeros that it takes for no edge.
public func minimumSpanningForest(edges: Tensor, weights: Tensor, vertexCount: Int) throws -> MinimumSpanningTree {
    let operation = "minimumSpanningForest"
    guard try edges.checked().rank == 2, edges.shape[1] == 2, [.int32, .int64, .uint8].contains(edges.dtype), try weights.checked().shape == [edges.shape[0]],
        weights.dtype.isFloatingPoint
    else {
        throw TensorError.shapeMismatch(
            operation: operation, expected: "integer edges [m, 2] and floating-point weights [m]", actual: [edges.shape, weights.shape])
    }
    guard 0...SpanningTree.mostPoints ~= vertexCount, edges.shape[0] <= SpanningForest.mostEdges else {
        throw TensorError.invalidArgument(
            operation: operation, expected: "at most \(SpanningTree.mostPoints) vertices and \(SpanningForest.mostEdges) edges",
            actual: "\(vertexCount) and \(edges.shape[0])")
    }
    let ends = stopGradient(edges), fixed = stopGradient(weights)
    if let place = try ((ends .>= 0) .&& (ends .< Double(vertexCount))).booleans().firstIndex(of: false) {
        throw TensorError.invalidArgument(
            operation: operation, expected: "vertices in 0..<\(vertexCount)",
            actual: "\(try ends.array(of: Int.self)[place]) in edge \(place / 2)")
    }
    if let edge = try fixed.isFinite().booleans().firstIndex(of: false) {
        throw TensorError.invalidArgument(operation: operation, expected: "finite weights", actual: "that of edge \(edge) is not")
    }
    let (low, high) = (try ends.min(axes: [1]).asType(.int32), try ends.max(axes: [1]).asType(.int32))
    var order = try high.argSort()
    for key in [low, fixed] { order = try order.take(key.take(order).argSort()) }
    let sorted = try Tensor.stack([low.take(order), high.take(order)], axis: 1).packed().evaluated()
    let places = try SpanningForest.places(edges: sorted.slice(), count: sorted.shape[0], n: vertexCount, on: sorted.device)
    let taken = try Tensor(places, on: edges.device)
    return MinimumSpanningTree(edges: try sorted.gatheredRows(taken), lengths: try weights.take(order.take(taken)))
}
