import Foundation

extension LossOracle {
    static let mstLength = LossOracle(
        name: "mstLength", sizes: [2, 17], cases: [LossCase(options: ["power": "2"], extents: ["n": 40, "d": 2])]
    ) { given in
        [treeLengths(given["points"]).reduce(0) { $0 + pow($1, given.number("power", 1)) }]
    }

    static let mstLengthRegularizer = LossOracle(name: "mstLengthRegularizer", sizes: [2, 17]) { [spread(given: $0, "points")] }

    static let tregs = LossOracle(
        name: "tregs", sizes: [2, 17], cases: [LossCase(options: ["beta": "1.5", "gamma": "0.7", "lambda": "0.3"])]
    ) { given in
        let (first, second) = (given["first"], given["second"])
        let agreement = (0..<first.rows).reduce(0.0) { $0 + pow(distance(first.row($1), second.row($1)), 2) } / Double(first.rows)
        return [given.number("beta", 10) * agreement + spread(given: given, "first") + spread(given: given, "second")]
    }

    private static func spread(given: Given, _ name: String) -> Double {
        let points = given[name]
        let n = Double(points.rows)
        let zero = [Double](repeating: 0, count: points.columns)
        let sphere = (0..<points.rows).reduce(0.0) { $0 + pow(distance(points.row($1), zero) - 1, 2) }
        return -given.number("gamma", 0.2) / n * treeLengths(points).reduce(0, +) + given.number("lambda", 8e-4) / n * sphere
    }

    static let connectivity = LossOracle(name: "connectivity", sizes: [2, 17], cases: [LossCase(options: ["eta": "0.7"])]) { given in
        [treeLengths(given["points"]).reduce(0) { $0 + abs($1 - given.number("eta", 2)) }]
    }

    static let spanningTreeEntropy = LossOracle(
        name: "spanningTreeEntropy", sizes: [2, 17],
        cases: [LossCase(options: ["power": "0.5", "constant": "0.3"], extents: ["n": 30, "d": 2])]
    ) { given in
        let points = given["points"]
        let (n, d, power) = (Double(points.rows), Double(points.columns), given.number("power", 1))
        let order = (d - power) / d
        let sum = treeLengths(points).reduce(0) { $0 + pow($1, power) }
        return [(log(sum / pow(n, order)) - given.number("constant", 0)) / (1 - order)]
    }

    static let spanningTreeDimension = LossOracle(
        name: "spanningTreeDimension", tolerance: 1e-5, gradientTolerance: 2e-5, sizes: [24, 41],
        cases: [LossCase(options: ["power": "0.5", "sizes": "6"], extents: ["n": 30, "d": 2])]
    ) { given in
        let points = given["points"]
        let (n, power, sizes) = (points.rows, given.number("power", 1), Int(given.number("sizes", 3)))
        let half = (n + 1) / 2
        let line = (0..<sizes).map { k -> (x: Double, y: Double) in
            let count = half + (n - half) * k / (sizes - 1)
            let first = Matrix(rows: count, columns: points.columns, values: Array(points.values.prefix(count * points.columns)))
            return (log(Double(count)), log(treeLengths(first).reduce(0) { $0 + pow($1, power) }))
        }
        // The normal equations of a line.
        let (x, y) = (line.reduce(0) { $0 + $1.x }, line.reduce(0) { $0 + $1.y })
        let (xx, xy) = (line.reduce(0) { $0 + $1.x * $1.x }, line.reduce(0) { $0 + $1.x * $1.y })
        let slope = (Double(sizes) * xy - x * y) / (Double(sizes) * xx - x * x)
        return [power / (1 - slope)]
    }

    static func treeLengths(_ points: Matrix) -> [Double] {
        kruskal(points).map { distance(points.row($0.0), points.row($0.1)) }
    }
}
