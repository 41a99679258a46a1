import LossKitOps

/// `cos(x_i, y_i)` of each row, of at least float32; norms are held above 1e-12.
private func cosines(_ x: Tensor, _ y: Tensor) throws -> Tensor {
    try (x.inArithmetic().unitRows() * y.inArithmetic().unitRows()).sum(axes: [1])
}

/// BYOL: predictions of one view should point where the target network's projection of the other does.
///
/// `2 - 2 cos(p_i, z_i)`, projections held still; of two views, add both directions.
///
/// - Parameters:
///   - predictions: [n, d], of the online network's predictor, floating point.
///   - projections: [n, d], of the target network, for the other view.
///   - reduction: Over rows.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/dtypeMismatch(operation:expected:actual:)``.
/// - Note: Grill et al., Bootstrap Your Own Latent, 2020.
public func byol(predictions: Tensor, projections: Tensor, reduction: Reduction = .mean) throws -> Tensor {
    try requireViews(predictions, projections, rows: 0, "byol")
    let gaps = try predictions.inArithmetic().unitRows().gaps(besides: stopGradient(projections).inArithmetic().unitRows())
    return try reduction(gaps * 2).asType(predictions.dtype)
}

/// SimSiam: each view's prediction should point where the other's projection does, without a second network.
///
/// `-(cos(p1_i, z2_i) + cos(p2_i, z1_i)) / 2`, projections held still.
///
/// - Parameters:
///   - firstPredictions: [n, d], floating point.
///   - secondPredictions: [n, d].
///   - firstProjections: [n, d], what the first predictions are made from.
///   - secondProjections: [n, d].
///   - reduction: Over rows.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/dtypeMismatch(operation:expected:actual:)``.
/// - Note: Chen and He, Exploring Simple Siamese Representation Learning, 2021.
public func simSiam(
    firstPredictions: Tensor, secondPredictions: Tensor, firstProjections: Tensor, secondProjections: Tensor, reduction: Reduction = .mean
) throws -> Tensor {
    try requireViews(firstPredictions, secondPredictions, rows: 0, "simSiam")
    try requireViews(firstPredictions, firstProjections, rows: 0, "simSiam")
    try requireViews(firstPredictions, secondProjections, rows: 0, "simSiam")
    let crossed =
        try cosines(firstPredictions, stopGradient(secondProjections)) + cosines(secondPredictions, stopGradient(firstProjections))
    return try reduction(crossed * -0.5).asType(firstPredictions.dtype)
}

extension LossDescription {
    static let byolLoss = LossDescription(
        "byol", .selfSupervised, "Predictions point where the target network's projections do",
        reference: "Grill et al., Bootstrap Your Own Latent: A New Approach to Self-Supervised Learning, 2020",
        inputs: [.init("predictions", ["n", "d"]), .init("projections", ["n", "d"], isDifferentiable: false)], options: [.reduction]
    ) { try byol(predictions: $0["predictions"], projections: $0["projections"], reduction: $0.reduction()) }

    static let simSiamLoss = LossDescription(
        "simSiam", .selfSupervised, "Each view's prediction points where the other's projection does",
        reference: "Chen and He, Exploring Simple Siamese Representation Learning, 2021",
        inputs: [
            .init("firstPredictions", ["n", "d"]), .init("secondPredictions", ["n", "d"]),
            .init("firstProjections", ["n", "d"], isDifferentiable: false),
            .init("secondProjections", ["n", "d"], isDifferentiable: false),
        ],
        options: [.reduction]
    ) {
        try simSiam(
            firstPredictions: $0["firstPredictions"], secondPredictions: $0["secondPredictions"],
            firstProjections: $0["firstProjections"], secondProjections: $0["secondProjections"], reduction: $0.reduction())
    }
}
