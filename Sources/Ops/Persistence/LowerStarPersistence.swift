import LossKitKernels

/// Persistent homology of the sublevel sets, or superlevel sets, of values on the vertices of a simplicial complex, as a mesh: a simplex appears with the
/// last of its vertices (the lower-star filtration). Coefficients are those of Z/2.
///
/// Gradient: a birth or a death is the value of one vertex, its generator; the pairing is a constant, so where it changes this is a subgradient.
///
/// - Parameters:
///   - values: [n], floating point, finite, 1 to 2^26 of them.
///   - simplices: [m, k], integers: the vertices of edges, triangles or tetrahedra, k in 1...4, whose faces belong to the complex too. A row that
///     repeats vertices is a simplex of fewer.
///   - isSuperlevel: Whether vertices appear from the largest value down; then births are above deaths.
/// - Returns: A diagram for each dimension below k, of the classes that live for some time, in the order of deaths. Generators are [pairs, 1].
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` for other shapes,
///   ``TensorError/invalidArgument(operation:expected:actual:)`` naming the first value that is not finite or the first simplex without such vertices;
///   ``DeviceError/outOfMemory(device:requested:inUse:cached:limit:)``.
/// - Note: On the host. Equal values are taken in the order of their places; the values of the diagrams do not depend on that. GUDHI's `SimplexTree`
///   after `make_filtration_non_decreasing`.
public func lowerStarPersistence(_ values: Tensor, simplices: Tensor, isSuperlevel: Bool = false) throws -> [PersistenceDiagram] {
    let operation = "lowerStarPersistence"
    guard try values.checked().rank == 1, values.dtype.isFloatingPoint, 1...SimplicialPersistence.mostVertices ~= values.count,
        try simplices.checked().rank == 2, 1...4 ~= simplices.shape[1], !simplices.dtype.isFloatingPoint, simplices.dtype != .bool
    else {
        throw TensorError.shapeMismatch(
            operation: operation, expected: "1 to 2^26 floating-point values [n] and integer simplices [m, 1...4]",
            actual: [values.shape, simplices.shape])
    }
    let fixed = stopGradient(values).asType(.float32)
    let heights = try (isSuperlevel ? -fixed : fixed).array(of: Float.self)
    if let vertex = heights.firstIndex(where: { !$0.isFinite }) {
        throw TensorError.invalidArgument(operation: operation, expected: "finite values", actual: "another one at \(vertex)")
    }
    let (n, size) = (heights.count, simplices.shape[1])
    let vertices = try simplices.array(of: Int.self)
    if let place = vertices.firstIndex(where: { !(0..<n ~= $0) }) {
        throw TensorError.invalidArgument(
            operation: operation, expected: "vertices from 0 to \(n - 1)", actual: "\(vertices[place]) in simplex \(place / size)")
    }
    let found = try SimplicialPersistence(lowerStarOf: heights, simplices: vertices.map { Int32($0) }, size: size).classes
    func elements(_ places: [Int]) throws -> Tensor { try values.take(Tensor(places, on: values.device)) }
    func generators(_ places: [Int]) throws -> Tensor {
        try Tensor(places.map { Int32($0) }, shape: [places.count, 1], on: values.device)
    }
    return try (0..<size).map { dimension in
        let classes = found.filter { $0.dimension == dimension }
        let ending = classes.filter { $0.death != nil }
        let (births, deaths) = (ending.map { Int($0.birth[0]) }, ending.compactMap { $0.death.map { Int($0[0]) } })
        return PersistenceDiagram(
            dimension: dimension, births: try elements(births), deaths: try elements(deaths), birthGenerators: try generators(births),
            deathGenerators: try generators(deaths),
            essentialBirths: try elements(classes.filter { $0.death == nil }.map { Int($0.birth[0]) }))
    }
}
