import LossKitKernels

/// How far apart two points are.
public enum Metric: String, Sendable, CaseIterable {
    /// sum_k (x_k - y_k)^2.
    case squaredEuclidean
    /// The root of that; its derivative at distance 0 is 0.
    case euclidean
    /// sum_k |x_k - y_k|.
    case manhattan
    /// 1 - x.y / (|x| |y|), norms held away from 0 by 1e-8.
    case cosine
    /// x.y: a similarity rather than a distance, under the name the field uses for both.
    case dot
}

/// The distances of all pairs: x [n, d] and y [m, d] give [n, m], in float32.
///
/// Differences are taken directly, so points far from the origin lose nothing. Twice differentiable.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``.
public func pairwiseDistance(_ x: Tensor, _ y: Tensor, metric: Metric = .euclidean) throws -> Tensor {
    guard try x.checked().rank == 2, try y.checked().rank == 2, x.shape[1] == y.shape[1] else {
        throw TensorError.shapeMismatch(operation: "pairwiseDistance", expected: "points [n, d] and [m, d]", actual: [x.shape, y.shape])
    }
    guard x.dtype.isFloatingPoint, y.dtype.isFloatingPoint else {
        throw TensorError.dtypeMismatch(operation: "pairwiseDistance", expected: "floating-point points", actual: [x.dtype, y.dtype])
    }
    guard x.device == y.device else {
        throw TensorError.deviceMismatch(operation: "pairwiseDistance", devices: ["\(x.device)", "\(y.device)"])
    }
    let output = DType.promoted(x.dtype, y.dtype)
    func normalized(_ points: Tensor) throws -> Tensor {
        try points / Tensor.maximum(points.norm(axes: [1], keepDimensions: true), .full([], 1e-8, dtype: points.dtype, on: points.device))
    }
    switch metric {
    case .dot: return try x.matmul(y.transposed())
    case .cosine: return try 1 - normalized(x).matmul(normalized(y).transposed())
    case .squaredEuclidean: return try distances(.squaredEuclidean, x.asType(.float32), y.asType(.float32)).asType(output)
    case .euclidean: return try distances(.euclidean, x.asType(.float32), y.asType(.float32)).asType(output)
    case .manhattan: return try distances(.manhattan, x.asType(.float32), y.asType(.float32)).asType(output)
    }
}

private func distances(_ metric: PairKernels.Metric, _ x: Tensor, _ y: Tensor) throws -> Tensor {
    let output = try Tensor.empty([x.shape[0], y.shape[0]], dtype: .float32, on: x.device)
    // Only a GPU reads y as it lies.
    let transposed = x.device.kind == .gpu || x.device.kind == .accelerator ? y : try y.transposed()
    try PairKernels(n: x.shape[0], m: y.shape[0], d: x.shape[1]).distances(
        metric, x: x.slice(), y: y.slice(), yTransposed: transposed.slice(), into: output.output(), on: x.device)
    return Tensor.record("pairwiseDistance", inputs: [x, y], output: output, savingOutput: true) { pullback in
        var weight = pullback.cotangent
        switch metric {
        case .squaredEuclidean: weight = weight * 2
        case .euclidean:
            let distance = pullback.outputs[0]
            let zero = try Tensor.zeros([], on: x.device)
            let one = try Tensor.ones([], on: x.device)
            let isZero = distance .== 0
            weight = Tensor.select(isZero, zero, weight / Tensor.select(isZero, one, distance))
        case .manhattan: break
        }
        return [
            pullback.isNeeded[0] ? try differences(x, y, weight, signs: metric == .manhattan) : nil,
            pullback.isNeeded[1] ? try differences(y, x, weight.transposed(), signs: metric == .manhattan) : nil,
        ]
    }
}

/// sum over j of weight[i, j] (x_i - y_j), or of weight times the differences' signs: by a kernel, or in tensor operations while it is being differentiated.
private func differences(_ x: Tensor, _ y: Tensor, _ weight: Tensor, signs: Bool) throws -> Tensor {
    if Tensor.records([x, y, weight]) {
        if signs {
            let sign = try (x.expandedDimensions(at: 1) - y.expandedDimensions(at: 0)).sign()
            return try (weight.expandedDimensions(at: 2) * sign).sum(axes: [1])
        }
        return try weight.sum(axes: [1], keepDimensions: true) * x - weight.matmul(y)
    }
    let output = try Tensor.empty(x.shape, dtype: .float32, on: x.device)
    try PairKernels(n: x.shape[0], m: y.shape[0], d: x.shape[1]).differences(
        x: x.slice(), y: y.slice(), weight: weight.memory(), rowStride: weight.strides[0], columnStride: weight.strides[1], signs: signs,
        into: output.output(), on: x.device)
    return output
}
