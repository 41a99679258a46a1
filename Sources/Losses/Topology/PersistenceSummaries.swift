import LossKitOps

/// The classes of points in one dimension; components without a matrix of distances.
private func diagram(_ points: Tensor, dimension: Int, _ operation: String) throws -> PersistenceDiagram {
    try require(0...2 ~= dimension, operation, "a dimension from 0 to 2", dimension)
    return dimension == 0 ? try persistence0(points) : try ripsPersistence(points, maximumDimension: dimension)[dimension]
}

/// How long the classes of points live, to a power: the total persistence of their Vietoris-Rips filtration in one dimension.
///
/// `sum over classes of (death - birth)^power`; torch-topological's `total_persistence`. Classes that never die are left out.
/// Gradient: `power (death - birth)^(power - 1)` to the edges that bring death and birth about, which are held fixed.
///
/// - Parameters:
///   - points: [n, d] with n >= 1, floating point, finite.
///   - dimension: 0 for components, 1 for loops, 2 for voids.
///   - power: At least 1.
/// - Throws: See ``ripsPersistence(_:maximumDimension:threshold:metric:withCocycles:)``; ``TensorError/invalidArgument(operation:expected:actual:)``
///   for the options.
public func totalPersistence(_ points: Tensor, dimension: Int = 1, power: Double = 2) throws -> Tensor {
    try require(power >= 1 && power.isFinite, "totalPersistence", "a finite power of at least 1", power)
    let lifetimes = try diagram(points, dimension: dimension, "totalPersistence").persistence
    return try (power == 1 ? lifetimes : power == 2 ? lifetimes.square() : lifetimes.power(power)).sum()
}

/// The entropy of how long the classes of points live; see ``PersistenceDiagram/entropy()``.
///
/// `-sum p log p`, p a class's part of the sum of all lifetimes: 0 for a single feature, largest for features that live equally long.
///
/// - Parameters:
///   - points: [n, d] with n >= 1, floating point, finite.
///   - dimension: 0 for components, 1 for loops, 2 for voids.
/// - Throws: See ``ripsPersistence(_:maximumDimension:threshold:metric:withCocycles:)``; ``TensorError/invalidArgument(operation:expected:actual:)``
///   for the dimension.
public func persistenceEntropy(_ points: Tensor, dimension: Int = 0) throws -> Tensor {
    try diagram(points, dimension: dimension, "persistenceEntropy").entropy()
}

extension LossDescription {
    static let totalPersistenceLoss = LossDescription(
        "totalPersistence", .topology, "How long components, loops or voids of points live, to a power",
        reference: "total persistence of a Vietoris-Rips filtration", inputs: [.init("points", ["n", "d"])],
        options: [.integer("dimension", 1), .number("power", 2)]
    ) { try totalPersistence($0["points"], dimension: $0.integer("dimension"), power: $0.number("power")) }

    static let persistenceEntropyLoss = LossDescription(
        "persistenceEntropy", .topology, "Entropy of how long components, loops or voids of points live",
        reference: "Atienza, Gonzalez-Diaz and Rucco, Persistent entropy for separating topological features from noise, 2017",
        inputs: [.init("points", ["n", "d"])], options: [.integer("dimension", 0)]
    ) { try persistenceEntropy($0["points"], dimension: $0.integer("dimension")) }
}
