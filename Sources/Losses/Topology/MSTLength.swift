import LossKitOps

/// The length of the points' minimum spanning tree, each edge to a power: the total persistence of their connected components.
///
/// `sum over edges |x_i - x_j|^power`; gradient `power |x_i - x_j|^(power - 2) (x_i - x_j)` along each edge, the tree held fixed.
///
/// - Parameters:
///   - points: [n, d] with n >= 2, floating point, finite.
///   - power: At least 1.
/// - Throws: See ``minimumSpanningTree(_:metric:)``.
public func mstLength(_ points: Tensor, power: Double = 1) throws -> Tensor {
    try requireShape(points, [nil, nil], "points", "mstLength")
    try require(power >= 1, "mstLength", "power >= 1", power)
    let lengths = try minimumSpanningTree(points).lengths
    return try (power == 1 ? lengths : lengths.power(power)).sum()
}

extension LossDescription {
    static let mstLengthLoss = LossDescription(
        "mstLength", .topology, "Length of the minimum spanning tree, edges to a power",
        reference: "total persistence of connected components", inputs: [.init("points", ["n", "d"])], options: [.number("power", 1)]
    ) { try mstLength($0["points"], power: $0.number("power")) }
}
