import LossKitKernels

/// Persistent homology of points: components, loops and voids of their Vietoris-Rips filtration, in which an edge appears at its length and a
/// simplex with the last of its edges. Coefficients are those of Z/2.
///
/// Gradient: a birth or a death is the length of one edge, its generator, and differentiates to that edge's ends; the pairing is a constant, so where it
/// changes this is a subgradient.
///
/// - Parameters:
///   - points: [n, d], floating point, finite.
///   - maximumDimension: The highest dimension of the classes, 0 to 6; the work grows with n to its power plus two.
///   - threshold: Edges longer than this never appear, and classes alive then never die. By default the enclosing radius, `min_i max_j d(i, j)`, where
///     everything is connected to one point and no class is left but one component.
///   - metric: What a length is; ``Metric/dot`` is none.
/// - Returns: A diagram for each dimension from 0 on. Pairs of dimension 0 are in ascending order of deaths, with those that die at 0; of others only
///   those that live for some time, the last born first.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` for anything but floating-point points [n, d],
///   ``TensorError/invalidArgument(operation:expected:actual:)`` for a point that is not finite, too many points for the dimension, a dimension or a
///   threshold out of range; ``DeviceError/outOfMemory(device:requested:inUse:cached:limit:)``.
/// - Note: Distances are computed on the device, the reduction runs on the host: 20 n^2 bytes, and 8 for each simplex of the largest column, all within
///   the CPU's memory limit. Equal lengths are taken in the order of their indices; the values of the diagrams do not depend on that.
///   Source: U. Bauer, Ripser: efficient computation of Vietoris-Rips persistence barcodes, 2021.
public func ripsPersistence(
    _ points: Tensor, maximumDimension: Int = 1, threshold: Double? = nil, metric: Metric = .euclidean
) throws -> [PersistenceDiagram] {
    guard try points.checked().rank == 2, points.dtype.isFloatingPoint else {
        throw TensorError.shapeMismatch(operation: "ripsPersistence", expected: "floating-point points [n, d]", actual: [points.shape])
    }
    guard metric != .dot else {
        throw TensorError.invalidArgument(operation: "ripsPersistence", expected: "a distance", actual: "the similarity dot")
    }
    try checkRipsArguments(n: points.shape[0], maximumDimension: maximumDimension, threshold: threshold)
    if let row = try points.isFinite().all(axes: [1]).booleans().firstIndex(of: false) {
        throw TensorError.invalidArgument(operation: "ripsPersistence", expected: "finite coordinates", actual: "point \(row) is not")
    }
    let distances = try pairwiseDistance(points, points, metric: metric)
    return try diagrams(distances, maximumDimension: maximumDimension, threshold: threshold)
}

/// Persistent homology of a matrix of distances, or of a weighted graph (its flag complex) where infinity stands for no edge.
///
/// Gradient: of each birth and death to the matrix's element of its generator.
///
/// - Parameters:
///   - distances: [n, n], floating point: symmetric, not negative, 0 on the diagonal.
///   - maximumDimension: See ``ripsPersistence(_:maximumDimension:threshold:metric:)``.
///   - threshold: See ``ripsPersistence(_:maximumDimension:threshold:metric:)``.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` for anything but a square floating-point matrix,
///   ``TensorError/invalidArgument(operation:expected:actual:)`` naming an element that is not a distance; see also
///   ``ripsPersistence(_:maximumDimension:threshold:metric:)``.
public func ripsPersistence(
    distances: Tensor, maximumDimension: Int = 1, threshold: Double? = nil
) throws -> [PersistenceDiagram] {
    guard try distances.checked().rank == 2, distances.shape[0] == distances.shape[1], distances.dtype.isFloatingPoint else {
        throw TensorError.shapeMismatch(
            operation: "ripsPersistence", expected: "floating-point distances [n, n]", actual: [distances.shape])
    }
    let n = distances.shape[0]
    try checkRipsArguments(n: n, maximumDimension: maximumDimension, threshold: threshold)
    let fixed = stopGradient(distances)
    let isElsewhere = try Tensor.eye(n, on: fixed.device) .== 0
    let isDistance = try ((fixed .>= 0) .&& (fixed .== fixed.transposed())) .&& (isElsewhere .|| (fixed .== 0))
    if let place = try isDistance.booleans().firstIndex(of: false) {
        throw TensorError.invalidArgument(
            operation: "ripsPersistence", expected: "distances that are symmetric, not negative and 0 on the diagonal",
            actual: "\(try fixed.array(of: Double.self)[place]) at [\(place / n), \(place % n)]")
    }
    return try diagrams(distances, maximumDimension: maximumDimension, threshold: threshold)
}

private func checkRipsArguments(n: Int, maximumDimension: Int, threshold: Double?) throws {
    func error(_ expected: String, _ actual: String) -> TensorError {
        .invalidArgument(operation: "ripsPersistence", expected: expected, actual: actual)
    }
    guard n > 0 else { throw error("at least 1 point", "none") }
    guard 0...VietorisRips.highestDimension ~= maximumDimension else {
        throw error("maximumDimension from 0 to \(VietorisRips.highestDimension)", "\(maximumDimension)")
    }
    let most = VietorisRips.mostPoints(maximumDimension: maximumDimension)
    guard n <= most else { throw error("at most \(most) points for dimension \(maximumDimension)", "\(n)") }
    if let threshold, !(threshold >= 0) { throw error("a threshold of at least 0", "\(threshold)") }
}

private func diagrams(_ distances: Tensor, maximumDimension: Int, threshold: Double?) throws -> [PersistenceDiagram] {
    let n = distances.shape[0]
    let fixed = stopGradient(distances).asType(.float32)
    let radius = try Tensor.maximum(fixed, fixed.transposed()).max(axes: [1]).min().scalar()
    // Where an edge is infinitely long there is none.
    let limit = min(Float(threshold ?? radius), Float.greatestFiniteMagnitude)
    let rips = try VietorisRips(distances: fixed.array(of: Float.self), n: n, maximumDimension: maximumDimension, threshold: limit)
    let flat = try distances.reshaped([n * n])
    func places(_ edges: [(Int, Int)]) throws -> Tensor { try flat.take(Tensor(edges.map { $0.0 * n + $0.1 }, on: flat.device)) }
    func generators(_ edges: [(Int, Int)]) throws -> Tensor {
        try Tensor(edges.flatMap { [Int32($0.0), Int32($0.1)] }, shape: [edges.count, 2], on: flat.device)
    }
    return try rips.classes.enumerated().map { dimension, classes in
        let ending = classes.filter { $0.death != nil }
        let (births, deaths) = (ending.compactMap(\.birth), ending.compactMap(\.death))
        guard dimension > 0 else {
            return PersistenceDiagram(
                dimension: 0, births: try .zeros([deaths.count], dtype: flat.dtype, on: flat.device), deaths: try places(deaths),
                birthGenerators: try .zeros([deaths.count, 0], dtype: .int32, on: flat.device), deathGenerators: try generators(deaths),
                essentialBirths: try .zeros([n - deaths.count], dtype: flat.dtype, on: flat.device))
        }
        return PersistenceDiagram(
            dimension: dimension, births: try places(births), deaths: try places(deaths), birthGenerators: try generators(births),
            deathGenerators: try generators(deaths),
            essentialBirths: try places(classes.filter { $0.death == nil }.compactMap(\.birth)))
    }
}
