import LossKitOps

/// The pairs of two batches that transport would make: for flow matching and consistency training, which noise goes with which data.
///
/// The rows of y, one for each of x, with the least sum of squared distances; no derivative is carried through the choice.
///
/// - Parameters:
///   - x: [n, ...], say noise.
///   - y: [n, ...], say data, of the same shape.
/// - Returns: [n] int64: `y.rows(at:)` of it are x's partners.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Exact, O(n^3) on the host; distances on the device. Tong et al., Improving and Generalizing Flow-Based Generative Models with
///   Minibatch Optimal Transport, 2024; Pooladian et al., Multisample Flow Matching, 2023.
public func minibatchCoupling(_ x: Tensor, _ y: Tensor) throws -> Tensor {
    try requireEqualShapes(x, y, "minibatchCoupling")
    guard x.rank >= 2 else {
        throw TensorError.shapeMismatch(operation: "minibatchCoupling", expected: "batches [n, ...]", actual: [x.shape])
    }
    let d = x.shape.dropFirst().reduce(1, *)
    func flat(_ batch: Tensor) throws -> Tensor { try stopGradient(batch).inArithmetic().reshaped([batch.shape[0], d]) }
    return try assignment(cost: pairwiseDistance(flat(x), flat(y), metric: .squaredEuclidean)).columns
}

/// Transport between two batches: `mean_i |x_i - y_s(i)|^2 / 2` over the best pairs s of ``minibatchCoupling(_:_:)``.
///
/// Gradient: `(x_i - y_s(i)) / n`, the pairs held; twice differentiable.
///
/// - Parameters:
///   - x: [n, d].
///   - y: [n, d].
/// - Throws: As ``minibatchCoupling(_:_:)``.
public func minibatchTransport(_ x: Tensor, _ y: Tensor) throws -> Tensor {
    try requireShape(x, [nil, nil], "x", "minibatchTransport")
    let partners = try y.rows(at: minibatchCoupling(x, y))
    let sample = try Tensor.commonSample(x, y)
    let apart = x.asType(sample.dtype).inArithmetic() - partners.asType(sample.dtype).inArithmetic()
    return try (apart.square().sum(axes: [1]).mean() * 0.5).asType(sample.dtype)
}

extension LossDescription {
    static let minibatchTransportLoss = LossDescription(
        "minibatchTransport", .transport, "Half the mean squared distance of the best pairs of two batches",
        reference: "Tong et al., Improving and Generalizing Flow-Based Generative Models with Minibatch Optimal Transport, 2024",
        inputs: [.init("x", ["n", "d"]), .init("y", ["n", "d"])], options: []
    ) { try minibatchTransport($0["x"], $0["y"]) }
}
