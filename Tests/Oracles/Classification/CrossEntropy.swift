import Foundation

extension LossOracle {
    static let crossEntropy = LossOracle(
        name: "crossEntropy",
        cases: [
            LossCase(options: ["labelSmoothing": "0.1"], withOptional: true),
            LossCase(options: ["labelSmoothing": "0.3", "zLoss": "0.01"], reduction: .sum),
            LossCase(options: ["softCap": "2.5", "temperature": "0.7", "zLoss": "0.02"], withOptional: true),
            LossCase(options: ["softCap": "1.5", "labelSmoothing": "0.2"], reduction: .none),
            LossCase(options: ["temperature": "4"], withOptional: true, reduction: .sum),
            LossCase(extents: ["n": 3, "classes": 2500], reduction: .none),
            LossCase(extents: ["n": 3, "classes": 1]),
        ],
        divisor: { given in
            let weights = given.weights("weights", count: given["logits"].columns)
            return given["targets"].values.reduce(0) { $0 + weights[Int($1)] }
        }
    ) { given in
        let (x, t) = (given["logits"], given["targets"])
        let (cap, temperature) = (given.number("softCap", 0), given.number("temperature", 1))
        let z = Matrix(shape: x.shape, values: x.values.map { (cap == 0 ? $0 : cap * tanh($0 / cap)) / temperature })
        let w = given.weights("weights", count: z.columns)
        let scales = given.weights("rowScales", count: z.rows)
        let s = given.number("labelSmoothing", 0)
        return (0..<z.rows).map { i in
            let partition = logSumExp(z.row(i))
            let loss = (0..<z.columns).reduce(0.0) { sum, k in
                let target = (1 - s) * (k == Int(t[i]) ? 1 : 0) + s / Double(z.columns)
                return sum + w[k] * target * (partition - z[i, k])
            }
            return scales[i] * (loss + given.number("zLoss", 0) * partition * partition)
        }
    }
}
