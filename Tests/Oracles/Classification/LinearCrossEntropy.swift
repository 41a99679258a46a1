extension LossOracle {
    static let linearCrossEntropy = LossOracle(
        name: "linearCrossEntropy",
        cases: [
            LossCase(options: ["labelSmoothing": "0.1", "softCap": "2"], withOptional: true), LossCase(options: ["zLoss": "0.01"], reduction: .sum),
            LossCase(extents: ["n": 3, "classes": 400], reduction: .none), LossCase(extents: ["n": 3, "classes": 1]),
        ],
        divisor: { given in
            let weights = given.weights("weights", count: given["weight"].rows)
            return given["targets"].values.reduce(0) { $0 + weights[Int($1)] }
        }
    ) { given in
        let (x, w, t) = (given["hidden"], given["weight"], given["targets"])
        let bias = given.inputs["bias"]?.values ?? [Double](repeating: 0, count: w.rows)
        var row = CrossEntropyOracle()
        row.weights = given.weights("weights", count: w.rows)
        (row.smoothing, row.zLoss) = (given.number("labelSmoothing", 0), given.number("zLoss", 0))
        row.softCap = given.options["softCap"].flatMap { Double($0) }
        return (0..<x.rows).map { i in
            let logits = (0..<w.rows).map { k in (0..<x.columns).reduce(bias[k]) { $0 + x[i, $1] * w[k, $1] } }
            return row.loss(logits, .label(Int(t[i])))
        }
    }
}
