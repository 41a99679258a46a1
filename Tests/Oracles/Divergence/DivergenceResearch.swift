import Foundation

extension LossOracle {
    static let divergenceResearch: [LossOracle] = [
        .sampleQuadratic, .cauchySchwarz, .cauchySchwarzInformation, .conditionalCauchySchwarz, .robustExpectation,
    ]

    static let sampleQuadratic = LossOracle(
        name: "sampleQuadratic", cases: [LossCase(options: ["includesTarget": "false"], reduction: .none)]
    ) { given in
        zip(given["targetCounts"].lines(), given["modelCounts"].lines()).map { a, b in
            let (n, m) = (a.reduce(0, +), b.reduce(0, +))
            return a.indices.reduce(0) { sum, x in
                let own = b[x] * (b[x] - 1) / (m * (m - 1)) - 2 * a[x] * b[x] / (n * m)
                return sum + own + (given.word("includesTarget", "true") == "true" ? a[x] * (a[x] - 1) / (n * (n - 1)) : 0)
            }
        }
    }

    private static func kernel(_ a: [Double], _ b: [Double], _ given: Given) -> Double {
        exp(-pow(distance(a, b), 2) / (2 * pow(given.number("sigma", 1), 2)))
    }

    static let cauchySchwarz = LossOracle(
        name: "cauchySchwarz", tolerance: 4e-6, gradientTolerance: 2e-5, allowsEmpty: false,
        cases: [LossCase(options: ["sigma": "0.6"]), LossCase(options: ["sigma": "3"], extents: ["n": 4, "m": 9])]
    ) { given in
        func density(_ a: Rows, _ b: Rows) -> Double { log(mean(a.flatMap { x in b.map { kernel(x, $0, given) } })) }
        let (x, y) = (given["x"].lines(), given["y"].lines())
        return [density(x, x) + density(y, y) - 2 * density(x, y)]
    }

    static let cauchySchwarzInformation = LossOracle(
        name: "cauchySchwarzInformation", tolerance: 4e-6, gradientTolerance: 2e-5, noise: 4e-14, allowsEmpty: false,
        cases: [LossCase(options: ["isNormalized": "true", "sigma": "2"], extents: ["n": 6])]
    ) { given in
        func information(_ a: Rows, _ b: Rows) -> Double {
            let n = a.count
            let k = a.map { x in a.map { kernel(x, $0, given) } }
            let q = b.map { x in b.map { kernel(x, $0, given) } }
            let joint = (0..<n).reduce(0) { $0 + product(k[$1], q[$1]) }
            let (first, second) = (k.map { $0.reduce(0, +) }, q.map { $0.reduce(0, +) })
            let marginal = log(joint) + log(first.reduce(0, +) * second.reduce(0, +))
            return marginal - 2 * log(product(first, second))
        }
        let (x, t) = (given["x"].lines(), given["t"].lines())
        let value = information(x, t)
        return [given.flag("isNormalized") ? value / sqrt(information(x, x) * information(t, t)) : value]
    }

    static let conditionalCauchySchwarz = LossOracle(
        name: "conditionalCauchySchwarz", tolerance: 4e-6, gradientTolerance: 2e-5, allowsEmpty: false,
        cases: [LossCase(options: ["sumsSquares": "true", "sigma": "1.5"])]
    ) { given in
        let (x, y, z) = (given["x"].lines(), given["targets"].lines(), given["predictions"].lines())
        func term(_ a: Rows, _ b: Rows) -> Double {
            log(x.indices.reduce(0) { sum, j in
                let k = x.map { kernel(x[j], $0, given) }
                let weight = given.flag("sumsSquares") ? product(k, k) : pow(k.reduce(0, +), 2)
                return sum + b.indices.reduce(0) { $0 + k[$1] * kernel(a[j], b[$1], given) } / weight
            })
        }
        return [term(y, y) + term(z, z) - 2 * term(y, z)]
    }

    static let robustExpectation = LossOracle(
        name: "robustExpectation", tolerance: 4e-6, gradientTolerance: 2e-5,
        cases: [
            LossCase(options: ["divergence": "totalVariation", "lambda": "0.7"], reduction: .none),
            LossCase(options: ["divergence": "chiSquare", "lambda": "0.2"], reduction: .none),
            LossCase(options: ["divergence": "chiSquare", "lambda": "0.4"], extents: ["n": 2, "m": 6]),
            LossCase(options: ["divergence": "chiSquare", "lambda": "50"]), LossCase(options: ["lambda": "0.3"], extents: ["n": 2]),
        ]
    ) { given in
        let lambda = given.number("lambda", 1)
        return zip(given["values"].lines(), given["probabilities"].lines()).map { v, p in
            switch given.word("divergence", "kullbackLeibler") {
            case "totalVariation": return zip(p, v).reduce(0) { $0 + $1.0 * min($1.1, (v.min() ?? 0) + lambda) }
            case "chiSquare":
                // Concave in the cap: by sections.
                func value(_ cap: Double) -> Double {
                    let m = v.map { min($0, cap) }
                    let first = product(p, m)
                    return first - (product(p, m.map { $0 * $0 }) - first * first) / (4 * lambda)
                }
                var (low, high) = (v.min() ?? 0, v.max() ?? 0)
                for _ in 0..<200 {
                    let (a, b) = (low + (high - low) / 3, high - (high - low) / 3)
                    if value(a) < value(b) { low = a } else { high = b }
                }
                return value((low + high) / 2)
            default: return -lambda * logSumExp(zip(p, v).map { log($0) - $1 / lambda })
            }
        }
    }
}
