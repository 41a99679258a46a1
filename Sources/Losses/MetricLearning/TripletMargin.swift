import LossKitOps

/// Triplet margin loss: a positive should be nearer to its anchor than a negative is, by a margin.
///
/// `max(0, d(a, p) - d(a, n) + margin)` with `d(x, y) = |x - y + 1e-6|_2`, as PyTorch's `triplet_margin_loss`.
/// With `swap`, `d(p, n)` stands for `d(a, n)` where it is smaller.
///
/// - Parameters:
///   - anchors: [n, d], floating point.
///   - positives: [n, d].
///   - negatives: [n, d].
///   - margin: In units of distance.
///   - reduction: Over triplets.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``.
/// - Note: Schroff, Kalenichenko and Philbin, FaceNet, 2015; swap: Balntas et al., 2016.
public func tripletMargin(
    anchors: Tensor, positives: Tensor, negatives: Tensor, margin: Double = 1, swap: Bool = false, reduction: Reduction = .mean
) throws -> Tensor {
    try requireEqualShapes(anchors, positives, "tripletMargin")
    try requireEqualShapes(anchors, negatives, "tripletMargin")
    guard anchors.rank == 2 else {
        throw TensorError.shapeMismatch(operation: "tripletMargin", expected: "points [n, d]", actual: [anchors.shape])
    }
    try requireFloatingPoint(anchors, "tripletMargin")
    func distance(_ x: Tensor, _ y: Tensor) throws -> Tensor { try (x - y + 1e-6).length(axes: [1]) }
    var apart = try distance(anchors, negatives)
    if swap { apart = try Tensor.minimum(apart, distance(positives, negatives)) }
    return try reduction((distance(anchors, positives) - apart + margin).relu())
}

extension LossDescription {
    static let tripletMarginLoss = LossDescription(
        "tripletMargin", .metricLearning, "A positive nearer to its anchor than a negative, by a margin",
        reference: "Schroff, Kalenichenko and Philbin, FaceNet, 2015",
        inputs: [.init("anchors", ["n", "d"]), .init("positives", ["n", "d"]), .init("negatives", ["n", "d"])],
        options: [.number("margin", 1), .flag("swap", false), .reduction]
    ) {
        try tripletMargin(
            anchors: $0["anchors"], positives: $0["positives"], negatives: $0["negatives"], margin: $0.number("margin"),
            swap: $0.flag("swap"), reduction: $0.reduction())
    }
}
