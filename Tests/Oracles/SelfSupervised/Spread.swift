import Foundation

extension LossOracle {
    static let iterativeWhitening = LossOracle(
        name: "iterativeWhitening", tolerance: 1e-5, gradientTolerance: 4e-5, sizes: [2, 17], allowsEmpty: false,
        cases: [LossCase(options: ["beta": "0.5", "iterations": "2"]), LossCase(options: ["iterations": "0"])]
    ) { given in
        let n = Double(given["first"].rows)
        func whitened(_ rows: Rows) -> Rows {
            let z = centred(rows)
            let covariance = gram(z, z).map { $0.map { $0 / (n - 1) } }
            let trace = covariance.indices.reduce(0) { $0 + covariance[$1][$1] }
            var p = covariance.indices.map { i in covariance.indices.map { i == $0 ? 1.0 : 0 } }
            for _ in 0..<Int(given.number("iterations", 4)) {
                let step = times(times(times(p, p), p), covariance.map { $0.map { $0 / trace } })
                p = p.indices.map { i in p.indices.map { 1.5 * p[i][$0] - 0.5 * step[i][$0] } }
            }
            return times(z, turned(p)).map { $0.map { $0 / sqrt(trace) } }
        }
        let (x, y) = (whitened(given["first"].lines()), whitened(given["second"].lines()))
        func trace(_ z: Rows) -> Double { turned(z).reduce(0) { $0 + pow(product($1, $1) / (n - 1) - 1, 2) } }
        let apart = mean(zip(x, y).map { 2 - 2 * cosine($0, $1) })
        return [apart + given.number("beta", 0.01 * (log2(n) - 3)) * (trace(x) + trace(y))]
    }

    static let dispersive = LossOracle(
        name: "dispersive", tolerance: 4e-6, gradientTolerance: 2e-5, allowsEmpty: false,
        cases: [
            LossCase(options: ["form": "cosine"]), LossCase(options: ["form": "hinge", "margin": "4"]),
            LossCase(options: ["form": "covariance"]), LossCase(options: ["temperature": "3"], extents: ["n": 2]),
        ]
    ) { given in
        let z = given["embeddings"].lines()
        let (n, t) = (Double(z.count), given.number("temperature", 0.5))
        func pairs(_ value: ([Double], [Double]) -> Double) -> [Double] { z.flatMap { a in z.map { value(a, $0) } } }
        switch given.word("form", "infoNCE") {
        case "cosine": return [logSumExp(pairs { (cosine($0, $1) - 1) / t }) - 2 * log(n)]
        case "hinge": return [mean(pairs { pow(max(0, given.number("margin", 1) - pow(distance($0, $1), 2)), 2) })]
        case "covariance":
            let c = centred(z.map(unit))
            return [sumOfSquares(gram(c, c).map { $0.map { $0 / max(1, n - 1) } }) { $0 != $1 }]
        default: return [logSumExp(pairs { -pow(distance($0, $1), 2) / t }) - 2 * log(n)]
        }
    }

    static let slicedGaussian = LossOracle(
        name: "slicedGaussian", tolerance: 4e-6, gradientTolerance: 2e-5, isFiniteEverywhere: false, allowsEmpty: false,
        cases: [LossCase(options: ["knots": "9", "reach": "2"])]
    ) { given in [statistic(given, knots: Int(given.number("knots", 17)), reach: given.number("reach", 3))] }

    static let leJEPA = LossOracle(
        name: "leJEPA", tolerance: 4e-6, gradientTolerance: 2e-5, isFiniteEverywhere: false, allowsEmpty: false,
        cases: [LossCase(options: ["lambda": "0.6"])]
    ) { given in
        let z = given["embeddings"]
        let (views, n, lambda) = (z.shape[0], z.shape[1], given.number("lambda", 0.02))
        var apart = 0.0
        for i in 0..<n {
            for k in 0..<z.columns {
                let column = (0..<views).map { z.row($0 * n + i)[k] }
                apart += column.reduce(0) { $0 + pow($1 - mean(column), 2) }
            }
        }
        return [lambda * statistic(given, knots: 17, reach: 3) + (1 - lambda) * apart / Double(z.values.count)]
    }

    private static func statistic(_ given: Given, knots: Int, reach: Double) -> Double {
        let z = given["embeddings"]
        let (views, n, step) = (z.shape[0], z.shape[1], reach / Double(knots - 1))
        let terms = (0..<views).flatMap { v in
            turned(given["directions"].lines()).map { a in
                let u = z.lines(v, of: n).map { product($0, a) }
                return (0..<knots).reduce(0.0) { sum, k in
                    let t = Double(k) * step
                    let weight = (k == 0 || k == knots - 1 ? step : 2 * step) * exp(-t * t / 2)
                    let real = mean(u.map { cos(t * $0) }) - exp(-t * t / 2)
                    return sum + Double(n) * weight * (real * real + pow(mean(u.map { sin(t * $0) }), 2))
                }
            }
        }
        return mean(terms)
    }

    static let embeddingDynamics: LossOracle = {
        var oracle = holding(
            "embeddingDynamics", cases: [LossCase(options: ["singularWeight": "2", "brownianWeight": "0.5", "noiseScale": "0.4"])]
        ) { given, unmoved in
            let shape = given["embeddings"].shape
            let (views, n, d) = (shape[0], shape[1], shape[2])
            let z = given["embeddings"].lines().map(unit)
            let goals = given["targets"].lines().map(unit)
            let centroids = (0..<n).map { i in unit((0..<d).map { k in mean((0..<views).map { goals[$0 * n + i][k] }) }) }
            let wandered = zip(unmoved["embeddings"].lines().map(unit), given["noise"].lines()).map { z, noise in
                unit(zip(z, noise).map { $0 + given.number("noiseScale", 0.1) * $1 })
            }
            let centroid = mean(z.indices.map { pow(distance(z[$0], centroids[$0 % n]), 2) })
            let brownian = mean(z.indices.map { pow(distance(z[$0], wandered[$0]), 2) })
            let singular = (0..<views).map { v -> Double in
                let rows = Array(z[v * n..<(v + 1) * n])
                let c = gram(rows, rows)
                return sumOfSquares(c.indices.map { i in c.indices.map { c[i][$0] / Double(n) - (i == $0 ? 1 / Double(d) : 0) } })
            }
            return [
                centroid + given.number("singularWeight", 1) * mean(singular) + given.number("brownianWeight", 1) * brownian
            ]
        }
        oracle.tolerance = 4e-6
        oracle.gradientTolerance = 2e-5
        oracle.allowsEmpty = false
        return oracle
    }()

    static let clusterAssignment = LossOracle(name: "clusterAssignment") { given in
        zip(given["logits"].lines(), given["targets"].lines()).map { z, q in
            let partition = logSumExp(z)
            return zip(z, q).reduce(0) { $0 - $1.1 * ($1.0 - partition) }
        }
    }
}
