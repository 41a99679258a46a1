import LossKitOps

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The Monge gap of a map: what its pairs cost above an entropic optimal plan between the points and their images.
///
/// `mean_i C(x_i, y_i) - W`, `W = min over plans P of <P, C> - epsilon H(P)`, H(P) = -sum P log P, y_i the image of x_i, uniform weights.
/// At least epsilon log n; without entropy 0 where the map is optimal for the cost. With `C = |x - y|^2 / 2`, OTT's
/// `monge_gap_from_samples` of
/// twice the epsilon is twice this.
/// Gradient: by the envelope theorem, with respect to both.
///
/// - Parameters:
///   - points: x [n, d], finite.
///   - images: y [n, d].
///   - epsilon: At least 1e-30, in the cost's units.
///   - power: 2 for `|x - y|^2 / 2`, 1 for `|x - y|`.
///   - tolerance: Of the plan's marginals in L1; the gradient's error follows it.
///   - maximumIterations: Stop at the latest here.
/// - Throws: As ``entropicTransport(_:a:b:epsilon:options:)``.
/// - Note: Uscidda and Cuturi, The Monge Gap: A Regularizer to Learn All Transport Maps, 2023.
public func mongeGap(
    points: Tensor, images: Tensor, epsilon: Double = 0.05, power: Int = 2, tolerance: Double = 1e-3, maximumIterations: Int = 1000
) throws -> Tensor {
    try requireEqualShapes(points, images, "mongeGap")
    guard points.rank == 2, points.shape[0] > 0 else {
        throw TensorError.shapeMismatch(operation: "mongeGap", expected: "points [n, d], n above 0", actual: [points.shape])
    }
    let options = EntropicTransportOptions(tolerance: tolerance, maximumIterations: maximumIterations)
    let solution = try entropicTransport(.points(points, images, power: power), epsilon: epsilon, options: options)
    let sample = try Tensor.commonSample(points, images)
    let apart = points.asType(sample.dtype).inArithmetic() - images.asType(sample.dtype).inArithmetic()
    let costs = power == 1 ? try apart.norm(axes: [1]) : try apart.square().sum(axes: [1]) * 0.5
    // The divergence to the product of weights is log n^2 less than minus the entropy.
    return try (costs.mean() - solution.value + 2 * epsilon * log(Double(points.shape[0]))).asType(sample.dtype)
}

extension LossDescription {
    static let mongeGapLoss = LossDescription(
        "mongeGap", .transport, "What a map's pairs cost above an optimal plan",
        reference: "Uscidda and Cuturi, The Monge Gap: A Regularizer to Learn All Transport Maps, 2023",
        inputs: [.init("points", ["n", "d"]), .init("images", ["n", "d"])],
        options: [.number("epsilon", 0.05), .integer("power", 2), .number("tolerance", 1e-3), .integer("maximumIterations", 1000)],
        catalogue: ["the-monge-gap-a-regularizer-to-learn-all-transport"]
    ) {
        try mongeGap(
            points: $0["points"], images: $0["images"], epsilon: $0.number("epsilon"), power: $0.integer("power"),
            tolerance: $0.number("tolerance"), maximumIterations: $0.integer("maximumIterations"))
    }
}
