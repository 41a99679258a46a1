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
///   - withCocycles: Whether diagrams of dimension 1 on have ``PersistenceDiagram/cocycles``.
/// - Returns: A diagram for each dimension from 0 on. Pairs of dimension 0 are in ascending order of deaths, with those that die at 0; of others only
///   those that live for some time, the last born first.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` for anything but floating-point points [n, d],
///   ``TensorError/invalidArgument(operation:expected:actual:)`` for a point that is not finite, too many points for the dimension, a dimension or a
///   threshold out of range; ``DeviceError/outOfMemory(device:requested:inUse:cached:limit:)``.
/// - Note: Distances, clearing and the apparent pairs of edges and triangles are found on the device; the columns that are left are reduced on
///   the host, within the CPU's memory limit, in 20 n^2 bytes and 8 for each simplex of the largest column: for loops less than 4 for each
///   edge and triangle there can be. Equal lengths are taken in the order of their indices; the values of the diagrams do not depend on that.
///   Source: U. Bauer, Ripser: efficient computation of Vietoris-Rips persistence barcodes, 2021.
public func ripsPersistence(
    _ points: Tensor, maximumDimension: Int = 1, threshold: Double? = nil, metric: Metric = .euclidean, withCocycles: Bool = false
) throws -> [PersistenceDiagram] {
    guard try points.checked().rank == 2, points.dtype.isFloatingPoint else {
        throw TensorError.shapeMismatch(operation: "ripsPersistence", expected: "floating-point points [n, d]", actual: [points.shape])
    }
    return try diagrams(
        ofClouds: points.expandedDimensions(at: 0), maximumDimension: maximumDimension, threshold: threshold, metric: metric,
        withCocycles: withCocycles)[0]
}

/// Persistent homology of many clouds of equally many points, each as ``ripsPersistence(_:maximumDimension:threshold:metric:withCocycles:)``
/// has it, in one call: one launch for all distances, and the clouds' reductions side by side on the host's threads.
///
/// - Parameters:
///   - clouds: [..., n, d], floating point, finite.
///   - maximumDimension: The highest dimension of the classes.
///   - threshold: The same for all clouds; by default each one's enclosing radius.
///   - metric: What a length is.
///   - withCocycles: See ``ripsPersistence(_:maximumDimension:threshold:metric:withCocycles:)``.
/// - Returns: The diagrams of each cloud, the clouds in the order of their elements.
/// - Throws: See ``ripsPersistence(_:maximumDimension:threshold:metric:withCocycles:)``.
/// - Note: The distances of all clouds are in memory at once.
public func batchedRipsPersistence(
    _ clouds: Tensor, maximumDimension: Int = 1, threshold: Double? = nil, metric: Metric = .euclidean, withCocycles: Bool = false
) throws -> [[PersistenceDiagram]] {
    guard try clouds.checked().rank >= 2, clouds.dtype.isFloatingPoint else {
        throw TensorError.shapeMismatch(
            operation: "batchedRipsPersistence", expected: "floating-point clouds [..., n, d]", actual: [clouds.shape])
    }
    let lead = clouds.shape.dropLast(2)
    let rows = try clouds.reshaped([lead.reduce(1, *)] + clouds.shape.suffix(2))
    return try diagrams(
        ofClouds: rows, maximumDimension: maximumDimension, threshold: threshold, metric: metric, withCocycles: withCocycles)
}

private func diagrams(
    ofClouds clouds: Tensor, maximumDimension: Int, threshold: Double?, metric: Metric, withCocycles: Bool
) throws -> [[PersistenceDiagram]] {
    guard metric != .dot else {
        throw TensorError.invalidArgument(operation: "ripsPersistence", expected: "a distance", actual: "the similarity dot")
    }
    let n = clouds.shape[1]
    try checkRipsArguments(n: n, maximumDimension: maximumDimension, threshold: threshold)
    if let row = try clouds.isFinite().all(axes: [2]).flattened().booleans().firstIndex(of: false) {
        let name = clouds.shape[0] > 1 ? "point \(row % n) of cloud \(row / n)" : "point \(row)"
        throw TensorError.invalidArgument(operation: "ripsPersistence", expected: "finite coordinates", actual: "\(name) is not")
    }
    let distances = try pairwiseDistance(clouds, clouds, metric: metric)
    return try diagrams(distances, maximumDimension: maximumDimension, threshold: threshold, withCocycles: withCocycles)
}

/// Persistent homology of a matrix of distances, or of a weighted graph (its flag complex) where infinity stands for no edge.
///
/// Gradient: of each birth and death to the matrix's element of its generator.
///
/// - Parameters:
///   - distances: [n, n], floating point: symmetric, not negative, 0 on the diagonal.
///   - maximumDimension: See ``ripsPersistence(_:maximumDimension:threshold:metric:withCocycles:)``.
///   - threshold: See ``ripsPersistence(_:maximumDimension:threshold:metric:withCocycles:)``.
///   - withCocycles: See ``ripsPersistence(_:maximumDimension:threshold:metric:withCocycles:)``.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` for anything but a square floating-point matrix,
///   ``TensorError/invalidArgument(operation:expected:actual:)`` naming an element that is not a distance; see also
///   ``ripsPersistence(_:maximumDimension:threshold:metric:withCocycles:)``.
public func ripsPersistence(
    distances: Tensor, maximumDimension: Int = 1, threshold: Double? = nil, withCocycles: Bool = false
) throws -> [PersistenceDiagram] {
    guard try distances.checked().rank == 2, distances.shape[0] == distances.shape[1], distances.dtype.isFloatingPoint else {
        throw TensorError.shapeMismatch(
            operation: "ripsPersistence", expected: "floating-point distances [n, n]", actual: [distances.shape])
    }
    let n = distances.shape[0]
    try checkRipsArguments(n: n, maximumDimension: maximumDimension, threshold: threshold)
    try distances.requireDistances("ripsPersistence")
    return try diagrams(
        distances.expandedDimensions(at: 0), maximumDimension: maximumDimension, threshold: threshold, withCocycles: withCocycles)[0]
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

/// Of distances [clouds, n, n].
private func diagrams(
    _ distances: Tensor, maximumDimension: Int, threshold: Double?, withCocycles: Bool
) throws -> [[PersistenceDiagram]] {
    let (clouds, n) = (distances.shape[0], distances.shape[1])
    guard clouds > 0 else { return [] }
    let fixed = try stopGradient(distances).asType(.float32).packed().evaluated()
    let radii = try Tensor.maximum(fixed, fixed.swappingAxes(1, 2)).max(axes: [2]).min(axes: [1]).array(of: Float.self)
    // Where an edge is infinitely long there is none.
    let limits = radii.map { min(threshold.map { Float($0) } ?? $0, Float.greatestFiniteMagnitude) }
    let found = try VietorisRips.all(
        distances: fixed.array(of: Float.self),
        columns: maximumDimension > 0 && fixed.device.isOpenCL
            ? RipsColumns(distances: fixed.slice(), n: n, thresholds: limits, on: fixed.device) : nil,
        n: n, maximumDimension: maximumDimension, thresholds: limits, withCocycles: withCocycles)
    var places: [Int] = []
    func place(_ edges: [(Int, Int)], _ cloud: Int) -> Range<Int> {
        let begin = places.count
        places += edges.map { (cloud * n + $0.0) * n + $0.1 }
        return begin..<places.count
    }
    let ranges = found.enumerated().map { cloud, rips in
        rips.classes.map { classes in
            let (ending, lasting) = (classes.filter { $0.death != nil }, classes.filter { $0.death == nil })
            return (
                births: place(ending.compactMap(\.birth), cloud), deaths: place(ending.compactMap(\.death), cloud),
                essential: place(lasting.compactMap(\.birth), cloud)
            )
        }
    }
    let device = distances.device
    // All lengths at once, so that derivatives go back to the matrix once.
    let lengths = try distances.reshaped([clouds * n * n]).take(Tensor(places, on: device))
    func part(_ range: Range<Int>) throws -> Tensor { try lengths.slice(axis: 0, from: range.lowerBound, to: range.upperBound) }
    func generators(_ edges: [(Int, Int)]) throws -> Tensor {
        try Tensor(edges.flatMap { [Int32($0.0), Int32($0.1)] }, shape: [edges.count, 2], on: device)
    }
    func zeros(_ shape: [Int], _ dtype: DType) throws -> Tensor { try .zeros(shape, dtype: dtype, on: device) }
    return try zip(found, ranges).map { rips, ranges in
        try zip(rips.classes, ranges).enumerated().map { dimension, group in
            let (classes, range) = group
            let ending = classes.filter { $0.death != nil }
            let (isPoints, count) = (dimension == 0, ending.count)
            var diagram = PersistenceDiagram(
                dimension: dimension, births: isPoints ? try zeros([count], lengths.dtype) : try part(range.births),
                deaths: try part(range.deaths),
                birthGenerators: isPoints ? try zeros([count, 0], .int32) : try generators(ending.compactMap(\.birth)),
                deathGenerators: try generators(ending.compactMap(\.death)),
                essentialBirths: isPoints ? try zeros([n - count], lengths.dtype) : try part(range.essential))
            if withCocycles, !isPoints {
                diagram.cocycles = try (ending + classes.filter { $0.death == nil }).map {
                    try Tensor($0.cocycle, shape: [$0.cocycle.count / (dimension + 1), dimension + 1], on: device)
                }
            }
            return diagram
        }
    }
}
