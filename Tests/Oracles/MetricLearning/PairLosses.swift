import Foundation

extension LossOracle {
    private static let mined = ["multiSimilarity", "batchHard", "batchEasy", "batchSemihard"].map { LossCase(options: ["miner": $0]) }

    private static let contrastiveFormula: Formula = { given in contrastive(given, distance: "euclidean") }

    private static func contrastive(_ given: Given, distance: String) -> [Double] {
        let pairs = PairOracle(given, distance: distance)
        let near = pairs.x.indices.map { i in
            pairs.positives(i).map { max(0, pairs.beyond(pairs.value(i, $0), given.number("positiveMargin", 0))) }
        }
        let far = pairs.x.indices.map { i in
            pairs.negatives(i).map { max(0, -pairs.beyond(pairs.value(i, $0), given.number("negativeMargin", 1))) }
        }
        return [reduced(near, given, "nonZeroMean") + reduced(far, given, "nonZeroMean")]
    }

    static let contrastive = LossOracle(
        name: "contrastive",
        cases: mined + [
            LossCase(options: ["distance": "cosine", "positiveMargin": "0.9", "negativeMargin": "0.1", "reducer": "mean"]),
            LossCase(options: ["distance": "dot", "isNormalized": "false", "reducer": "sum"]),
            LossCase(options: ["distance": "manhattan", "isNormalized": "false", "negativeMargin": "2"]),
            LossCase(options: ["distance": "squaredEuclidean", "negativeMargin": "2"], withOptional: true),
            LossCase(options: ["reducer": "perAnchor"]), LossCase(options: ["miner": "hardest"], withOptional: true),
        ], formula: contrastiveFormula)

    static let signalToNoiseContrastive = LossOracle(
        name: "signalToNoiseContrastive", tolerance: 5e-6, gradientTolerance: 2e-5,
        cases: [LossCase(options: ["positiveMargin": "0.1", "negativeMargin": "1.5"], extents: ["d": 6])]
    ) { contrastive($0, distance: "signalToNoise") }

    static let multiSimilarity = LossOracle(
        name: "multiSimilarity",
        cases: mined + [
            LossCase(options: ["alpha": "3", "beta": "10", "base": "0.3", "reducer": "sum"], withOptional: true),
            LossCase(options: ["distance": "euclidean", "base": "1"]),
        ]
    ) { given in
        let pairs = PairOracle(given, distance: "cosine")
        let (alpha, beta, base) = (given.number("alpha", 2), given.number("beta", 50), given.number("base", 0.5))
        let anchors = pairs.x.indices.map { i -> Double in
            let near = pairs.positives(i).reduce(1) { $0 + exp(alpha * pairs.beyond(pairs.value(i, $1), base)) }
            let far = pairs.negatives(i).reduce(1) { $0 + exp(-beta * pairs.beyond(pairs.value(i, $1), base)) }
            return log(near) / alpha + log(far) / beta
        }
        return [reduced(anchors, given, "mean")]
    }

    /// Weights are held: the formula takes them from the unmoved inputs. Exponents reach 2 gamma, and so does what rounding makes of them.
    static let circle = LossOracle.holding(
        "circle", gradientTolerance: 2e-5,
        cases: mined + [LossCase(options: ["margin": "0.25", "gamma": "10", "reducer": "mean"], withOptional: true)]
    ) { moved, unmoved in
        let (pairs, held) = (PairOracle(moved, distance: "cosine"), PairOracle(unmoved, distance: "cosine"))
        let (m, gamma) = (moved.number("margin", 0.4), moved.number("gamma", 80))
        let anchors = pairs.x.indices.map { i -> Double in
            let near = held.positives(i).map { -gamma * max(0, 1 + m - held.value(i, $0)) * (pairs.value(i, $0) - 1 + m) }
            let far = held.negatives(i).map { gamma * max(0, held.value(i, $0) + m) * (pairs.value(i, $0) - m) }
            guard !near.isEmpty, !far.isEmpty else { return 0 }
            return logSumExp([0, logSumExp(near) + logSumExp(far)])
        }
        return [reduced(anchors, moved, "nonZeroMean")]
    }

    static let classCircle = LossOracle.holding(
        "classCircle", gradientTolerance: 6e-5, cases: [LossCase(options: ["margin": "0.4", "gamma": "20"], reduction: .none)]
    ) { moved, unmoved in
        let (m, gamma) = (moved.number("margin", 0.25), moved.number("gamma", 256))
        func cosines(_ given: Given, _ i: Int) -> [Double] {
            let (x, w) = (given["embeddings"], given["weights"])
            return (0..<w.rows).map { zip(unit(x.row(i)), unit(w.row($0))).reduce(0) { $0 + $1.0 * $1.1 } }
        }
        return (0..<moved["embeddings"].rows).map { i in
            let (s, held, own) = (cosines(moved, i), cosines(unmoved, i), Int(moved["targets"][i]))
            let others = s.indices.filter { $0 != own }.map { gamma * max(0, held[$0] + m) * (s[$0] - m) }
            return logSumExp([0, logSumExp(others) - gamma * max(0, 1 + m - held[own]) * (s[own] - 1 + m)])
        }
    }

    static let liftedStructure = LossOracle(
        name: "liftedStructure",
        cases: mined + [
            LossCase(options: ["positiveMargin": "0.3", "negativeMargin": "1.4", "reducer": "nonZeroMean"]),
            LossCase(options: ["distance": "cosine", "positiveMargin": "0.9", "negativeMargin": "0.2"]),
        ]
    ) { given in
        let pairs = PairOracle(given, distance: "euclidean")
        func margins(_ i: Int) -> [Double] {
            pairs.negatives(i).map { -pairs.beyond(pairs.value(i, $0), given.number("negativeMargin", 1)) }
        }
        let elements = pairs.x.indices.flatMap { a in
            pairs.positives(a).map { p in
                let sum = logSumExp(margins(a) + margins(p)) + pairs.beyond(pairs.value(a, p), given.number("positiveMargin", 0))
                return pow(max(0, sum), 2) / 2
            }
        }
        return [reduced(elements, given, "mean")]
    }

    static let generalizedLiftedStructure = LossOracle(
        name: "generalizedLiftedStructure",
        cases: mined + [LossCase(options: ["positiveMargin": "0.3", "negativeMargin": "1.4", "reducer": "sum"], withOptional: true)]
    ) { given in
        let pairs = PairOracle(given, distance: "euclidean")
        let anchors = pairs.x.indices.map { i -> Double in
            let near = pairs.positives(i).map { pairs.beyond(pairs.value(i, $0), given.number("positiveMargin", 0)) }
            let far = pairs.negatives(i).map { -pairs.beyond(pairs.value(i, $0), given.number("negativeMargin", 1)) }
            return max(0, logSumExp(near) + logSumExp(far))
        }
        return [reduced(anchors, given, "mean")]
    }
}
