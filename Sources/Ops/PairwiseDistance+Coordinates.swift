import LossKitKernels

/// Distances that weigh each coordinate by itself.
public enum CoordinateMetric: String, Sendable, CaseIterable {
    /// sum_k |x_k - y_k| / (|x_k| + |y_k|); a coordinate where both are 0 adds nothing.
    case canberra
    /// sum_k |x_k - y_k| / sum_k |x_k + y_k|; 0 where the latter is.
    case brayCurtis
    /// The share of coordinates that differ; its derivative is 0.
    case hamming
    /// The root of the Jensen-Shannon divergence of the rows, each divided by its sum (natural logarithm); its derivative at distance 0 is
    /// 0.
    case jensenShannon
    /// sum_k x_k log(x_k / y_k), where 0 log 0 is 0; infinite where y_k alone is 0. It is not symmetric.
    case kullbackLeibler

    fileprivate var kernel: CoordinatePairs.Metric {
        switch self {
        case .canberra: .canberra
        case .brayCurtis: .brayCurtis
        case .hamming: .hamming
        case .jensenShannon: .jensenShannon
        case .kullbackLeibler: .kullbackLeibler
        }
    }
}

/// The distances of all pairs: x [..., n, d] and y [..., m, d], leading axes that broadcast, give [..., n, m], in float32.
///
/// As SciPy's `cdist` and `rel_entr` define them; for the last two the coordinates are not negative, and the result is NaN where one is.
/// Where a coordinate is 0, its derivative of a logarithm is taken to be 0. Once differentiable; pairs are never held with their
/// coordinates.
/// - Throws: As ``pairwiseDistance(_:_:metric:)-(_,_,Metric)``; ``TensorError/notDifferentiable(operation:order:)`` for the second
///   derivative.
public func pairwiseDistance(_ x: Tensor, _ y: Tensor, metric: CoordinateMetric) throws -> Tensor {
    let batch = try checkedBatch(x, y)
    let output = DType.promoted(x.dtype, y.dtype)
    func prepared(_ points: Tensor) throws -> Tensor {
        let single = try points.asType(.float32).inBatch(batch)
        return metric == .jensenShannon ? try single / single.sum(axes: [-1], keepDimensions: true) : single
    }
    let distances = try CoordinateDistances(metric: metric.kernel)(prepared(x), prepared(y))
    return try distances.reshaped(batch + [x.shape[x.rank - 2], y.shape[y.rank - 2]]).asType(output)
}

/// Distances of float32 points [batch, n, d] and [batch, m, d] by kernels, with their derivative.
private struct CoordinateDistances: Sendable {
    let metric: CoordinatePairs.Metric

    func callAsFunction(_ x: Tensor, _ y: Tensor) throws -> Tensor {
        let kernel = CoordinatePairs(metric, batch: x.shape[0], n: x.shape[1], m: y.shape[1], d: x.shape[2])
        let output = try Tensor.empty([kernel.batch, kernel.n, kernel.m], dtype: .float32, on: x.device)
        try kernel.distances(x: x.slice(), y: y.slice(), into: output.output(), on: x.device)
        return Tensor.record("pairwiseDistance", inputs: [x, y], output: output) { [self] pullback in
            let cotangent = pullback.cotangent
            guard !Tensor.records([x, y, cotangent]) else { throw TensorError.notDifferentiable(operation: "pairwiseDistance", order: 2) }
            return [
                pullback.isNeeded[0] ? try slope(x, y, cotangent, isSwapped: false) : nil,
                pullback.isNeeded[1] ? try slope(y, x, cotangent.swappingAxes(-1, -2), isSwapped: true) : nil,
            ]
        }
    }

    private func slope(_ x: Tensor, _ y: Tensor, _ cotangent: Tensor, isSwapped: Bool) throws -> Tensor {
        let output = try Tensor.empty(x.shape, dtype: .float32, on: x.device)
        let memory = try cotangent.memory()
        try CoordinatePairs(metric, batch: x.shape[0], n: x.shape[1], m: y.shape[1], d: x.shape[2]).slopes(
            x: x.slice(), y: y.slice(), weight: memory, rowStride: cotangent.strides[1], columnStride: cotangent.strides[2],
            batchStride: cotangent.strides[0], isSwapped: isSwapped, into: output.output(), on: x.device)
        return output
    }
}
