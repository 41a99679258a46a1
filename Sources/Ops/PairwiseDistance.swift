import LossKitKernels

/// How far apart two points are.
public enum Metric: String, Sendable, CaseIterable {
    /// sum_k (x_k - y_k)^2.
    case squaredEuclidean
    /// The root of that; its derivative at distance 0 is 0.
    case euclidean
    /// sum_k |x_k - y_k|.
    case manhattan
    /// max_k |x_k - y_k|; of equal coordinates the first takes the derivative.
    case chebyshev
    /// 1 - x.y / (|x| |y|), norms held away from 0 by 1e-8.
    case cosine
    /// x.y: a similarity rather than a distance, under the name the field uses for both.
    case dot
}

/// The distances of all pairs: x [..., n, d] and y [..., m, d], leading axes that broadcast, give [..., n, m], in float32.
///
/// Points far from the origin lose nothing: differences are taken directly, or from 32 coordinates on by matrix products of centred points, with
/// direct differences wherever those would cancel. Of one tensor with itself each pair is computed once there. Twice differentiable.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/dtypeMismatch(operation:expected:actual:)``,
///   ``TensorError/deviceMismatch(operation:devices:)``.
public func pairwiseDistance(_ x: Tensor, _ y: Tensor, metric: Metric = .euclidean) throws -> Tensor {
    let batch = try checkedBatch(x, y)
    let output = DType.promoted(x.dtype, y.dtype)
    func normalized(_ points: Tensor) throws -> Tensor {
        try points
            / Tensor.maximum(points.norm(axes: [-1], keepDimensions: true), .full([], 1e-8, dtype: points.dtype, on: points.device))
    }
    let kernel: PairKernels.Metric
    switch metric {
    case .dot: return try x.matmul(y.swappingAxes(-1, -2))
    case .cosine: return try 1 - normalized(x).matmul(normalized(y).swappingAxes(-1, -2))
    case .squaredEuclidean: kernel = .squaredEuclidean
    case .euclidean: kernel = .euclidean
    case .manhattan: kernel = .manhattan
    case .chebyshev: kernel = .chebyshev
    }
    let (a, b) = try (x.asType(.float32).inBatch(batch), y.asType(.float32).inBatch(batch))
    return try PairwiseDistances(metric: kernel)(a, b).reshaped(batch + [x.shape[x.rank - 2], y.shape[y.rank - 2]]).asType(output)
}

/// The Minkowski distances of all pairs, `(sum_k |x_k - y_k|^p)^(1 / p)`, shapes as in ``pairwiseDistance(_:_:metric:)-(_,_,Metric)``.
///
/// p = 1, 2 and infinity are the Manhattan, Euclidean and Chebyshev metrics. Other powers are taken of differences over their largest one, so
/// that nothing overflows. The derivative at distance 0 is 0.
/// - Parameter p: At least 1.
/// - Throws: See ``pairwiseDistance(_:_:metric:)-(_,_,Metric)``; ``TensorError/invalidArgument(operation:expected:actual:)``.
public func pairwiseDistance(_ x: Tensor, _ y: Tensor, p: Double) throws -> Tensor {
    guard p >= 1 else { throw TensorError.invalidArgument(operation: "pairwiseDistance", expected: "p of at least 1", actual: "\(p)") }
    if p == 1 { return try pairwiseDistance(x, y, metric: .manhattan) }
    if p == 2 { return try pairwiseDistance(x, y, metric: .euclidean) }
    let scale = stopGradient(try pairwiseDistance(x, y, metric: .chebyshev))
    if p == .infinity { return try pairwiseDistance(x, y, metric: .chebyshev) }
    let isZero = scale .== 0
    let one = try Tensor.ones([], dtype: scale.dtype, on: x.device)
    let divisor = Tensor.select(isZero, one, scale)
    let difference = try (x.expandedDimensions(at: -2) - y.expandedDimensions(at: -3)).absolute()
    let sum = try (difference / divisor.expandedDimensions(at: -1)).power(p).sum(axes: [-1])
    return Tensor.select(isZero, stopGradient(scale) * 1, divisor * Tensor.select(isZero, one, sum).power(1 / p))
}

/// What the leading axes broadcast to.
func checkedBatch(_ x: Tensor, _ y: Tensor) throws -> [Int] {
    guard try x.checked().rank >= 2, try y.checked().rank >= 2, x.shape[x.rank - 1] == y.shape[y.rank - 1],
        let batch = Shape.broadcast(Array(x.shape.dropLast(2)), Array(y.shape.dropLast(2)))
    else {
        throw TensorError.shapeMismatch(
            operation: "pairwiseDistance",
            expected: x.rank == 2 && y.rank == 2
                ? "points [n, d] and [m, d]" : "points [..., n, d] and [..., m, d] with leading axes that broadcast",
            actual: [x.shape, y.shape])
    }
    guard x.dtype.isFloatingPoint, y.dtype.isFloatingPoint else {
        throw TensorError.dtypeMismatch(operation: "pairwiseDistance", expected: "floating-point points", actual: [x.dtype, y.dtype])
    }
    guard x.device == y.device else {
        throw TensorError.deviceMismatch(operation: "pairwiseDistance", devices: ["\(x.device)", "\(y.device)"])
    }
    return batch
}

extension Tensor {
    /// [..., n, d] as [batch, n, d].
    func inBatch(_ batch: [Int]) throws -> Tensor {
        let points = Array(shape.suffix(2))
        if rank == 2, batch.isEmpty { return try expandedDimensions(at: 0) }
        return try broadcast(to: batch + points).reshaped([batch.reduce(1, *)] + points)
    }

    /// Whether both are the same elements of the same memory.
    package func isSame(as other: Tensor) -> Bool {
        storage === other.storage && offset == other.offset && shape == other.shape && strides == other.strides
    }
}

/// Distances of float32 points [batch, n, d] and [batch, m, d] by kernels, with their derivative.
private struct PairwiseDistances: Sendable {
    let metric: PairKernels.Metric

    func callAsFunction(_ x: Tensor, _ y: Tensor) throws -> Tensor {
        let (batch, n, m, d) = (x.shape[0], x.shape[1], y.shape[1], x.shape[2])
        let output = try Tensor.empty([batch, n, m], dtype: .float32, on: x.device)
        if let products = PairProducts(metric, n: n, m: m, d: d, on: x.device) {
            let isSymmetric = x.isSame(as: y)
            let (first, second, result) = (try x.slice(), try y.slice(), try output.output())
            for entry in 0..<batch {
                try products.distances(
                    x: first.advanced(by: entry * n * d), y: second.advanced(by: entry * m * d), isSymmetric: isSymmetric,
                    into: result.advanced(by: entry * n * m), on: x.device)
            }
        } else {
            // Only a GPU reads y as it lies.
            let transposed = x.device.kind == .gpu || x.device.kind == .accelerator ? y : try y.swappingAxes(-1, -2)
            try PairKernels(batch: batch, n: n, m: m, d: d).distances(
                metric, x: x.slice(), y: y.slice(), yTransposed: transposed.slice(), into: output.output(), on: x.device)
        }
        return Tensor.record("pairwiseDistance", inputs: [x, y], output: output, savingOutput: true) { [self] pullback in
            let (cotangent, distance) = (pullback.cotangent, pullback.outputs[0])
            if !Tensor.records([x, y, cotangent, distance]), let products = PairProducts(metric, n: n, m: m, d: d, on: x.device) {
                return try slopes(by: products, x, y, cotangent, distance, isNeeded: pullback.isNeeded)
            }
            return [
                pullback.isNeeded[0] ? try slope(x, y, cotangent, distance) : nil,
                pullback.isNeeded[1] ? try slope(y, x, cotangent.swappingAxes(-1, -2), distance.swappingAxes(-1, -2)) : nil,
            ]
        }
    }

    /// The derivative for x: by kernels, or in tensor operations while it is being differentiated.
    private func slope(_ x: Tensor, _ y: Tensor, _ cotangent: Tensor, _ distance: Tensor) throws -> Tensor {
        let isRecorded = Tensor.records([x, y, cotangent, distance])
        let (batch, n, m, d) = (x.shape[0], x.shape[1], y.shape[1], x.shape[2])
        let weight: Tensor
        switch metric {
        case .squaredEuclidean: weight = cotangent * 2
        case .euclidean:
            let (zero, one) = (try Tensor.zeros([], on: x.device), try Tensor.ones([], on: x.device))
            let isZero = distance .== 0
            weight = Tensor.select(isZero, zero, cotangent / Tensor.select(isZero, one, distance))
        case .manhattan, .chebyshev: weight = cotangent
        }
        if isRecorded { return try recordedSlope(x, y, weight) }
        let output = try Tensor.empty(x.shape, dtype: .float32, on: x.device)
        let memory = try weight.memory()
        try PairKernels(batch: batch, n: n, m: m, d: d).differences(
            metric == .manhattan ? .signs : metric == .chebyshev ? .extremes : .plain, x: x.slice(), y: y.slice(), weight: memory,
            rowStride: weight.strides[1], columnStride: weight.strides[2], batchStride: weight.strides[0], into: output.output(),
            on: x.device)
        return output
    }

    private func slopes(
        by products: PairProducts, _ x: Tensor, _ y: Tensor, _ cotangent: Tensor, _ distance: Tensor, isNeeded: [Bool]
    ) throws -> [Tensor?] {
        let slopes = try [x, y].enumerated().map {
            isNeeded[$0.offset] ? try Tensor.empty($0.element.shape, dtype: .float32, on: x.device) : nil
        }
        let (first, second, distances, cotangents) = (try x.slice(), try y.slice(), try distance.slice(), try cotangent.memory())
        let (dx, dy) = (try slopes[0]?.output(), try slopes[1]?.output())
        for entry in 0..<x.shape[0] {
            let (points, others) = (entry * products.n * products.d, entry * products.m * products.d)
            try products.gradients(
                x: first.advanced(by: points), y: second.advanced(by: others),
                cotangent: cotangents.advanced(by: entry * cotangent.strides[0]), rowStride: cotangent.strides[1],
                columnStride: cotangent.strides[2], distances: distances.advanced(by: entry * products.n * products.m),
                dx: dx?.advanced(by: points), dy: dy?.advanced(by: others), on: x.device)
        }
        return slopes
    }

    /// sum over j of weight[i, j] times the differences x_i - y_j, their signs, or the sign of their largest coordinate.
    private func recordedSlope(_ x: Tensor, _ y: Tensor, _ weight: Tensor) throws -> Tensor {
        guard metric == .manhattan || metric == .chebyshev else {
            return try weight.sum(axes: [2], keepDimensions: true) * x - weight.matmul(y)
        }
        let difference = try stopGradient(x).expandedDimensions(at: 2) - stopGradient(y).expandedDimensions(at: 1)
        var sign = difference.sign()
        if metric == .chebyshev { sign = try sign * difference.absolute().argMax(axis: 3).oneHot(classes: x.shape[2]) }
        return try (weight.expandedDimensions(at: 3) * sign).sum(axes: [2])
    }
}
