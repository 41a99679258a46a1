import Foundation

extension LossOracle {
    static let klDivergence = LossOracle(
        name: "klDivergence",
        cases: [
            LossCase(options: ["reduction": "batchMean"]), LossCase(options: ["reduction": "none"]),
            LossCase(options: ["reduction": "sum"]),
            LossCase(options: ["logTarget": "true"]),
        ]
    ) { given in
        let (p, t) = (given["logProbabilities"], given["targets"])
        let elements = p.values.indices.map { i in
            given.flag("logTarget") ? exp(t[i]) * (t[i] - p[i]) : t[i] * (log(t[i]) - p[i])
        }
        return given.word("reduction", "") == "batchMean"
            ? [elements.reduce(0, +) / Double(p.rows)]
            : given.word("reduction", "") == "sum" ? [elements.reduce(0, +)] : elements
    }

    static let jensenShannon = LossOracle(name: "jensenShannon", cases: [LossCase(options: ["beta": "0.2"], reduction: .none)]) { given in
        let (a, b) = (given["logits"], given["targetLogits"])
        let beta = given.number("beta", 0.5)
        return (0..<a.rows).map { i in
            let (p, q) = (softmax(a.row(i)), softmax(b.row(i)))
            return p.indices.reduce(0.0) { sum, k in
                let m = beta * q[k] + (1 - beta) * p[k]
                return sum + beta * q[k] * log(q[k] / m) + (1 - beta) * p[k] * log(p[k] / m)
            }
        }
    }
}
