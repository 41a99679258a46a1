import Foundation

/// Two sets of points [n, d] and [m, d], every third of y within 1e-3 of one of x, so that products alone would lose their differences.
public struct PairedClouds: Sendable {
    public let x, y: [[Double]]
    /// Of the points y.
    public let weights: [Double]

    public init(_ n: Int, _ m: Int, _ d: Int) {
        var random = SplitMix64(seed: 31)
        func points(_ count: Int) -> [[Double]] { (0..<count).map { _ in random.values(d).map { Double(Float($0)) } } }
        let x = points(n)
        self.x = x
        y = points(m).enumerated().map { j, point in
            j % 3 > 0 ? point : zip(x[j % n], point).map { Double(Float($0 + 1e-3 * $1)) }
        }
        weights = random.values(m, in: 0.5...1.5).map { Double(Float($0)) }
    }

    /// The derivatives of sum_i log sum_j w_j exp(-scale |x_i - y_j|^2) with respect to x, y and w, and the sums of their terms' magnitudes.
    public func slopesOfLogSumExp(scale: Double) -> (values: [[Double]], scales: [[Double]]) {
        let (d, m) = (x[0].count, y.count)
        var values = [[Double](repeating: 0, count: x.count * d), [Double](repeating: 0, count: m * d), [Double](repeating: 0, count: m)]
        var scales = values.map { $0.map { _ in 1e-6 } }
        for i in x.indices {
            let masses = (0..<m).map { j in
                weights[j] * exp(-scale * zip(x[i], y[j]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) })
            }
            let total = masses.reduce(0, +)
            for j in 0..<m {
                let share = masses[j] / total
                values[2][j] += share / weights[j]
                scales[2][j] += share / weights[j]
                for k in 0..<d {
                    let term = -2 * scale * share * (x[i][k] - y[j][k])
                    values[0][i * d + k] += term
                    values[1][j * d + k] -= term
                    scales[0][i * d + k] += abs(term)
                    scales[1][j * d + k] += abs(term)
                }
            }
        }
        return (values, scales)
    }
}
