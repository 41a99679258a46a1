import LossKitOps

/// Settings of ``lowRankTransport(_:_:a:b:rank:epsilon:options:)``.
public struct LowRankTransportOptions: Sendable {
    /// What the descent begins with, which decides which of the minima is found.
    public enum Start: Sendable, Hashable {
        /// Clusters of both clouds by k-means, paired by an assignment of their centres.
        case kMeans
        /// Almost the product of the weights; POT's `init="deterministic"`.
        case deterministic
    }

    /// What the descent begins with.
    public var start: Start
    /// Stop when a step changes the factors by less, in L1 over the step's length.
    public var tolerance: Double
    /// Stop at the latest after so many steps.
    public var maximumIterations: Int
    /// A step's length for the cost over its mean, over the square of the largest slope; POT has 10. Where the value would rise it is halved.
    public var stepLength: Double
    /// The L1 error of the marginals to which a step is projected.
    public var innerTolerance: Double
    /// Stop a projection at the latest here.
    public var innerIterations: Int

    /// Settings; from clusters, to changes of 1e-5, in 500 steps by default.
    public init(
        start: Start = .kMeans, tolerance: Double = 1e-5, maximumIterations: Int = 500, stepLength: Double = 10,
        innerTolerance: Double = 1e-7, innerIterations: Int = 2000
    ) {
        (self.start, self.tolerance, self.maximumIterations, self.stepLength) = (start, tolerance, maximumIterations, stepLength)
        (self.innerTolerance, self.innerIterations) = (innerTolerance, innerIterations)
    }
}

/// A plan of low rank, `P = Q diag(1 / g) R^T`.
public struct LowRankTransport: Sendable {
    /// `<P, C> + epsilon (sum Q log Q + sum R log R + sum g log g)`. Gradient: for points that of the cost at the held plan, for weights
    /// the multipliers of the row sums, by the envelope theorem: that of this very number where the descent has converged, off by about
    /// ``change`` before.
    public let value: Tensor
    /// `<P, C>`. Gradient: where epsilon is 0 the value's; otherwise the factors move too, and asking for it is an error.
    public let linearCost: Tensor
    /// Q [n, rank], R [m, rank] and g [rank]; asking for their derivatives is an error.
    public let factors: (q: Tensor, r: Tensor, g: Tensor)
    /// The L1 distances of the plan's marginals from the weights.
    public let marginalErrors: (x: Double, y: Double)
    /// The larger of both.
    public var marginalError: Double { max(marginalErrors.x, marginalErrors.y) }
    /// Steps of mirror descent taken.
    public let iterations: Int
    /// The L1 change of the factors in the last one, over its length where that is below 1.
    public let change: Double
    /// Whether that came down to the tolerance.
    public let isConverged: Bool

    /// `P v` for v [m] or [m, d]: O((n + m) rank d).
    public func applied(to v: Tensor) throws -> Tensor {
        guard try v.checked().rank >= 1, v.rank <= 2, v.shape[0] == factors.r.shape[0] else {
            throw TensorError.shapeMismatch(
                operation: "lowRankTransport", expected: "values [\(factors.r.shape[0])] or [\(factors.r.shape[0]), d]", actual: [v.shape])
        }
        let columns = try v.rank == 1 ? v.expandedDimensions(at: 1) : v
        let inner = try factors.r.transposed().matmul(columns.asType(factors.r.dtype)) / factors.g.expandedDimensions(at: 1)
        let result = try factors.q.matmul(inner)
        return v.rank == 1 ? try result.squeezed(axes: [1]) : result
    }

    /// Where each point goes on average: `P values / (P 1)` [n, d] for values [m, d].
    public func barycentricMap(values: Tensor) throws -> Tensor {
        let ones = try Tensor.ones([factors.r.shape[0], 1], dtype: factors.r.dtype, on: factors.r.device)
        return try applied(to: values) / applied(to: ones)
    }

    /// Rows of the plan [rows, m].
    public func plan(rows: Range<Int>) throws -> Tensor {
        let n = factors.q.shape[0]
        try require(rows.lowerBound >= 0 && rows.upperBound <= n, "plan", "rows in 0..<\(n)", rows)
        return try (factors.q[rows] / factors.g).matmul(factors.r.transposed())
    }
}

/// Transport between point clouds by a plan of low rank, for half the squared distance: O((n + m) rank (rank + d)) a step, no cost written
/// out.
///
/// `min <C, Q diag(1 / g) R^T> + epsilon (sum Q log Q + sum R log R + sum g log g)` over Q, R with the row sums a, b and the equal column
/// sums g >= 1e-10, by mirror descent. The problem is not convex: a local minimum, from a start that is part of the function.
/// Gradient: see ``LowRankTransport/value``.
///
/// - Parameters:
///   - x: [n, d], finite.
///   - y: [m, d].
///   - a: [n], above 0; 1 / n each by default. Masses have to be 1.
///   - b: [m].
///   - rank: Above 0; at most n and m count.
///   - epsilon: At least 0, in the cost's units.
///   - options: Start, steps, stopping.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``. Not to
///   converge is no error: the solution says so.
/// - Note: float64 on the processor; slopes are taken of the cost over its mean, so that lengths scale. The entropy is stepped over exactly,
///   a step's projection is alternating maximisation of its dual. The minima are those of POT's `lowrank_sinkhorn`, which takes 100 steps and
///   the entropy by its slope too: with a large epsilon those swing about the minimum. Scetbon, Cuturi and Peyre, Low-Rank Sinkhorn
///   Factorization, 2021.
public func lowRankTransport(
    _ x: Tensor, _ y: Tensor, a: Tensor? = nil, b: Tensor? = nil, rank: Int, epsilon: Double = 0, options: LowRankTransportOptions = .init()
) throws -> LowRankTransport {
    try LowRankProblem(x, y, a: a, b: b, rank: rank, epsilon: epsilon, options).solve()
}
