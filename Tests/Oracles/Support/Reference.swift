import Foundation

/// log sum exp by its definition, shifted by the maximum.
public func logSumExp(_ values: [Double]) -> Double {
    let peak = values.max() ?? -.infinity
    return peak.isInfinite ? peak : peak + log(values.reduce(0) { $0 + exp($1 - peak) })
}

/// |a - b| in the Euclidean norm.
public func distance(_ a: [Double], _ b: [Double]) -> Double {
    sqrt(zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) })
}

/// The edges of the minimum spanning tree by Kruskal's algorithm over all pairs, ordered by (float32 length, i, j).
public func kruskal(_ points: Matrix) -> [(Int, Int)] {
    var edges: [(Float, Int, Int)] = []
    for i in 0..<points.rows {
        for j in i + 1..<max(points.rows, i + 1) {
            var sum: Float = 0
            for k in 0..<points.columns {
                let difference = Float(points[i, k]) - Float(points[j, k])
                sum += difference * difference
            }
            edges.append((sum.squareRoot(), i, j))
        }
    }
    var parent = Array(0..<points.rows)
    func root(_ i: Int) -> Int {
        var i = i
        while parent[i] != i { i = parent[i] }
        return i
    }
    return edges.sorted { $0 < $1 }.compactMap { _, i, j in
        let (a, b) = (root(i), root(j))
        guard a != b else { return nil }
        parent[a] = b
        return (i, j)
    }
}

/// Entropic transport between weighted points by plain log-domain iteration to a fixed point: the dual value with its entropy.
public func entropicTransport(
    _ x: Matrix, _ y: Matrix, _ a: [Double], _ b: [Double], epsilon: Double, power: Int, rho: Double? = nil, iterations: Int = 5000
) -> Double {
    let costs = (0..<x.rows).map { i in
        (0..<y.rows).map { j in power == 1 ? distance(x.row(i), y.row(j)) : pow(distance(x.row(i), y.row(j)), 2) / 2 }
    }
    func cost(_ i: Int, _ j: Int) -> Double { costs[i][j] }
    let damping = rho.map { 1 / (1 + epsilon / $0) } ?? 1
    var f = [Double](repeating: 0, count: x.rows)
    var g = [Double](repeating: 0, count: y.rows)
    for _ in 0..<iterations {
        let before = f
        f = f.indices.map { i in -damping * epsilon * logSumExp(g.indices.map { log(b[$0]) + (g[$0] - cost(i, $0)) / epsilon }) }
        g = g.indices.map { j in -damping * epsilon * logSumExp(f.indices.map { log(a[$0]) + (f[$0] - cost($0, j)) / epsilon }) }
        if zip(f, before).allSatisfy({ abs($0 - $1) <= 1e-14 * abs($0) }) { break }
    }
    // The primal value of the plan itself.
    var value = 0.0
    var rows = [Double](repeating: 0, count: x.rows)
    var columns = [Double](repeating: 0, count: y.rows)
    let product = a.reduce(0, +) * b.reduce(0, +)
    var planMass = 0.0
    for i in f.indices {
        for j in g.indices {
            let exponent = (f[i] + g[j] - cost(i, j)) / epsilon
            let mass = a[i] * b[j] * exp(exponent)
            value += mass * cost(i, j) + (mass > 0 ? epsilon * mass * exponent : 0)
            planMass += mass
            rows[i] += mass
            columns[j] += mass
        }
    }
    value += epsilon * (product - planMass)
    guard let rho else { return value }
    func divergence(_ p: [Double], _ q: [Double]) -> Double {
        zip(p, q).reduce(0) { $0 + ($1.0 > 0 ? $1.0 * log($1.0 / $1.1) : 0) - $1.0 + $1.1 }
    }
    return value + rho * (divergence(rows, a) + divergence(columns, b))
}

/// exp(z) over its sum.
public func softmax(_ values: [Double]) -> [Double] {
    let partition = logSumExp(values)
    return values.map { exp($0 - partition) }
}
