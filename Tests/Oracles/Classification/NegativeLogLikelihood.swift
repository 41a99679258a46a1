extension LossOracle {
    static let nll = LossOracle(
        name: "nll",
        cases: [
            LossCase(options: ["ignoreIndex": "3"], extents: ["n": 40, "classes": 5], withOptional: true),
            LossCase(extents: ["n": 3, "classes": 1], reduction: .none),
        ],
        divisor: { given in ownWeights(given).reduce(0) { $0 + $1 } }
    ) { given in
        let (logp, t) = (given["logProbabilities"], given["targets"])
        return zip(t.values.indices, ownWeights(given)).map { i, weight in -weight * logp[i, Int(t[i])] }
    }

    /// The weight of each row's class.
    private static func ownWeights(_ given: Given) -> [Double] {
        let w = given.weights("weights", count: given["logProbabilities"].columns)
        return given["targets"].values.map { w[Int($0)] }
    }
}
