import Foundation

extension LossOracle {
    static let focal = LossOracle(
        name: "focal",
        cases: [
            LossCase(options: ["gamma": "0.5"], reduction: .none), LossCase(options: ["gamma": "0", "ignoreIndex": "2"]),
        ]
    ) { given in
        let w = given.weights("weights", count: given["logits"].columns)
        return likelihoods(given).enumerated().map { i, p in
            -w[Int(given["targets"][i])] * pow(1 - p, given.number("gamma", 2)) * log(p)
        }
    }

    static let polyCrossEntropy = LossOracle(
        name: "polyCrossEntropy",
        cases: [
            LossCase(options: ["epsilons": "-1,0.5,0.25"], reduction: .none), LossCase(options: ["labelSmoothing": "0.1"]),
        ]
    ) { given in
        let smoothing = given.number("labelSmoothing", 0)
        return likelihoods(given).enumerated().map { i, p in
            let row = given["logits"].row(i)
            let uniform = logSumExp(row) - row.reduce(0, +) / Double(row.count)
            return given.numbers("epsilons", [2]).enumerated().reduce(-(1 - smoothing) * log(p) + smoothing * uniform) {
                $0 + $1.element * pow(1 - p, Double($1.offset + 1))
            }
        }
    }

    static let binaryFocal = LossOracle(
        name: "binaryFocal", cases: [LossCase(options: ["alpha": "0.7", "gamma": "1.5"], reduction: .none)]
    ) { given in binaryTruths(given).map { focalTerm($0, given) } }

    static let polyFocal = LossOracle(name: "polyFocal", cases: [LossCase(options: ["epsilon": "0.5", "gamma": "1"])]) { given in
        binaryTruths(given).map {
            focalTerm($0, given) + given.number("epsilon", -1) * pow(1 - $0.likelihood, given.number("gamma", 2) + 1)
        }
    }

    static let asymmetricLoss = LossOracle(
        name: "asymmetricLoss", cases: [LossCase(options: ["clip": "0", "gammaNegative": "2", "gammaPositive": "0"], reduction: .none)]
    ) { given in
        zip(given["logits"].values, given["targets"].values).map { z, t in
            let p = 1 / (1 + exp(-z))
            let shifted = max(p - given.number("clip", 0.05), 0)
            return t == 1
                ? -pow(1 - p, given.number("gammaPositive", 1)) * log(p)
                : -pow(shifted, given.number("gammaNegative", 4)) * log(1 - shifted)
        }
    }

    /// The probability that a softmax gives each row's own class.
    static func likelihoods(_ given: Given) -> [Double] {
        let (z, t) = (given["logits"], given["targets"])
        return (0..<z.rows).map { softmax(z.row($0))[Int(t[$0])] }
    }

    private static func binaryTruths(_ given: Given) -> [(likelihood: Double, isYes: Bool)] {
        zip(given["logits"].values, given["targets"].values).map { (1 / (1 + exp($1 == 1 ? -$0 : $0)), $1 == 1) }
    }

    private static func focalTerm(_ truth: (likelihood: Double, isYes: Bool), _ given: Given) -> Double {
        let alpha = given.number("alpha", 0.25)
        return -(truth.isYes ? alpha : 1 - alpha) * pow(1 - truth.likelihood, given.number("gamma", 2)) * log(truth.likelihood)
    }
}
