import LossKitOps

/// A probability measure on each of several lines: its points in order, and the running sums of their masses, which end at 1.
struct LineMeasure: Sendable {
    /// [lines, n].
    let points: Tensor
    /// [lines, n], not falling; the last is 1.
    let levels: Tensor
    /// Whether every point has the same mass.
    let isUniform: Bool

    /// - Parameters:
    ///   - points: [lines, n], n above 0.
    ///   - weights: [lines, n] or nil for equal ones.
    init(_ points: Tensor, weights: Tensor?) throws {
        let n = points.shape[1]
        isUniform = weights == nil
        guard let weights else {
            self.points = try points.sorted()
            let ranks = try Tensor.arange(1, to: Double(n) + 1, dtype: points.dtype, on: points.device)
            levels = try (ranks / Double(n)).broadcast(to: points.shape)
            return
        }
        let order = try points.argSort()
        self.points = try points.gatheredAlong(order, axis: 1, isDistinct: true)
        let sums = try weights.gatheredAlong(order, axis: 1, isDistinct: true).cumulativeSum()
        levels = try sums / sums.slice(axis: 1, from: n - 1)
    }

    /// The measure of another order of the points; `levels` rise along it.
    init(points: Tensor, levels: Tensor) {
        (self.points, self.levels, isUniform) = (points, levels, false)
    }
}

/// The intervals of mass between the levels of two measures on the same lines: over each, either's quantile is one point.
struct QuantileIntervals: Sendable {
    /// [lines, n + m]: the intervals' masses; 0 where two levels are equal.
    let lengths: Tensor
    /// [lines, n + m]: how many points of the first measure lie before an interval, which is the position of its own; n behind the last.
    let first: Tensor
    /// The same of the second.
    let second: Tensor
    /// [lines, n + m]: whether an interval ends at a level of the second measure.
    let endsAtSecond: Tensor

    init(_ x: LineMeasure, _ y: LineMeasure) throws {
        let (lines, n, m) = (x.points.shape[0], x.points.shape[1], y.points.shape[1])
        let levels = try Tensor.concatenate([x.levels, y.levels], axis: 1)
        let order = try levels.argSort()
        let ends = try levels.gatheredAlong(order, axis: 1, isDistinct: true)
        let starts = try Tensor.concatenate(
            [Tensor.zeros([lines, 1], dtype: ends.dtype, on: ends.device), ends.slice(axis: 1, from: 0, to: n + m - 1)], axis: 1)
        lengths = ends - starts
        endsAtSecond = order .>= n
        let ofFirst = (order .< n).asType(.int64)
        first = try (ofFirst.cumulativeSum() - ofFirst).evaluated()
        second = try (Tensor.arange(to: Double(n + m), on: order.device) - first).evaluated()
    }
}

extension Tensor {
    /// |x|^p, whose derivatives at 0 are 0.
    func absolutePower(_ p: Double) throws -> Tensor {
        if p == 1 { return absolute() }
        if p == 2 { return square() }
        let isZero = self .== 0
        let (zero, one) = (try Tensor.zeros([], dtype: dtype, on: device), try Tensor.ones([], dtype: dtype, on: device))
        return Tensor.select(isZero, zero, Tensor.select(isZero, one, absolute()).power(p))
    }
}

/// Two sets of points on the same lines as [lines, n] and [lines, m], checked, in float32 or float64.
struct LinePair {
    let x: Tensor
    let y: Tensor
    /// Weights [lines, n] and [lines, m]; nil where all are equal.
    let a: Tensor?
    let b: Tensor?
    private let lead: [Int]
    /// A number of the type that both sides' promote to.
    private let sample: Tensor

    init(_ x: Tensor, _ y: Tensor, a: Tensor?, b: Tensor?, operation: String) throws {
        guard try x.checked().rank > 0, try y.checked().rank == x.rank, Array(x.shape.dropLast()) == Array(y.shape.dropLast()),
            x.shape[x.rank - 1] > 0, y.shape[y.rank - 1] > 0
        else {
            throw TensorError.shapeMismatch(
                operation: operation, expected: "points [..., n] and [..., m] with equal leading axes, n and m above 0",
                actual: [x.shape, y.shape])
        }
        guard x.dtype.isFloatingPoint, y.dtype.isFloatingPoint else {
            throw TensorError.dtypeMismatch(operation: operation, expected: "floating-point points", actual: [x.dtype, y.dtype])
        }
        let sample = try Tensor.commonSample(x, y)
        self.sample = sample
        lead = Array(x.shape.dropLast())
        let lines = lead.reduce(1, *)
        func rows(_ tensor: Tensor, like points: Tensor) throws -> Tensor {
            try tensor.asType(sample.dtype).inArithmetic().broadcast(to: points.shape).reshaped([lines, points.shape[points.rank - 1]])
        }
        func weights(_ given: Tensor?, like points: Tensor) throws -> Tensor? {
            guard let given else { return nil }
            guard try given.checked().shape == points.shape || given.shape == [points.shape[points.rank - 1]] else {
                throw TensorError.shapeMismatch(
                    operation: operation, expected: "weights of the points' shape or of its last axis", actual: [given.shape, points.shape])
            }
            try requireAll(given, operation, "finite weights that are not negative") { ($0 .>= 0) .&& $0.isFinite() }
            return try rows(given, like: points)
        }
        (self.x, self.y) = (try rows(x, like: x), try rows(y, like: y))
        (self.a, self.b) = (try weights(a, like: x), try weights(b, like: y))
        try checkMasses(operation)
    }

    private func checkMasses(_ operation: String) throws {
        let one = try Tensor.ones([x.shape[0]], dtype: x.dtype, on: x.device)
        guard a != nil || b != nil else { return }
        let masses = (try a.map { try stopGradient($0).sum(axes: [1]) } ?? one, try b.map { try stopGradient($0).sum(axes: [1]) } ?? one)
        let isPositive = try ((masses.0 .> 0) .&& (masses.1 .> 0)).all().booleans()[0]
        try require(isPositive, operation, "weights with a sum above 0", "sum 0")
        let isBalanced = try ((masses.0 - masses.1).absolute() .<= Tensor.maximum(masses.0, masses.1) * 1e-2).all().booleans()[0]
        try require(isBalanced, operation, "equal masses (weights that are not given sum to 1)", "sums that differ")
    }

    /// Values by line in the given leading shape and type, reduced.
    func reduced(_ lines: Tensor, _ reduction: Reduction) throws -> Tensor {
        try reduction(lines.reshaped(lead)).asType(sample.dtype)
    }
}
