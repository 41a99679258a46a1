import LossKitOps

/// The Wasserstein distance between weighted points on a line, to the power p.
///
/// `W_p^p = integral over 0...1 of |F^-1(t) - G^-1(t)|^p dt`, F and G the distribution functions; for p = 1 the area between F and G.
/// Of SciPy's `wasserstein_distance` it is the value for p = 1; POT's `wasserstein_1d` is the same for every p; OTT's `univariate` too.
/// Gradient: that of the monotone plan with respect to points and weights, those normalised; where points coincide, of one order of them.
/// Twice differentiable.
///
/// - Parameters:
///   - x: [..., n], a line a row.
///   - y: [..., m], the same leading axes.
///   - a: Not negative, [n] or x's shape; equal by default. Normalised to sum 1; both sides' sums must agree to 1 %.
///   - b: The same for y.
///   - p: At least 1 and finite.
///   - reduction: Over lines.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``,
///   ``TensorError/dtypeMismatch(operation:expected:actual:)``.
/// - Note: Exact; O((n + m) log(n + m)) by sorting. A point that is NaN gives NaN.
public func wasserstein1D(
    _ x: Tensor, _ y: Tensor, a: Tensor? = nil, b: Tensor? = nil, p: Double = 1, reduction: Reduction = .mean
) throws -> Tensor {
    let pair = try LinePair(x, y, a: a, b: b, operation: "wasserstein1D")
    try require(p >= 1 && p.isFinite, "wasserstein1D", "a finite p of at least 1", p)
    return try pair.reduced(pair.wasserstein(p), reduction)
}

extension LinePair {
    /// W_p^p by line.
    func wasserstein(_ p: Double) throws -> Tensor {
        let (first, second) = (try LineMeasure(x, weights: a), try LineMeasure(y, weights: b))
        if first.isUniform, second.isUniform, x.shape == y.shape {
            return try (first.points - second.points).absolutePower(p).mean(axes: [1])
        }
        let intervals = try QuantileIntervals(first, second)
        // Behind the last level there is nothing left but rounding.
        func points(_ measure: LineMeasure, _ places: Tensor) throws -> Tensor {
            let last = try Tensor.full([], Double(measure.points.shape[1] - 1), dtype: .int64, on: places.device)
            return try measure.points.takeAlongAxis(Tensor.minimum(places, last), axis: 1)
        }
        let costs = try (points(first, intervals.first) - points(second, intervals.second)).absolutePower(p)
        return try (intervals.lengths * costs).sum(axes: [1])
    }
}

/// The energy distance between weighted points on a line: twice the squared L2 distance of their distribution functions (Cramer's
/// distance).
///
/// `2 integral of (F - G)^2 = 2 E|X - Y| - E|X - X'| - E|Y - Y'|`; SciPy's `energy_distance` is its root.
/// Gradient: with respect to points and weights, those normalised; at coinciding points that of one order of them. Twice differentiable.
///
/// - Parameters:
///   - x: [..., n], a line a row.
///   - y: [..., m], the same leading axes.
///   - a: Not negative, [n] or x's shape; equal by default. Normalised to sum 1; both sides' sums must agree to 1 %.
///   - b: The same for y.
///   - reduction: Over lines.
/// - Throws: As ``wasserstein1D(_:_:a:b:p:reduction:)``.
/// - Note: O((n + m) log(n + m)) by sorting. Szekely and Rizzo, Energy Statistics, 2013.
public func energyDistance1D(
    _ x: Tensor, _ y: Tensor, a: Tensor? = nil, b: Tensor? = nil, reduction: Reduction = .mean
) throws -> Tensor {
    let pair = try LinePair(x, y, a: a, b: b, operation: "energyDistance1D")
    let (lines, n, m) = (pair.x.shape[0], pair.x.shape[1], pair.y.shape[1])
    func masses(_ weights: Tensor?, count: Int) throws -> Tensor {
        guard let weights else { return try .full([lines, count], 1 / Double(count), dtype: pair.x.dtype, on: pair.x.device) }
        return try weights / weights.sum(axes: [1], keepDimensions: true)
    }
    let points = try Tensor.concatenate([pair.x, pair.y], axis: 1)
    let signed = try Tensor.concatenate([masses(pair.a, count: n), -masses(pair.b, count: m)], axis: 1)
    let order = try points.argSort()
    let places = try points.gatheredAlong(order, axis: 1, isDistinct: true)
    let gaps = try places.slice(axis: 1, from: 1) - places.slice(axis: 1, from: 0, to: n + m - 1)
    let differences = try signed.gatheredAlong(order, axis: 1, isDistinct: true).cumulativeSum().slice(axis: 1, from: 0, to: n + m - 1)
    return try pair.reduced((gaps * differences.square()).sum(axes: [1]) * 2, reduction)
}

extension LossDescription {
    static let lineInputs: [Input] = [
        .init("x", ["n"]), .init("y", ["m"]), .init("a", ["n"], .probabilities, isOptional: true),
        .init("b", ["m"], .probabilities, isOptional: true),
    ]

    static let wasserstein1DLoss = LossDescription(
        "wasserstein1D", .transport, "Exact optimal transport between weighted points on a line",
        reference: "Vallender, Calculation of the Wasserstein Distance between Probability Distributions on the Line, 1974",
        inputs: lineInputs, options: [.number("p", 1)]
    ) { try wasserstein1D($0["x"], $0["y"], a: $0.optional("a"), b: $0.optional("b"), p: $0.number("p")) }

    static let energyDistance1DLoss = LossDescription(
        "energyDistance1D", .transport, "Squared L2 distance of the distribution functions of weighted points on a line, twice",
        reference: "Szekely and Rizzo, Energy Statistics: A Class of Statistics Based on Distances, 2013", inputs: lineInputs
    ) { try energyDistance1D($0["x"], $0["y"], a: $0.optional("a"), b: $0.optional("b")) }
}
