import LossKitOps

/// The Wasserstein distance between weighted points on a circle, to the power p: distances are taken the shorter way round.
///
/// `min over theta of integral over 0...1 of |F^-1(t) - (G - theta)^-1(t)|^p dt`, F and G the distribution functions along the circle cut
/// open; the integral is convex in theta and least where a level of F meets one of G. POT's `wasserstein_circle` is the same for a period
/// of 1.
/// Gradient: that of the best cut's plan, with respect to points and weights, those normalised. Twice differentiable.
///
/// - Parameters:
///   - x: [..., n], a circle a row; taken modulo the period.
///   - y: [..., m], the same leading axes.
///   - a: Not negative, [n] or x's shape; equal by default. Normalised to sum 1; both sides' sums must agree to 1 %.
///   - b: The same for y.
///   - p: At least 1 and finite.
///   - period: The length of the circle, above 0.
///   - reduction: Over circles.
/// - Throws: As ``wasserstein1D(_:_:a:b:p:reduction:)``.
/// - Note: Exact up to rounding of the levels; a bisection of some 30 sorts for weights, of log2 n for equal ones and sizes.
///   Delon, Salomon and Sobolevski, Fast Transport Optimization for Monge Costs on the Circle, 2010.
public func circularWasserstein(
    _ x: Tensor, _ y: Tensor, a: Tensor? = nil, b: Tensor? = nil, p: Double = 1, period: Double = 1, reduction: Reduction = .mean
) throws -> Tensor {
    let pair = try LinePair(x, y, a: a, b: b, operation: "circularWasserstein")
    try require(p >= 1 && p.isFinite, "circularWasserstein", "a finite p of at least 1", p)
    try require(period > 0 && period.isFinite, "circularWasserstein", "a finite period above 0", period)
    return try pair.reduced(pair.circularWasserstein(p, period: period), reduction)
}

extension LinePair {
    /// W_p^p by circle.
    func circularWasserstein(_ p: Double, period: Double) throws -> Tensor {
        func turns(_ points: Tensor) -> Tensor {
            let scaled = points / period
            return scaled - stopGradient(scaled).floor()
        }
        let coupling = CircularCoupling(
            x: try LineMeasure(turns(x), weights: a), y: try LineMeasure(turns(y), weights: b), p: p)
        let scale = try Tensor.full([], period, dtype: x.dtype, on: x.device).power(p)
        return try coupling.cost(at: coupling.bestCut()).total * scale
    }
}

/// The plans between two measures on circles of length 1 that keep the order of the points, told apart by where they begin.
struct CircularCoupling: Sendable {
    let x: LineMeasure
    let y: LineMeasure
    let p: Double

    /// The plan at a cut.
    struct Plan {
        let intervals: QuantileIntervals
        /// [circles, n + m]: the cost of a unit of mass over each interval.
        let costs: Tensor
        /// [circles].
        var total: Tensor { get throws { try (intervals.lengths * costs).sum(axes: [1]) } }
    }

    /// The plan that takes level t of x to level t - theta of y.
    /// - Parameter theta: [circles, 1].
    func cost(at theta: Tensor) throws -> Plan {
        let shifted = y.levels + theta
        let laps = stopGradient(shifted).ceil() - 1
        let order = try (shifted - laps).argSort()
        let turned = LineMeasure(
            points: try (y.points - laps).gatheredAlong(order, axis: 1, isDistinct: true),
            levels: try (shifted - laps).gatheredAlong(order, axis: 1, isDistinct: true))
        let intervals = try QuantileIntervals(x, turned)
        /// Behind the last point comes the first again, a lap later.
        func points(_ measure: LineMeasure, _ places: Tensor) throws -> Tensor {
            let isBehind = places .== measure.points.shape[1]
            let own = try measure.points.takeAlongAxis(Tensor.select(isBehind, places * 0, places), axis: 1)
            return own + isBehind.asType(own.dtype)
        }
        let costs = try (points(x, intervals.first) - points(turned, intervals.second)).absolutePower(p)
        return Plan(intervals: intervals, costs: costs)
    }

    /// The cut of least cost [circles, 1], with its derivative with respect to the weights.
    func bestCut() throws -> Tensor {
        let held = CircularCoupling(
            x: LineMeasure(points: stopGradient(x.points), levels: stopGradient(x.levels)),
            y: LineMeasure(points: stopGradient(y.points), levels: stopGradient(y.levels)), p: p)
        let (circles, n, m) = (x.points.shape[0], x.points.shape[1], y.points.shape[1])
        var low = try Tensor.full([circles, 1], -1, dtype: x.points.dtype, on: x.points.device)
        var high = try Tensor.full([circles, 1], 1, dtype: x.points.dtype, on: x.points.device)
        // Levels that are multiples of 1 / n meet at no others.
        let isRegular = x.isUniform && y.isUniform && n == m
        let steps = isRegular ? 64 - (4 * n).leadingZeroBitCount : x.points.dtype == .float64 ? 52 : 26
        for _ in 0..<steps {
            let middle = try ((low + high) * 0.5).evaluated()
            let isFalling = try held.slope(at: middle) .< 0
            low = try Tensor.select(isFalling, middle, low).evaluated()
            high = try Tensor.select(isFalling, high, middle).evaluated()
        }
        // The last level of x that one of y has passed on the way to the upper bound.
        let intervals = try CircularCoupling(x: x, y: y, p: p).cost(at: high).intervals
        let (ends, count) = (intervals.endsAtSecond, n + m)
        let followsFirst = try Tensor.concatenate(
            [Tensor.ones([circles, 1], dtype: .bool, on: ends.device), (ends.slice(axis: 1, from: 0, to: count - 1)) .== 0], axis: 1)
        let far = try Tensor.full([], 9, dtype: x.points.dtype, on: ends.device)
        let gaps = Tensor.select(ends .&& followsFirst, stopGradient(intervals.lengths), far)
        let nearest = try gaps.argMin(axis: 1, keepDimensions: true)
        return try high - intervals.lengths.takeAlongAxis(nearest, axis: 1)
    }

    /// The derivative of the cost [circles, 1] for a cut that moves on.
    private func slope(at theta: Tensor) throws -> Tensor {
        let plan = try cost(at: theta)
        let next = try Tensor.concatenate(
            [plan.costs.slice(axis: 1, from: 1), plan.costs.slice(axis: 1, from: 0, to: 1)], axis: 1)
        let zero = try Tensor.zeros([], dtype: plan.costs.dtype, on: plan.costs.device)
        return try Tensor.select(plan.intervals.endsAtSecond, plan.costs - next, zero).sum(axes: [1], keepDimensions: true)
    }
}

extension LossDescription {
    static let circularWassersteinLoss = LossDescription(
        "circularWasserstein", .transport, "Exact optimal transport between weighted points on a circle",
        reference: "Delon, Salomon and Sobolevski, Fast Transport Optimization for Monge Costs on the Circle, 2010",
        inputs: lineInputs, options: [.number("p", 1), .number("period", 1)]
    ) {
        try circularWasserstein(
            $0["x"], $0["y"], a: $0.optional("a"), b: $0.optional("b"), p: $0.number("p"), period: $0.number("period"))
    }
}
