import Foundation

extension LossOracle {
    static let multiMargin = LossOracle(
        name: "multiMargin",
        cases: [
            LossCase(options: ["p": "2", "margin": "0.7"], withOptional: true, reduction: .none),
            LossCase(extents: ["n": 2, "classes": 1]),
        ]
    ) { given in
        let (z, t) = (given["logits"], given["targets"])
        let w = given.weights("weights", count: z.columns)
        return (0..<z.rows).map { i in
            let y = Int(t[i])
            let lags = (0..<z.columns).filter { $0 != y }.map { max(0, given.number("margin", 1) - z[i, y] + z[i, $0]) }
            return w[y] * lags.reduce(0) { $0 + pow($1, given.number("p", 1)) } / Double(z.columns)
        }
    }

    static let multiLabelMargin = LossOracle(
        name: "multiLabelMargin",
        prepare: { inputs in
            // The smallest class a row draws stands alone; otherwise its first two differing labels.
            guard let given = inputs["targets"] else { return }
            var list = given
            for row in 0..<given.rows {
                let drawn = given.row(row).filter { $0 >= 0 && Int($0) < given.columns }
                for k in 0..<given.columns { list[row, k] = k < min(2, drawn.count) ? drawn[k] : -1 }
            }
            inputs["targets"] = list
        },
        cases: [LossCase(extents: ["n": 3, "classes": 5], reduction: .none), LossCase(extents: ["n": 2, "classes": 1])]
    ) { given in
        let (z, t) = (given["logits"], given["targets"])
        return (0..<z.rows).map { i in
            let labels = t.row(i).prefix { $0 != -1 }.map { Int($0) }
            let sum = labels.reduce(0.0) { sum, y in
                (0..<z.columns).filter { !labels.contains($0) }.reduce(sum) { $0 + max(0, 1 - z[i, y] + z[i, $1]) }
            }
            return sum / Double(z.columns)
        }
    }

    static let multiLabelSoftMargin = LossOracle(name: "multiLabelSoftMargin") { given in
        let (z, t) = (given["logits"], given["targets"])
        let w = given.weights("weights", count: z.columns)
        return (0..<z.rows).map { i in
            let sum = (0..<z.columns).reduce(0.0) { sum, k in
                let yes = 1 / (1 + exp(-z[i, k]))
                return sum - w[k] * (t[i, k] * log(yes) + (1 - t[i, k]) * log(1 - yes))
            }
            return sum / Double(z.columns)
        }
    }

    static let hinge = signed("hinge", cases: [LossCase(options: ["margin": "0.5"], reduction: .none)]) { agreement, given in
        max(0, given.number("margin", 1) - agreement)
    }
    static let squaredHinge = signed("squaredHinge", cases: [LossCase(options: ["margin": "0.5"], reduction: .sum)]) { agreement, given in
        pow(max(0, given.number("margin", 1) - agreement), 2)
    }
    static let softMargin = signed("softMargin") { agreement, _ in log(1 + exp(-agreement)) }

    /// A function of targets times logits, by elements.
    private static func signed(
        _ name: String, cases: [LossCase] = [], _ function: @escaping @Sendable (Double, Given) -> Double
    ) -> LossOracle {
        LossOracle(name: name, cases: cases) { given in
            zip(given["targets"].values, given["logits"].values).map { function($0 * $1, given) }
        }
    }
}
