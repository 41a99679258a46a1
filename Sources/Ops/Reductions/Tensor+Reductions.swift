import LossKitKernels

extension Tensor {
    /// A reduction over axes (all where none are named), pending until its values are needed, so that it runs in one kernel with the elementwise operations before it.
    private func reduction(
        _ kind: ReductionKind, axes: [Int], keepDimensions: Bool, dtype output: DType, scale: Double = 1
    ) throws -> Tensor {
        let arithmetic = output == .bool ? self.dtype.arithmetic : output.arithmetic
        var expression = Expression(shape: shape, arithmetic: arithmetic, output: output)
        _ = try append(to: &expression, materialize: false)
        if !expression.fits {
            expression = Expression(shape: shape, arithmetic: arithmetic, output: output)
            _ = try append(to: &expression, materialize: true)
        }
        expression.closing = .init(kind: kind, reduced: shape.indices.map { axes.contains($0) }, scale: scale)
        return Tensor(
            shape: Shape.reduced(shape, axes: axes, keepDimensions: keepDimensions), dtype: output, device: device,
            state: .pending(expression))
    }

    /// The cotangent of a reduction spread over the axes it folded.
    private static func spread(_ cotangent: Tensor, over shape: [Int], axes: [Int]) throws -> Tensor {
        try cotangent.reshaped(shape.enumerated().map { axes.contains($0.offset) ? 1 : $0.element }).broadcast(to: shape)
    }

    /// The sum over axes; integers and truth values sum to int64. Nothing sums to 0.
    public func sum(axes: [Int]? = nil, keepDimensions: Bool = false) throws -> Tensor {
        let axes = try Shape.axes(axes, rank: try checked().rank, operation: "sum")
        let output = try reduction(.sum, axes: axes, keepDimensions: keepDimensions, dtype: dtype.isFloatingPoint ? dtype : .int64)
        return Self.record("sum", inputs: [self], output: output) { [shape] in [try Self.spread($0.cotangent, over: shape, axes: axes)] }
    }

    /// The mean over axes; the mean of nothing is NaN.
    public func mean(axes: [Int]? = nil, keepDimensions: Bool = false) throws -> Tensor {
        let axes = try Shape.axes(axes, rank: try checked().rank, operation: "mean")
        let scale = 1 / Double(axes.reduce(1) { $0 * shape[$1] })
        let output = try reduction(.sum, axes: axes, keepDimensions: keepDimensions, dtype: dtype.floating, scale: scale)
        return Self.record("mean", inputs: [self], output: output) { [shape] in
            [try Self.spread($0.cotangent * scale, over: shape, axes: axes)]
        }
    }

    /// The product over axes; of nothing, 1. The derivative is defined where factors are 0, too.
    public func product(axes: [Int]? = nil, keepDimensions: Bool = false) throws -> Tensor {
        let axes = try Shape.axes(axes, rank: try checked().rank, operation: "product")
        let output = try reduction(.product, axes: axes, keepDimensions: keepDimensions, dtype: dtype.isFloatingPoint ? dtype : .int64)
        return Self.record("product", inputs: [self], output: output) { [self] pullback in
            let isZero = self .== 0
            let one = try Tensor.ones([], dtype: dtype, on: device)
            let others = Self.select(isZero, one, self)
            let zeros = try isZero.sum(axes: axes, keepDimensions: true)
            let rest = try others.product(axes: axes, keepDimensions: true)
            let cotangent = try Self.spread(pullback.cotangent, over: shape, axes: axes)
            let none = rest / others * (zeros .== 0).asType(dtype) * (!isZero).asType(dtype)
            let single = rest * (zeros .== 1).asType(dtype) * isZero.asType(dtype)
            return [cotangent * (none + single)]
        }
    }

    /// The largest value over axes, NaN where there is one; ties share the derivative evenly.
    public func max(axes: [Int]? = nil, keepDimensions: Bool = false) throws -> Tensor {
        try extremum(.maximum, axes: axes, keepDimensions: keepDimensions, name: "max")
    }

    /// The smallest value over axes, NaN where there is one; ties share the derivative evenly.
    public func min(axes: [Int]? = nil, keepDimensions: Bool = false) throws -> Tensor {
        try extremum(.minimum, axes: axes, keepDimensions: keepDimensions, name: "min")
    }

    private func extremum(_ kind: ReductionKind, axes: [Int]?, keepDimensions: Bool, name: String) throws -> Tensor {
        let axes = try Shape.axes(axes, rank: try checked().rank, operation: name)
        guard !axes.contains(where: { shape[$0] == 0 }) else {
            throw TensorError.invalidArgument(
                operation: name, expected: "at least one element along axes \(axes)", actual: "shape \(shape)")
        }
        let output = try reduction(kind, axes: axes, keepDimensions: keepDimensions, dtype: dtype)
        return Self.record("extremum", inputs: [self], output: output, savingOutput: true) { [self] pullback in
            let winners = (self .== (try Self.spread(stopGradient(pullback.outputs[0]), over: shape, axes: axes))).asType(dtype)
            let share = try winners / winners.sum(axes: axes, keepDimensions: true)
            return [try Self.spread(pullback.cotangent, over: shape, axes: axes) * share]
        }
    }

    /// Whether any element over the axes is not zero; of nothing, false.
    public func any(axes: [Int]? = nil, keepDimensions: Bool = false) throws -> Tensor {
        let axes = try Shape.axes(axes, rank: try checked().rank, operation: "any")
        return try (asType(.bool).reduction(.sum, axes: axes, keepDimensions: keepDimensions, dtype: .int64) .!= 0)
    }

    /// Whether all elements over the axes are not zero; of nothing, true.
    public func all(axes: [Int]? = nil, keepDimensions: Bool = false) throws -> Tensor {
        let axes = try Shape.axes(axes, rank: try checked().rank, operation: "all")
        return try ((!self).reduction(.sum, axes: axes, keepDimensions: keepDimensions, dtype: .int64) .== 0)
    }

    /// The variance over axes: the mean squared distance from the mean, divided by n - `correction` (1, as PyTorch's; 0 for NumPy's).
    public func variance(axes: [Int]? = nil, correction: Double = 1, keepDimensions: Bool = false) throws -> Tensor {
        let axes = try Shape.axes(axes, rank: try checked().rank, operation: "variance")
        let count = Double(axes.reduce(1) { $0 * shape[$1] })
        let centred = try self - mean(axes: axes, keepDimensions: true)
        return try centred.square().sum(axes: axes, keepDimensions: keepDimensions) / Swift.max(count - correction, 0)
    }

    /// The square root of ``variance(axes:correction:keepDimensions:)``.
    public func standardDeviation(axes: [Int]? = nil, correction: Double = 1, keepDimensions: Bool = false) throws -> Tensor {
        try variance(axes: axes, correction: correction, keepDimensions: keepDimensions).squareRoot()
    }

    /// The p-norm over axes, p >= 1 or infinite; the Euclidean norm's derivative at 0 is 0.
    public func norm(_ p: Double = 2, axes: [Int]? = nil, keepDimensions: Bool = false) throws -> Tensor {
        switch p {
        case 1: return try absolute().sum(axes: axes, keepDimensions: keepDimensions)
        case 2: return try square().sum(axes: axes, keepDimensions: keepDimensions).squareRoot()
        case .infinity: return try absolute().max(axes: axes, keepDimensions: keepDimensions)
        case 1...: return try absolute().power(p).sum(axes: axes, keepDimensions: keepDimensions).power(1 / p)
        default: throw TensorError.invalidArgument(operation: "norm", expected: "p >= 1", actual: "\(p)")
        }
    }

    /// log sum exp over axes, without overflow; minus infinity where all elements are.
    public func logSumExp(axes: [Int]? = nil, keepDimensions: Bool = false) throws -> Tensor {
        let axes = try Shape.axes(axes, rank: try checked().rank, operation: "logSumExp")
        guard !axes.contains(where: { shape[$0] == 0 }) else {
            return try Tensor.full(
                Shape.reduced(shape, axes: axes, keepDimensions: keepDimensions), -.infinity, dtype: dtype.floating, on: device)
        }
        if let fused = try fusedLogSumExp(axes: axes, keepDimensions: keepDimensions) { return fused }
        let source = asType(dtype.floating)
        let peak = stopGradient(try source.max(axes: axes, keepDimensions: true))
        let shift = Self.select(peak.isInfinite(), try .zeros([], dtype: source.dtype, on: device), peak)
        let result = try (source - shift).exp().sum(axes: axes, keepDimensions: true).log() + shift
        return keepDimensions ? result : try result.squeezed(axes: axes)
    }

    /// exp(x) normalised to sum 1 along an axis.
    public func softmax(axis: Int = -1) throws -> Tensor {
        let axis = try Shape.axis(axis, rank: try checked().rank, operation: "softmax")
        return try fusedSoftmax(axis: axis, isLogarithm: false) ?? logSoftmax(axis: axis).exp()
    }

    /// The logarithm of ``softmax(axis:)``.
    public func logSoftmax(axis: Int = -1) throws -> Tensor {
        let axis = try Shape.axis(axis, rank: try checked().rank, operation: "logSoftmax")
        return try fusedSoftmax(axis: axis, isLogarithm: true) ?? self - logSumExp(axes: [axis], keepDimensions: true)
    }
}
