import Foundation

/// Points with weights that sum to 1, in order.
func ordered(_ points: [Double], _ weights: [Double]?) -> [(point: Double, mass: Double)] {
    let masses = weights ?? [Double](repeating: 1, count: points.count)
    let total = masses.reduce(0, +)
    return zip(points, masses).map { ($0, $1 / total) }.sorted { $0.0 < $1.0 }
}

/// W_p^p on a line: mass moves in order.
func lineTransport(_ x: [Double], _ y: [Double], _ a: [Double]?, _ b: [Double]?, p: Double) -> Double {
    var (supply, demand) = (ordered(x, a)[...], ordered(y, b)[...])
    var total = 0.0
    while let from = supply.first, let to = demand.first {
        let moved = min(from.mass, to.mass)
        total += moved * pow(abs(from.point - to.point), p)
        supply[supply.startIndex].mass -= moved
        demand[demand.startIndex].mass -= moved
        if from.mass <= to.mass { supply.removeFirst() }
        if to.mass <= from.mass { demand.removeFirst() }
    }
    return total
}

/// W_p^p on a circle of length 1: the least over all cuts at which a point of either ends another's mass.
func circleTransport(_ x: [Double], _ y: [Double], _ a: [Double]?, _ b: [Double]?, p: Double) -> Double {
    let (from, to) = (ordered(x.map { $0 - floor($0) }, a), ordered(y.map { $0 - floor($0) }, b))
    func levels(_ points: [(point: Double, mass: Double)]) -> [Double] {
        var sum = 0.0
        return points.map {
            sum += $0.mass
            return sum
        }
    }
    let (f, g) = (levels(from), levels(to))
    /// The quantile of y unrolled over the line, at a level that may lie in any lap.
    func quantile(_ points: [(point: Double, mass: Double)], _ levels: [Double], _ level: Double) -> Double {
        let lap = floor(level)
        let index = levels.firstIndex { $0 > level - lap } ?? points.count - 1
        return points[index].point + lap
    }
    var best = Double.infinity
    for u in f {
        for v in g {
            for lap in -1...1 {
                let theta = u - v + Double(lap)
                let cuts = ([0, 1] + f + g.map { $0 + theta - floor($0 + theta) }).filter { $0 >= 0 && $0 <= 1 }.sorted()
                var total = 0.0
                for (start, end) in zip(cuts, cuts.dropFirst()) where end - start > 1e-13 {
                    let middle = (start + end) / 2
                    total += (end - start) * pow(abs(quantile(from, f, middle) - quantile(to, g, middle - theta)), p)
                }
                best = min(best, total)
            }
        }
    }
    return best
}

extension LossOracle {
    static let wasserstein1D = LossOracle(
        name: "wasserstein1D", allowsEmpty: false,
        cases: ["2", "1.5", "3"].flatMap { p in
            [LossCase(options: ["p": p], withOptional: true), LossCase(options: ["p": p], extents: ["n": 5])]
        }
    ) { given in
        [
            lineTransport(
                given["x"].values, given["y"].values, given.inputs["a"]?.values, given.inputs["b"]?.values, p: given.number("p", 1))
        ]
    }

    static let energyDistance1D = LossOracle(name: "energyDistance1D", allowsEmpty: false) { given in
        let (x, y) = (ordered(given["x"].values, given.inputs["a"]?.values), ordered(given["y"].values, given.inputs["b"]?.values))
        func apart(_ from: [(point: Double, mass: Double)], _ to: [(point: Double, mass: Double)]) -> Double {
            from.reduce(0) { sum, p in to.reduce(sum) { $0 + p.mass * $1.mass * abs(p.point - $1.point) } }
        }
        return [2 * apart(x, y) - apart(x, x) - apart(y, y)]
    }

    static let circularWasserstein = LossOracle(
        name: "circularWasserstein", allowsEmpty: false,
        cases: ["2", "1.5"].flatMap { p in
            [
                LossCase(options: ["p": p, "period": "2.5"], withOptional: true), LossCase(options: ["p": p], extents: ["n": 5]),
                LossCase(options: ["p": p]),
            ]
        }
    ) { given in
        let (period, p) = (given.number("period", 1), given.number("p", 1))
        let scale = pow(period, p)
        return [
            scale
                * circleTransport(
                    given["x"].values.map { $0 / period }, given["y"].values.map { $0 / period }, given.inputs["a"]?.values,
                    given.inputs["b"]?.values, p: p)
        ]
    }
}
