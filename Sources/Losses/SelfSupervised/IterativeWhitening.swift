import LossKitOps

/// INTL: two views agree after a few whitening iterations, and every whitened coordinate keeps its variance.
///
/// With `S` the covariance over n - 1, `P <- (3 P - P^3 S / tr S) / 2` from the identity and `z = P / sqrt(tr S) (x - mean)`:
/// `2 - 2 mean_i cos(z_i, z'_i) + beta (T(z) + T(z'))`, `T(z) = sum_j (Var_j - 1)^2`. Gradients flow through the iterations.
///
/// - Parameters:
///   - first: [n, d], floating point, n >= 2.
///   - second: [n, d].
///   - beta: Weight of the trace terms; nil for the authors' `0.01 (log2 n - 3)`.
///   - iterations: At least 0; about 12 whiten in full, as the inverse root of the covariance does. In float32 many more diverge.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Weng et al., Modulate Your Spectrum in Self-Supervised Learning, 2024.
public func iterativeWhitening(first: Tensor, second: Tensor, beta: Double? = nil, iterations: Int = 4) throws -> Tensor {
    try requireViews(first, second, rows: 2, "iterativeWhitening")
    try require(iterations >= 0, "iterativeWhitening", "iterations >= 0", iterations)
    let n = Double(first.shape[0])
    let (x, y) = (try spectrumModulated(first.inArithmetic(), iterations), try spectrumModulated(second.inArithmetic(), iterations))
    func trace(_ z: Tensor) throws -> Tensor { try (z.square().sum(axes: [0]) / (n - 1) - 1).square().sum() }
    let apart = try (x.unitRows() - y.unitRows()).square().sum(axes: [1]).mean()
    let weight = try beta.map { try first.inArithmetic().constant($0) } ?? (first.inArithmetic().constant(n).log2() - 3) * 0.01
    return try (apart + (trace(x) + trace(y)) * weight).asType(first.dtype)
}

/// Rows [n, d] less their mean times the iterate of the inverse square root of their covariance.
private func spectrumModulated(_ rows: Tensor, _ iterations: Int) throws -> Tensor {
    let apart = try rows.centredColumns()
    // Of any scale the result is the same.
    let centred = try apart / apart.magnitude(axes: [0, 1])
    let covariance = try centred.swappingAxes(0, 1).matmul(centred) / Double(rows.shape[0] - 1)
    let trace = try covariance.diagonal().sum() + 1e-30
    let relative = covariance / trace
    var root = try Tensor.eye(rows.shape[1], dtype: rows.dtype, on: rows.device)
    for _ in 0..<iterations { root = try root * 1.5 - root.matmul(root).matmul(root).matmul(relative) * 0.5 }
    return try centred.matmul(root.swappingAxes(0, 1)) * trace.reciprocalSquareRoot()
}

extension LossDescription {
    static let iterativeWhiteningLoss = LossDescription(
        "iterativeWhitening", .selfSupervised, "INTL: views agree after whitening iterations that keep every variance",
        reference: "Weng et al., Modulate Your Spectrum in Self-Supervised Learning, 2024",
        inputs: [.init("first", ["n", "d"]), .init("second", ["n", "d"])],
        options: [.number("beta", nil), .integer("iterations", 4)],
        catalogue: ["modulate-your-spectrum-in-self-supervised-learning"]
    ) {
        try iterativeWhitening(
            first: $0["first"], second: $0["second"], beta: $0.optionalNumber("beta"), iterations: $0.integer("iterations"))
    }
}
