import Foundation

extension LossOracle {
    static let poissonNLL = LossOracle(
        name: "poissonNLL", isFiniteEverywhere: false,
        cases: [LossCase(options: ["full": "true"], reduction: .none), LossCase(options: ["logInput": "false", "epsilon": "0.01"])]
    ) { given in
        zip(given["predictions"].values, given["targets"].values).map { x, t in
            let stirling = given.flag("full") && t > 1 ? t * log(t) - t + log(2 * .pi * t) / 2 : 0
            return (given.word("logInput", "true") == "true" ? exp(x) - t * x : x - t * log(x + given.number("epsilon", 1e-8))) + stirling
        }
    }

    static let gaussianNLL = LossOracle(
        name: "gaussianNLL", cases: [LossCase(options: ["full": "true"], reduction: .none)]
    ) { given in
        let (p, t, v) = (given["predictions"], given["targets"], given["variances"])
        return p.values.indices.map { i in
            (log(v[i]) + pow(p[i] - t[i], 2) / v[i]) / 2 + (given.flag("full") ? log(2 * .pi) / 2 : 0)
        }
    }

    static let marginRanking = LossOracle(
        name: "marginRanking", cases: [LossCase(options: ["margin": "0.7"], reduction: .none)]
    ) { given in
        given["first"].values.indices.map { i in
            max(0, given["labels"][i] * (given["second"][i] - given["first"][i]) + given.number("margin", 0))
        }
    }
}
