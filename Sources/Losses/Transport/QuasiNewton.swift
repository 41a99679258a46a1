/// The least value of a convex function of few numbers, by L-BFGS with backtracking.
enum QuasiNewton {
    /// - Parameters:
    ///   - tolerance: Of the gradient's L1 norm.
    ///   - function: Value and gradient.
    static func minimize(
        from start: [Double], tolerance: Double, maximumIterations: Int, memory: Int = 10,
        _ function: ([Double]) -> (value: Double, gradient: [Double])
    ) -> (point: [Double], iterations: Int) {
        func inner(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        func moved(_ a: [Double], _ b: [Double], _ t: Double) -> [Double] { zip(a, b).map { $0 + t * $1 } }
        var point = start
        var (value, gradient) = function(point)
        var pairs: [(s: [Double], y: [Double], rho: Double)] = []
        var iterations = 0
        while iterations < maximumIterations, gradient.reduce(0, { $0 + abs($1) }) > tolerance {
            var direction = gradient.map { -$0 }
            var weights: [Double] = []
            for pair in pairs.reversed() {
                let weight = pair.rho * inner(pair.s, direction)
                weights.append(weight)
                direction = moved(direction, pair.y, -weight)
            }
            if let last = pairs.last {
                let scale = 1 / (last.rho * inner(last.y, last.y))
                direction = direction.map { $0 * scale }
            }
            for (pair, weight) in zip(pairs, weights.reversed()) {
                direction = moved(direction, pair.s, weight - pair.rho * inner(pair.y, direction))
            }
            let slope = inner(gradient, direction)
            var length = 1.0
            var next = moved(point, direction, length)
            var reached = function(next)
            // A value that no longer falls in doubles is as low as it gets.
            while !(reached.value <= value + 1e-4 * length * slope), length > 1e-12 {
                length /= 2
                next = moved(point, direction, length)
                reached = function(next)
            }
            guard reached.value < value || inner(reached.gradient, reached.gradient) < inner(gradient, gradient) else {
                guard !pairs.isEmpty else { break }
                pairs = []
                iterations += 1
                continue
            }
            let (s, y) = (moved(next, point, -1), moved(reached.gradient, gradient, -1))
            let curvature = inner(s, y)
            if curvature > 0 { pairs.append((s, y, 1 / curvature)) }
            if pairs.count > memory { pairs.removeFirst() }
            (point, value, gradient) = (next, reached.value, reached.gradient)
            iterations += 1
        }
        return (point, iterations)
    }
}
