import LossKitOps

/// How far the heights at which points are joined by single linkage are from given ones.
///
/// `mean over pairs i < j of (c_ij - t_ij)^2`, c the cophenetic distances, see ``copheneticDistances(_:metric:)``.
/// Gradient: of each height to the one edge that it is the length of, the tree held fixed.
///
/// - Parameters:
///   - points: [n, d] with n >= 2, floating point, finite.
///   - heights: [n, n], of which the part above the diagonal counts.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``; see ``minimumSpanningTree(_:metric:)``.
/// - Note: R. Sokal, F. Rohlf, The comparison of dendrograms by objective methods, 1962.
public func cophenetic(points: Tensor, heights: Tensor) throws -> Tensor {
    let n = try points.checked().shape.first ?? 0
    try requireShape(heights, [n, n], "heights", "cophenetic")
    return try meanOverPairs((copheneticDistances(points) - heights).square(), "cophenetic")
}

/// How far the single-linkage dendrogram of points is from that of others, by the heights at which each pair is joined.
///
/// `mean over pairs i < j of (c_ij(points) - c_ij(targets))^2`; see ``cophenetic(points:heights:)``.
///
/// - Parameters:
///   - points: [n, d] with n >= 2, floating point, finite.
///   - targets: [n, e], the same points in another space.
/// - Throws: As ``cophenetic(points:heights:)``.
public func dendrogramMismatch(points: Tensor, targets: Tensor) throws -> Tensor {
    let n = try points.checked().shape.first ?? 0
    try requireShape(targets, [n, nil], "targets", "dendrogramMismatch")
    return try meanOverPairs((copheneticDistances(points) - copheneticDistances(targets)).square(), "dendrogramMismatch")
}

private func meanOverPairs(_ elements: Tensor, _ operation: String) throws -> Tensor {
    let n = elements.shape[0]
    try require(n >= 2, operation, "at least 2 points", n)
    let list = try Tensor.arange(to: Double(n), on: elements.device)
    let isAbove = (try list.expandedDimensions(at: 1) .< list).asType(elements.dtype)
    return try (elements * isAbove).sum() * (2 / (Double(n) * Double(n - 1)))
}

extension LossDescription {
    static let copheneticLoss = LossDescription(
        "cophenetic", .topology, "Heights at which single linkage joins points are given ones",
        reference: "Sokal and Rohlf, The comparison of dendrograms by objective methods, 1962",
        inputs: [.init("points", ["n", "d"]), .init("heights", ["n", "n"], .real(0...2))]
    ) { try cophenetic(points: $0["points"], heights: $0["heights"]) }

    static let dendrogramMismatchLoss = LossDescription(
        "dendrogramMismatch", .topology, "Single linkage joins points at the heights at which it joins them in another space",
        reference: "cophenetic distances of single linkage", inputs: [.init("points", ["n", "d"]), .init("targets", ["n", "e"])]
    ) { try dendrogramMismatch(points: $0["points"], targets: $0["targets"]) }
}
