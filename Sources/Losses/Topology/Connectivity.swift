import LossKitOps

/// How far the scales at which points become connected are from a wished one.
///
/// `sum over edges of the minimum spanning tree of |eta - |x_i - x_j||`; gradient: the sign times the unit vector along each edge, the
/// tree held fixed.
///
/// - Parameters:
///   - points: [n, d] with n >= 2, floating point, finite.
///   - eta: The wished length of edges, not negative.
/// - Throws: See ``minimumSpanningTree(_:metric:)``; ``TensorError/invalidArgument(operation:expected:actual:)`` for eta.
/// - Note: C. Hofer, R. Kwitt, M. Dixit, M. Niethammer, Connectivity-optimized representation learning via persistent homology, 2019;
///   lengths are Euclidean.
public func connectivity(_ points: Tensor, eta: Double = 2) throws -> Tensor {
    try requireShape(points, [nil, nil], "points", "connectivity")
    try require(eta >= 0 && eta.isFinite, "connectivity", "a finite eta of at least 0", eta)
    return try (minimumSpanningTree(points).lengths - eta).absolute().sum()
}

extension LossDescription {
    static let connectivityLoss = LossDescription(
        "connectivity", .topology, "Points that become connected at a wished scale",
        reference: "Hofer, Kwitt, Dixit and Niethammer, Connectivity-Optimized Representation Learning via Persistent Homology, 2019",
        inputs: [.init("points", ["n", "d"])], options: [.number("eta", 2)]
    ) { try connectivity($0["points"], eta: $0.number("eta")) }
}
