import Foundation

extension LossOracle {
    static let nPairs = LossOracle(
        // Of distances by a ratio of variances of three coordinates each, derivatives are sums of terms ten times as large.
        name: "nPairs", gradientTolerance: 1e-5,
        cases: [
            LossCase(options: ["distance": "euclidean", "isNormalized": "false", "reducer": "sum"]),
            LossCase(options: ["isNormalized": "false"]),
        ]
    ) { given in
        let pairs = PairOracle(given, distance: "dot")
        let labels = given["labels"].values
        let chosen = Set(labels).sorted().compactMap { label in
            let rows = labels.indices.filter { labels[$0] == label }
            return rows.count > 1 ? (rows[0], rows[1]) : nil
        }
        let elements = chosen.map { a, p in
            logSumExp(chosen.map { -pairs.beyond(pairs.value(a, $0.1), 0) }) + pairs.beyond(pairs.value(a, p), 0)
        }
        return [reduced(elements, given, "mean")]
    }

    static let angular = LossOracle(
        name: "angular", cases: [LossCase(options: ["alpha": "60", "reducer": "sum"]), LossCase(options: ["alpha": "20"])]
    ) { given in
        let pairs = PairOracle(given, distance: "cosine")
        let slope = pow(tan(given.number("alpha", 40) / 180 * .pi), 2)
        let elements = pairs.x.indices.flatMap { a in
            pairs.positives(a).map { p -> Double in
                let own = 2 * (1 + slope) * pairs.value(a, p)
                let exponents = pairs.negatives(a).map { n -> Double in 4 * slope * (pairs.value(a, n) + pairs.value(p, n)) - own }
                return log(1 + exponents.reduce(0) { $0 + exp($1) })
            }
        }
        return [reduced(elements, given, "mean")]
    }

    static let tupletMargin = LossOracle(
        name: "tupletMargin", tolerance: 5e-6, gradientTolerance: 2e-5,
        cases: [LossCase(options: ["margin": "20", "scale": "8", "reducer": "sum"]), LossCase(options: ["miner": "multiSimilarity"])]
    ) { given in
        let pairs = PairOracle(given, distance: "cosine")
        let (margin, scale) = (given.number("margin", 5.73) / 180 * .pi, given.number("scale", 64))
        let elements = pairs.x.indices.flatMap { a in
            pairs.positives(a).map { p -> Double in
                let eased = cos(acos(pairs.value(a, p)) - margin)
                let exponents = pairs.negatives(a).map { scale * (pairs.value(a, $0) - eased) }
                // What is far below 1 counts as an element above 0 still.
                return (exponents.max() ?? 0) > 0 ? logSumExp([0] + exponents) : log1p(exponents.reduce(0) { $0 + exp($1) })
            }
        }
        return [reduced(elements, given, "mean")]
    }

    static let marginLoss = LossOracle(
        name: "marginLoss",
        cases: [
            LossCase(options: ["margin": "0.5", "beta": "0.8"]), LossCase(options: ["distance": "cosine", "beta": "0.4"]),
        ]
    ) { given in
        let pairs = PairOracle(given, distance: "euclidean")
        var (sum, active) = (0.0, 0.0)
        for a in pairs.x.indices {
            let beta = given.inputs["boundaries"].map { $0[a] } ?? given.number("beta", 1.2)
            for p in pairs.positives(a) {
                for n in pairs.negatives(a) {
                    let near = max(0, pairs.beyond(pairs.value(a, p), beta) + given.number("margin", 0.2))
                    let far = max(0, -pairs.beyond(pairs.value(a, n), beta) + given.number("margin", 0.2))
                    sum += near + far
                    active += (near > 0 ? 1 : 0) + (far > 0 ? 1 : 0)
                }
            }
        }
        return [sum / max(1, active)]
    }

    static let histogramLoss = LossOracle(
        name: "histogramLoss", tolerance: 5e-6, gradientTolerance: 2e-5, step: 1e-8, cases: [LossCase(options: ["bins": "7"])]
    ) { given in
        let pairs = PairOracle(given, distance: "cosine")
        let width = 2 / given.number("bins", 100)
        let nodes = (0...Int(given.number("bins", 100))).map { -1 + Double($0) * width }
        func histogram(_ others: (Int) -> [Int]) -> [Double] {
            let values = pairs.x.indices.flatMap { i in others(i).map { pairs.value(i, $0) } }
            return nodes.map { node in
                values.reduce(0) { $0 + max(0, 1 - abs($1 - node) / width) } / Double(max(1, values.count))
            }
        }
        let (positive, negative) = (histogram(pairs.positives), histogram(pairs.negatives))
        return [nodes.indices.reduce(0) { $0 + negative[$1] * positive[0...$1].reduce(0, +) }]
    }

    static let fastAP = LossOracle(name: "fastAP", step: 1e-7, cases: [LossCase(options: ["bins": "5", "reducer": "sum"])]) { given in
        let pairs = PairOracle(given, distance: "squaredEuclidean")
        let width = 4 / given.number("bins", 10)
        let nodes = (0...Int(given.number("bins", 10))).map { Double($0) * width }
        let anchors = pairs.x.indices.filter { !pairs.positives($0).isEmpty }.map { i -> Double in
            func histogram(_ others: [Int]) -> [Double] {
                nodes.map { node in others.reduce(0) { $0 + max(0, 1 - abs(pairs.value(i, $1) - node) / width) } }
            }
            let near = histogram(pairs.positives(i))
            let all = zip(near, histogram(pairs.negatives(i))).map { $0 + $1 }
            let precision = nodes.indices.reduce(0.0) { sum, l in
                let total = all[0...l].reduce(0, +)
                return total == 0 ? sum : sum + near[l] * near[0...l].reduce(0, +) / total
            }
            return 1 - precision / Double(pairs.positives(i).count)
        }
        return [reduced(anchors, given, "mean")]
    }

    static let rankedList = LossOracle(
        name: "rankedList",
        cases: [
            LossCase(options: ["margin": "0.8", "negativeTemperature": "0", "imbalance": "0.3", "reducer": "sum"]),
            LossCase(options: ["alpha": "1.6", "positiveTemperature": "3", "isNormalized": "false"]),
        ]
    ) { given in
        let pairs = PairOracle(given, distance: "euclidean")
        let margin = given.number("margin", 0.4)
        let alpha = given.number("alpha", 1 + margin / 2)
        func weighted(_ excess: [Double], _ temperature: Double) -> Double {
            let out = excess.filter { $0 > 0 }
            let weights = out.map { exp(temperature * $0) }
            return out.isEmpty ? 0 : zip(weights, out).reduce(0) { $0 + $1.0 * $1.1 } / weights.reduce(0, +)
        }
        let balance = given.number("imbalance", 0.5)
        let anchors = pairs.x.indices.map { i -> Double in
            let near = weighted(pairs.positives(i).map { pairs.value(i, $0) - alpha + margin }, given.number("positiveTemperature", 0))
            let far = weighted(pairs.negatives(i).map { alpha - pairs.value(i, $0) }, given.number("negativeTemperature", 10))
            return (1 - balance) * near + balance * far
        }
        return [reduced(anchors, given, "mean")]
    }
}
