import Foundation

extension LossOracle {
    /// All columns' entries may be used: the maximum is smooth. By gradient steps of the length that the curvature allows.
    static let sparseTransport = LossOracle(
        name: "sparseTransport", tolerance: 1e-5, gradientTolerance: 2e-4, step: 1e-4, noise: 1e-12, sampledElements: 3,
        options: ["maximumNonzeros": "17", "gamma": "0.5"], sizes: [1, 2, 9], constrained: ["a", "b"], isFiniteEverywhere: false,
        allowsEmpty: false, isTwiceDifferentiable: false
    ) { given in
        let (costs, gamma) = (given["cost"], given.number("gamma", 1))
        let (n, m) = (costs.rows, costs.columns)
        let a = given.inputs["a"]?.values ?? [Double](repeating: 1 / Double(n), count: n)
        let b = given.inputs["b"]?.values ?? [Double](repeating: 1 / Double(m), count: m)
        /// The column's masses: the projection by bisection of the threshold.
        func column(_ j: Int, _ alpha: [Double]) -> [Double] {
            let scores = (0..<n).map { alpha[$0] - costs[$0, j] }
            var (low, high) = ((scores.max() ?? 0) - gamma * b[j] - 1, scores.max() ?? 0)
            for _ in 0..<80 {
                let middle = (low + high) / 2
                if scores.reduce(0, { $0 + max($1 - middle, 0) }) > gamma * b[j] { low = middle } else { high = middle }
            }
            return scores.map { max($0 - low, 0) / gamma }
        }
        var (alpha, ahead, momentum) = ([Double](repeating: 0, count: n), [Double](repeating: 0, count: n), 1.0)
        for _ in 0..<600 {
            let columns = (0..<m).map { column($0, ahead) }
            let slope = (0..<n).map { i in a[i] - columns.reduce(0) { $0 + $1[i] } }
            let next = (0..<n).map { ahead[$0] + gamma / Double(m) * slope[$0] }
            let faster = (1 + (1 + 4 * momentum * momentum).squareRoot()) / 2
            // Momentum that points the wrong way starts anew.
            let isWrong = zip(slope, zip(next, alpha)).reduce(0) { $0 + $1.0 * ($1.1.0 - $1.1.1) } < 0
            ahead = isWrong ? next : (0..<n).map { next[$0] + (momentum - 1) / faster * (next[$0] - alpha[$0]) }
            (alpha, momentum) = (next, isWrong ? 1 : faster)
        }
        var value = zip(alpha, a).reduce(0) { $0 + $1.0 * $1.1 }
        for j in 0..<m {
            for (i, mass) in column(j, alpha).enumerated() { value -= mass * (alpha[i] - costs[i, j]) - gamma / 2 * mass * mass }
        }
        return [value]
    }

    static let hausdorffDivergence = LossOracle(
        name: "hausdorffDivergence", tolerance: 2e-5, gradientTolerance: 5e-4, step: 1e-4, noise: 1e-14, sampledElements: 3,
        settings: ["tolerance": "1e-6", "maximumIterations": "600"], options: ["epsilon": "0.7"], sizes: [1, 2, 9],
        constrained: ["a", "b"], isTwiceDifferentiable: false, cases: [LossCase(options: ["epsilon": "0.5", "power": "1"])]
    ) { given in
        let (x, y) = (given["x"], given["y"])
        let a = given.inputs["a"]?.values ?? [Double](repeating: 1 / Double(x.rows), count: x.rows)
        let b = given.inputs["b"]?.values ?? [Double](repeating: 1 / Double(y.rows), count: y.rows)
        let (epsilon, power) = (given.number("epsilon", 0.05), Int(given.number("power", 2)))
        func cost(_ p: [Double], _ q: [Double]) -> Double { power == 1 ? distance(p, q) : pow(distance(p, q), 2) / 2 }
        func costs(_ p: [Double], _ points: Matrix) -> [Double] { (0..<points.rows).map { cost(p, points.row($0)) } }
        func soft(_ costs: [Double], _ weights: [Double], _ f: [Double]) -> Double {
            -epsilon * logSumExp(f.indices.map { log(weights[$0]) + (f[$0] - costs[$0]) / epsilon })
        }
        func potential(_ points: Matrix, _ weights: [Double]) -> [Double] {
            let among = (0..<points.rows).map { costs(points.row($0), points) }
            var f = [Double](repeating: 0, count: points.rows)
            for _ in 0..<200 { f = f.indices.map { (f[$0] + soft(among[$0], weights, f)) / 2 } }
            return f
        }
        let (f, g) = (potential(x, a), potential(y, b))
        let ofX = f.indices.reduce(0) { $0 + a[$1] * (soft(costs(x.row($1), y), b, g) - f[$1]) }
        let ofY = g.indices.reduce(0) { $0 + b[$1] * (soft(costs(y.row($1), x), a, f) - g[$1]) }
        return [(ofX + ofY) / 2]
    }

    /// All permutations.
    static let minibatchTransport = LossOracle(name: "minibatchTransport", sizes: [1, 2, 5], larger: nil, allowsEmpty: false) { given in
        let (x, y) = (given["x"], given["y"])
        func least(_ i: Int, _ free: [Int]) -> Double {
            guard i < x.rows else { return 0 }
            return free.map { j in pow(distance(x.row(i), y.row(j)), 2) / 2 + least(i + 1, free.filter { $0 != j }) }.min() ?? 0
        }
        return [least(0, Array(0..<y.rows)) / Double(x.rows)]
    }
}
