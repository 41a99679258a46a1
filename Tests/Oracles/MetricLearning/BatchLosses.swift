import Foundation

extension LossOracle {
    static let batch: [LossOracle] = [.ntXent, .supCon, .batchTripletMargin]

    /// Cosines of all pairs, and who shares a label with whom.
    private static func cosines(_ given: Given) -> (value: (Int, Int) -> Double, others: (Int, Bool) -> [Int], n: Int) {
        let (x, labels) = (given["embeddings"], given["labels"].values)
        let zero = [Double](repeating: 0, count: x.columns)
        let lengths = (0..<x.rows).map { distance(x.row($0), zero) }
        func value(_ i: Int, _ j: Int) -> Double {
            zip(x.row(i), x.row(j)).reduce(0) { $0 + $1.0 * $1.1 } / (lengths[i] * lengths[j])
        }
        return (value, { i, isPositive in (0..<x.rows).filter { $0 != i && (labels[$0] == labels[i]) == isPositive } }, x.rows)
    }

    static let ntXent = LossOracle(
        name: "ntXent", extents: ["d": 4],
        cases: [
            LossCase(options: ["temperature": "0.5"], extents: ["n": 12]), LossCase(options: ["temperature": "0.3"], extents: ["n": 41]),
        ],
        divisor: { given in
            let pairs = cosines(given)
            return Double(max(1, (0..<pairs.n).reduce(0) { $0 + pairs.others($1, true).count }))
        }
    ) { given in
        let (pairs, t) = (cosines(given), given.number("temperature", 0.07))
        return (0..<pairs.n).map { a in
            let negatives = pairs.others(a, false).map { pairs.value(a, $0) / t }
            return pairs.others(a, true).reduce(0) { $0 + logSumExp(negatives + [pairs.value(a, $1) / t]) - pairs.value(a, $1) / t }
        }
    }

    static let supCon = LossOracle(
        name: "supCon", extents: ["d": 4], cases: [LossCase(options: ["temperature": "0.5"], extents: ["n": 12])],
        divisor: { given in
            let pairs = cosines(given)
            return Double(max(1, (0..<pairs.n).count { !pairs.others($0, true).isEmpty }))
        }
    ) { given in
        let (pairs, t) = (cosines(given), given.number("temperature", 0.1))
        return (0..<pairs.n).map { a in
            let positives = pairs.others(a, true)
            guard !positives.isEmpty else { return 0 }
            let partition = logSumExp((positives + pairs.others(a, false)).map { pairs.value(a, $0) / t })
            return positives.reduce(0) { $0 + partition - pairs.value(a, $1) / t } / Double(positives.count)
        }
    }

    /// The triplets of each anchor that the mining takes.
    private static func triplets(_ given: Given) -> [[(Double, Double)]] {
        let (x, pairs) = (given["embeddings"], cosines(given))
        return (0..<x.rows).map { a in
            let positives = pairs.others(a, true).map { distance(x.row(a), x.row($0)) }
            let negatives = pairs.others(a, false).map { distance(x.row(a), x.row($0)) }
            guard let far = positives.max(), let near = negatives.min() else { return [] }
            switch given.word("mining", "batchHard") {
            case "batchAll": return positives.flatMap { p in negatives.map { (p, $0) } }
            case "semiHard":
                return positives.map { p in (p, negatives.filter { $0 > p }.min() ?? negatives.max() ?? 0) }
            default: return [(far, near)]
            }
        }
    }

    static let batchTripletMargin = LossOracle(
        name: "batchTripletMargin", isFiniteEverywhere: false,
        cases: [
            LossCase(options: ["softMargin": "true"], extents: ["n": 9]),
            LossCase(options: ["margin": "1", "mining": "batchAll"], extents: ["n": 18]),
            LossCase(options: ["margin": "0.5", "mining": "semiHard"], extents: ["n": 18]),
        ],
        divisor: { given in Double(max(1, triplets(given).reduce(0) { $0 + $1.count })) }
    ) { given in
        triplets(given).map { triplets in
            triplets.reduce(0) { sum, triplet in
                let violation = triplet.0 - triplet.1
                return sum + (given.flag("softMargin") ? log1p(exp(violation)) : max(0, violation + given.number("margin", 0.2)))
            }
        }
    }
}
