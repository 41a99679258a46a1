import Foundation
import LossKit
import LossKitTestSupport

/// Entropic transport in doubles by plain alternating maximisation of the dual.
struct ReferenceTransport {
    var costs: [[Double]]
    var a: [Double]
    var b: [Double]
    var epsilon: Double
    var source = MarginalPenalty.exact
    var target = MarginalPenalty.exact
    var mass: Double?

    static func halfSquares(_ x: [Double], _ y: [Double], d: Int, power: Int = 2) -> [[Double]] {
        (0..<x.count / d).map { i in
            (0..<y.count / d).map { j in
                let square = (0..<d).reduce(0.0) { $0 + (x[i * d + $1] - y[j * d + $1]) * (x[i * d + $1] - y[j * d + $1]) }
                return power == 1 ? square.squareRoot() : square / 2
            }
        }
    }

    private func best(_ soft: Double, _ penalty: MarginalPenalty) -> Double {
        switch penalty {
        case .exact: return soft
        case .divergence(let rho): return soft * rho / (rho + epsilon)
        case .totalVariation(let rho): return min(max(soft, -rho), rho)
        case .range(let range):
            if soft > -epsilon * log(range.lowerBound) { return soft + epsilon * log(range.lowerBound) }
            if soft < -epsilon * log(range.upperBound) { return soft + epsilon * log(range.upperBound) }
            return 0
        }
    }

    func solve(iterations: Int = 20_000) -> (f: [Double], g: [Double], shift: Double) {
        var (f, g, shift) = ([Double](repeating: 0, count: a.count), [Double](repeating: 0, count: b.count), 0.0)
        let (source, target) = mass == nil ? (source, target) : (.range(0...1), .range(0...1))
        for _ in 0..<iterations {
            let before = f
            f = f.indices.map { i in
                best(-epsilon * logSumExp(g.indices.map { log(b[$0]) + (g[$0] - costs[i][$0]) / epsilon }) - shift, source)
            }
            let soft = g.indices.map { j in -epsilon * logSumExp(f.indices.map { log(a[$0]) + (f[$0] - costs[$0][j]) / epsilon }) }
            g = soft.map { best($0 - shift, target) }
            if let mass {
                shift = epsilon * (log(mass) - logSumExp(g.indices.map { log(b[$0]) + (g[$0] - soft[$0]) / epsilon }))
            }
            if zip(f, before).allSatisfy({ abs($0 - $1) <= 1e-14 * max(1, abs($0)) }) { break }
        }
        return (f, g, shift)
    }

    func plan(_ f: [Double], _ g: [Double], shift: Double = 0) -> [[Double]] {
        f.indices.map { i in g.indices.map { a[i] * b[$0] * exp((f[i] + g[$0] + shift - costs[i][$0]) / epsilon) } }
    }

    /// The objective of a plan; a marginal that is exact or in a range is taken to be so.
    func objective(_ plan: [[Double]]) -> Double {
        var (value, moved) = (0.0, 0.0)
        for i in a.indices {
            for j in b.indices where plan[i][j] > 0 {
                value += plan[i][j] * (costs[i][j] + epsilon * log(plan[i][j] / (a[i] * b[j])))
                moved += plan[i][j]
            }
        }
        value += epsilon * (a.reduce(0, +) * b.reduce(0, +) - moved)
        func price(_ marginal: [Double], _ weights: [Double], _ penalty: MarginalPenalty) -> Double {
            zip(marginal, weights).reduce(0) { sum, entry in
                switch penalty {
                case .exact, .range: sum
                case .divergence(let rho): sum + rho * (entry.0 * log(entry.0 / entry.1) - entry.0 + entry.1)
                case .totalVariation(let rho): sum + rho * abs(entry.0 - entry.1)
                }
            }
        }
        let (rows, columns) = marginals(plan)
        return value + price(rows, a, source) + price(columns, b, target)
    }

    func marginals(_ plan: [[Double]]) -> (rows: [Double], columns: [Double]) {
        (plan.map { $0.reduce(0, +) }, b.indices.map { j in plan.reduce(0) { $0 + $1[j] } })
    }

    /// The least objective.
    var value: Double {
        let (f, g, shift) = solve()
        return objective(plan(f, g, shift: shift))
    }
}
