import LossKitOps

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Mirror descent on the factors of a plan of low rank, in float64 on the processor.
///
/// A step takes the cost by its slope S and the entropy as it is, `log Q <- (log Q - l S) / (1 + l epsilon)`, and projects: no length is
/// too long for the entropy, of which steps by its slope swing for ever where `l epsilon > 2`. A length that lets the value rise is halved.
struct LowRankSolver {
    /// Factors with what is known of them, for the cost over its mean.
    struct Point {
        let q: Tensor
        let r: Tensor
        /// [1, rank].
        let g: Tensor
        /// C R and C^T Q.
        let (across, back): (Tensor, Tensor)
        /// The diagonal of Q^T C R [1, rank].
        let omega: Tensor
        let logs: (q: Tensor, r: Tensor, g: Tensor)
        let cost: Double
        let entropy: Double
    }

    /// |x - y|^2 / 2 over its mean is the product of these, [n, d + 2] and [m, d + 2].
    private let left: Tensor
    private let right: Tensor
    private let masses: (x: [Double], y: [Double])
    private let mean: Double
    /// Of the cost over its mean.
    private let epsilon: Double
    private let options: LowRankTransportOptions
    private(set) var point: Point
    /// The derivatives of the value for the weights, up to a constant each: [n, 1] and [m, 1].
    private(set) var duals: (x: Tensor, y: Tensor)
    private(set) var iterations = 0
    /// The L1 change of the factors in the last step, over its length where that is below 1.
    private(set) var change = Double.infinity
    private var shortening = 1.0
    /// Scalings of the last projection's columns, with which the next begins.
    private var columns: (x: [Double], y: [Double])
    /// Below what g must not fall, what is added lest a logarithm be infinite, and the shortest share of a length.
    private static let (floor, least, shortest) = (1e-10, 1e-16, 1e-6)

    init(
        _ points: (x: Tensor, y: Tensor), _ masses: (x: Tensor, y: Tensor), rank: Int, epsilon: Double, _ options: LowRankTransportOptions
    ) throws {
        func factors(_ points: Tensor, _ sign: Double, isLeft: Bool) throws -> Tensor {
            let squares = try points.square().sum(axes: [1], keepDimensions: true) * 0.5
            let ones = squares * 0 + 1
            return try Tensor.concatenate([isLeft ? squares : ones, isLeft ? ones : squares, points * sign], axis: 1).evaluated()
        }
        let (left, right) = (try factors(points.x, 1, isLeft: true), try factors(points.y, -1, isLeft: false))
        let total = try (left.transposed().matmul(masses.x) * right.transposed().matmul(masses.y)).sum().scalar()
        mean = total > 0 ? total : 1
        (self.left, self.right) = (try (left / mean).evaluated(), right)
        (self.options, self.epsilon) = (options, epsilon / mean)
        self.masses = (try masses.x.array(), try masses.y.array())
        (duals, columns) = (masses, ([Double](repeating: 1, count: rank), [Double](repeating: 1, count: rank)))
        let (q, r, g) = try LowRankStart(points, masses, rank: rank).factors(options.start)
        point = try Self.point(q, r, g, self.left, right)
    }

    /// `<P, C>`.
    var cost: Double { point.cost * mean }
    /// `<P, C> + epsilon (sum Q log Q + sum R log R + sum g log g)`.
    var value: Double { value(point) * mean }

    private func value(_ point: Point) -> Double { point.cost + epsilon * point.entropy }

    private static func point(_ q: Tensor, _ r: Tensor, _ g: Tensor, _ left: Tensor, _ right: Tensor) throws -> Point {
        let across = try left.matmul(right.transposed().matmul(r)).evaluated()
        let omega = try (q * across).sum(axes: [0], keepDimensions: true).evaluated()
        let logs = (q: try q.log().evaluated(), r: try r.log().evaluated(), g: try g.log().evaluated())
        return Point(
            q: q, r: r, g: g, across: across, back: try right.matmul(left.transposed().matmul(q)).evaluated(), omega: omega, logs: logs,
            cost: try (omega / g).sum().scalar(),
            entropy: try (q * logs.q).sum().scalar() + (r * logs.r).sum().scalar() + (g * logs.g).sum().scalar())
    }

    mutating func advance() throws {
        let last = point
        let slopes = (q: try (last.across / last.g).evaluated(), r: try (last.back / last.g).evaluated(), g: last.omega / last.g.square())
        let steepest = try [slopes.q, slopes.r, last.omega / last.g].reduce(1e-150) { Swift.max($0, try $1.absolute().max().scalar()) }
        while true {
            let length = shortening * options.stepLength / (steepest * steepest)
            let kept = 1 / (1 + length * epsilon)
            let share = length * kept
            let next = try project(
                (last.logs.q * kept - slopes.q * share).exp(), (last.logs.r * kept - slopes.r * share).exp(),
                (last.logs.g * kept + slopes.g * share).exp())
            let found = try Self.point(next.q, next.r, next.g, left, right)
            // As far as projections are exact.
            guard value(found) <= value(last) + options.innerTolerance * steepest || shortening < Self.shortest else {
                shortening /= 2
                continue
            }
            let moved = try [next.q - last.q, next.r - last.r, next.g - last.g].reduce(0) { try $0 + $1.absolute().sum().scalar() }
            (point, columns, change) = (found, next.columns, moved / Swift.min(1, length))
            func dual(_ u: [Double]) throws -> Tensor {
                try Tensor(u.map { log($0) * mean / share }, shape: [u.count, 1], on: .cpu)
            }
            duals = (try dual(next.rows.x), try dual(next.rows.y))
            iterations += 1
            return
        }
    }

    private struct Projection {
        let (q, r, g): (Tensor, Tensor, Tensor)
        let (rows, columns): (rows: (x: [Double], y: [Double]), columns: (x: [Double], y: [Double]))
    }

    /// The factors nearest to some in relative entropy whose marginals are right, by alternating maximisation of the dual: u for row sums;
    /// v for column sums that are g, at least its floor, of which the best is a geometric mean.
    private func project(_ first: Tensor, _ second: Tensor, _ third: Tensor) throws -> Projection {
        let weight: [Double] = try third.array()
        var x = try RowScaling(first.array(), masses: masses.x, v: columns.x)
        var y = try RowScaling(second.array(), masses: masses.y, v: columns.y)
        var g = weight
        for step in 1...options.innerIterations {
            let error = x.advance() + y.advance()
            for k in g.indices {
                g[k] = Swift.max(Self.floor, cbrt(weight[k] * x.sums[k] * y.sums[k]))
                (x.v[k], y.v[k]) = (g[k] / x.sums[k], g[k] / y.sums[k])
            }
            if step > 1, error <= options.innerTolerance { break }
        }
        func tensor(_ factor: RowScaling, _ kernel: Tensor) throws -> Tensor {
            let (u, v) = (try Tensor(factor.u, shape: [factor.u.count, 1], on: .cpu), try Tensor(factor.v, shape: [1, g.count], on: .cpu))
            return try (kernel * u * v + Self.least).evaluated()
        }
        return Projection(
            q: try tensor(x, first), r: try tensor(y, second),
            g: try Tensor(g.map { $0 + Self.least }, shape: [1, g.count], on: .cpu), rows: (x.u, y.u), columns: (x.v, y.v))
    }
}
