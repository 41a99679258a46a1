import Foundation

extension LossOracle {
    static let ranking: [LossOracle] = [.relativeLossPrediction, .absoluteLossPrediction, .mannWhitney, .rankRegularized]

    static let relativeLossPrediction = LossOracle(name: "relativeLossPrediction", cases: [LossCase(extents: ["n": 2, "m": 1])]) { given in
        let (p, t) = (given["predictions"], given["targets"])
        var (sum, pairs) = (0.0, 0.0)
        for row in 0..<p.rows {
            for i in 0..<p.columns {
                for j in 0..<p.columns where t[row, i] != t[row, j] {
                    let ahead = 1 / (1 + exp(-(p[row, i] - p[row, j])))
                    sum -= log(t[row, i] > t[row, j] ? ahead : 1 - ahead)
                    pairs += 1
                }
            }
        }
        return [pairs == 0 ? 0 : sum / pairs]
    }

    static let absoluteLossPrediction = LossOracle(name: "absoluteLossPrediction", tolerance: 5e-6, gradientTolerance: 1e-5) { given in
        let (p, t) = (given["predictions"], given["targets"])
        return (0..<p.rows).flatMap { row in
            let values = t.row(row)
            let mean = values.reduce(0, +) / Double(values.count)
            let variance = values.reduce(0) { $0 + pow($1 - mean, 2) } / Double(values.count - 1)
            return values.indices.map { pow(p[row, $0] - (values[$0] - mean) / sqrt(variance + 1e-6), 2) }
        }
    }

    static let mannWhitney = LossOracle(name: "mannWhitney", cases: [LossCase(options: ["temperature": "0.2"])]) { given in
        let (p, n) = (given["positives"].values, given["negatives"].values)
        let terms = p.flatMap { s in n.map { log(1 + exp(-(s - $0) / given.number("temperature", 1))) } }
        return [terms.reduce(0, +) / Double(max(1, terms.count))]
    }

    static let rankRegularized = LossOracle(
        name: "rankRegularized",
        prepare: { inputs in
            // The right candidate is among the query's own.
            guard let counts = inputs["counts"], var targets = inputs["targets"] else { return }
            for i in targets.values.indices { targets[i] = min(targets[i], counts[i] - 1) }
            inputs["targets"] = targets
        },
        cases: [LossCase(options: ["lambda": "0.3", "labelSmoothing": "0.1"], withOptional: true, reduction: .none)]
    ) { given in
        let (z, s, t) = (given["logits"], given["scores"], given["targets"])
        let smoothing = given.number("labelSmoothing", 0)
        return (0..<z.rows).map { i in
            let k = given.inputs["counts"].map { Int($0[i]) } ?? z.columns
            let logs = softmax(Array(z.row(i)[..<k])).map { log($0) }
            let apart = sqrt((0..<k).reduce(0) { $0 + pow(z[i, $1] - s[i, $1] + 1e-6, 2) })
            return -(1 - smoothing) * logs[Int(t[i])] - smoothing * logs.reduce(0, +) / Double(k) + given.number("lambda", 1) * apart
        }
    }
}
