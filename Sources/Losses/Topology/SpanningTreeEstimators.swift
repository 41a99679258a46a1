import LossKitOps

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// An estimate of the Renyi entropy of the density that points are drawn from, by the length of their spanning tree.
///
/// `(d / power) (log(sum over edges |x_i - x_j|^power) - (1 - power / d) log n - constant)`, of order `1 - power / d`.
/// Gradient: `(d / power) / sum` times that of the sum, the tree held fixed.
///
/// - Parameters:
///   - points: [n, d] with n >= 2, floating point, finite, not all equal.
///   - power: Above 0 and below d.
///   - constant: The logarithm of the length that n uniform points of the unit cube tend to, over `n^(1 - power / d)`; it depends on d and
///     power only and shifts the estimate.
/// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for the power; see ``minimumSpanningTree(_:metric:)``.
/// - Note: A. Hero, O. Michel, Asymptotic theory of greedy approximations to minimal k-point random graphs, 1999.
public func spanningTreeEntropy(_ points: Tensor, power: Double = 1, constant: Double = 0) throws -> Tensor {
    let operation = "spanningTreeEntropy"
    try requireShape(points, [nil, nil], "points", operation)
    let (n, d) = (Double(points.shape[0]), Double(points.shape[1]))
    try require(power > 0 && power < d, operation, "a power above 0 and below \(points.shape[1])", power)
    return try (treeSum(points, power).log() - ((1 - power / d) * log(n) + constant)) * (d / power)
}

/// An estimate of the intrinsic dimension of points, by how the length of their spanning tree grows with their number (persistent homology
/// dimension).
///
/// `power / (1 - s)`, s the slope of a least-squares line through
/// `(log n_k, log sum over edges of the tree of the first n_k points of |e|^power)`.
/// Gradient: that of the lengths, the trees held fixed.
///
/// - Parameters:
///   - points: [n, d] in random order, floating point, finite; no number of first points may lie in one place.
///   - power: Above 0.
///   - sizes: How many numbers n_k, evenly from n / 2 to n; at least 2, and at most n / 2.
/// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for options; see ``minimumSpanningTree(_:metric:)``.
/// - Note: T. Birdal, A. Lou, L. Guibas, U. Simsekli, Intrinsic dimension, persistent homology and generalization in neural networks, 2021.
public func spanningTreeDimension(_ points: Tensor, power: Double = 1, sizes: Int = 3) throws -> Tensor {
    let operation = "spanningTreeDimension"
    try requireShape(points, [nil, nil], "points", operation)
    let n = points.shape[0]
    try require(power > 0 && power.isFinite, operation, "a finite power above 0", power)
    try require(sizes >= 2 && sizes <= n / 2, operation, "2 to \(max(2, n / 2)) sizes for \(n) points", sizes)
    let counts = (0..<sizes).map { (n + 1) / 2 + (n - (n + 1) / 2) * $0 / (sizes - 1) }
    let places = counts.map { log(Double($0)) }
    let mean = places.reduce(0, +) / Double(sizes)
    let spread = places.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let logarithms = try Tensor.stack(counts.map { try treeSum(points.slice(axis: 0, from: 0, to: $0), power).log() }, axis: 0)
    let weights = try Tensor(places.map { ($0 - mean) / spread }, dtype: logarithms.dtype, on: points.device)
    return try power / (1 - (logarithms * weights).sum())
}

private func treeSum(_ points: Tensor, _ power: Double) throws -> Tensor {
    let lengths = try minimumSpanningTree(points).lengths
    return try (power == 1 ? lengths : lengths.power(power)).sum()
}

extension LossDescription {
    static let spanningTreeEntropyLoss = LossDescription(
        "spanningTreeEntropy", .topology, "Renyi entropy of points' density, by their spanning tree",
        reference: "Hero and Michel, Asymptotic theory of greedy approximations to minimal k-point random graphs, 1999",
        inputs: [.init("points", ["n", "d"])], options: [.number("power", 1), .number("constant", 0)]
    ) { try spanningTreeEntropy($0["points"], power: $0.number("power"), constant: $0.number("constant")) }

    static let spanningTreeDimensionLoss = LossDescription(
        "spanningTreeDimension", .topology, "Intrinsic dimension of points, by how their spanning tree grows",
        reference: "Birdal, Lou, Guibas and Simsekli, Intrinsic Dimension, Persistent Homology and Generalization in Neural Networks, 2021",
        inputs: [.init("points", ["n", "d"])], options: [.number("power", 1), .integer("sizes", 3)]
    ) { try spanningTreeDimension($0["points"], power: $0.number("power"), sizes: $0.integer("sizes")) }
}
