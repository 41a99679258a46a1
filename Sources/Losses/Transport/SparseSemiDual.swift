/// The semi-dual of transport with few entries a column, a concave function of the rows' potentials.
struct SparseSemiDual {
    let costs: [Double]
    let a: [Double]
    let b: [Double]
    var gamma: Double
    let most: Int

    struct Point {
        var value: Double
        var gradient: [Double]
        var plan: [Double]
        var beta: [Double]
    }

    func evaluate(_ alpha: [Double]) -> Point {
        let (n, m) = (a.count, b.count)
        var value = zip(alpha, a).reduce(0) { $0 + $1.0 * $1.1 }
        var (gradient, plan, beta) = (a, [Double](repeating: 0, count: n * m), [Double](repeating: 0, count: m))
        for j in 0..<m {
            let scores = (0..<n).map { alpha[$0] - costs[$0 * m + j] }
            let chosen = (0..<n).sorted { scores[$0] > scores[$1] || (scores[$0] == scores[$1] && $0 < $1) }.prefix(most)
            // The threshold above which scores share the mass: (sum over the kept of scores - gamma b) / their number.
            var (sum, threshold) = (0.0, scores[chosen[0]])
            for (rank, i) in chosen.enumerated() {
                let next = (sum + scores[i] - gamma * b[j]) / Double(rank + 1)
                if scores[i] <= next { break }
                (sum, threshold) = (sum + scores[i], next)
            }
            beta[j] = -threshold
            for i in chosen where scores[i] > threshold && b[j] > 0 {
                let mass = (scores[i] - threshold) / gamma
                plan[i * m + j] = mass
                gradient[i] -= mass
                value -= mass * (scores[i] - gamma / 2 * mass)
            }
        }
        return Point(value: value, gradient: gradient, plan: plan, beta: beta)
    }

    /// Where it is largest, by quasi-Newton steps, or by Newton's where those end early.
    func maximum(tolerance: Double, maximumIterations: Int) -> (point: [Double], iterations: Int) {
        let first = QuasiNewton.minimize(
            from: [Double](repeating: 0, count: a.count), tolerance: tolerance, maximumIterations: maximumIterations
        ) { alpha in
            let point = evaluate(alpha)
            return (-point.value, point.gradient.map { -$0 })
        }
        let found = evaluate(first.point)
        guard Self.size(found.gradient) > tolerance else { return first }
        let second = newton(tolerance: tolerance, maximumIterations: min(maximumIterations, 500))
        let other = evaluate(second.point)
        // Where supports tie Newton's steps may end lower.
        let isBetter = Self.size(other.gradient) <= tolerance || other.value > found.value
        return (isBetter ? second.point : first.point, first.iterations + second.iterations)
    }

    private static func size(_ gradient: [Double]) -> Double { gradient.reduce(0) { $0 + abs($1) } }

    /// Damped Newton steps at a gamma that falls to the wanted one, from where the function is one parabola nearly.
    private func newton(tolerance: Double, maximumIterations: Int) -> (point: [Double], iterations: Int) {
        var alpha = [Double](repeating: 0, count: a.count)
        var easier = self
        easier.gamma = max(gamma, ((costs.max() ?? 0) - (costs.min() ?? 0)) * Double(max(a.count, b.count)))
        var iterations = 0
        while iterations < maximumIterations {
            let isLast = easier.gamma <= gamma
            let left = maximumIterations - iterations
            iterations += easier.climb(&alpha, tolerance: isLast ? tolerance : 1e-2, most: isLast ? left : min(30, left))
            if isLast { break }
            easier.gamma = max(gamma, easier.gamma / 4)
        }
        return (alpha, iterations)
    }

    /// Newton steps with a damping that falls with each that helps; their number.
    private func climb(_ alpha: inout [Double], tolerance: Double, most: Int) -> Int {
        var (point, damping, steps) = (evaluate(alpha), 1e-3, 0)
        while steps < most, Self.size(point.gradient) > tolerance, damping < 1e6 {
            guard let step = solve(curvature(point, damping), point.gradient.map { $0 * gamma }) else {
                damping *= 10
                continue
            }
            let next = zip(alpha, step).map { $0 + $1 }
            let reached = evaluate(next)
            steps += 1
            let isBetter =
                reached.value > point.value + 1e-14 * abs(point.value) || Self.size(reached.gradient) < 0.999 * Self.size(point.gradient)
            if isBetter { (alpha, point) = (next, reached) }
            damping = isBetter ? max(damping / 10, 1e-13) : damping * 10
        }
        return steps
    }

    /// Minus gamma times the second derivative where supports stay, plus a damping, by rows.
    private func curvature(_ point: Point, _ damping: Double) -> [Double] {
        let (n, m) = (a.count, b.count)
        var matrix = [Double](repeating: 0, count: n * n)
        for i in 0..<n { matrix[i * n + i] = damping }
        for j in 0..<m {
            let support = (0..<n).filter { point.plan[$0 * m + j] > 0 }
            for i in support {
                matrix[i * n + i] += 1
                for k in support { matrix[i * n + k] -= 1 / Double(support.count) }
            }
        }
        return matrix
    }

    /// The solution of a positive definite system by Cholesky's factors; nil where rounding leaves none.
    private func solve(_ matrix: [Double], _ right: [Double]) -> [Double]? {
        let n = right.count
        var (factor, x) = (matrix, right)
        for j in 0..<n {
            for k in 0..<j {
                let scale = factor[j * n + k]
                if scale == 0 { continue }
                for i in j..<n { factor[i * n + j] -= scale * factor[i * n + k] }
            }
            guard factor[j * n + j] > 0 else { return nil }
            let root = factor[j * n + j].squareRoot()
            for i in j..<n { factor[i * n + j] /= root }
        }
        for i in 0..<n {
            for k in 0..<i { x[i] -= factor[i * n + k] * x[k] }
            x[i] /= factor[i * n + i]
        }
        for i in (0..<n).reversed() {
            for k in i + 1..<max(n, i + 1) { x[i] -= factor[k * n + i] * x[k] }
            x[i] /= factor[i * n + i]
        }
        return x
    }
}
