import Foundation

extension LossOracle {
    static let generalizedCrossEntropy = LossOracle(
        name: "generalizedCrossEntropy", cases: [LossCase(options: ["q": "0.3"], reduction: .none), LossCase(options: ["q": "1"])]
    ) { given in
        let q = given.number("q", 0.8)
        return likelihoods(given).map { (1 - pow($0, q)) / q }
    }

    static let robustPseudoLabel = LossOracle(name: "robustPseudoLabel") { given in
        let z = given["logits"]
        let teacher = given.inputs["teacherLogits"] ?? z
        return (0..<z.rows).map { i in
            let row = teacher.row(i)
            let y = row.indices.max { row[$0] < row[$1] } ?? 0
            return (1 - pow(softmax(z.row(i))[y], 0.8)) / 0.8
        }
    }

    static let entropyMinimization = LossOracle(name: "entropyMinimization") { given in
        (0..<given["logits"].rows).map { softmax(given["logits"].row($0)).reduce(0) { $0 - $1 * log($1) } }
    }

    static let compSum = LossOracle(
        name: "compSum",
        cases: ["0", "0.5", "1.7", "2"].map { LossCase(options: ["tau": $0], reduction: .none) }
    ) { given in likelihoods(given).map { compSumOf($0, tau: given.number("tau", 1)) } }

    static let smoothAdversarialCompSum = LossOracle(
        name: "smoothAdversarialCompSum", cases: [LossCase(options: ["tau": "1.5", "nu": "0.3"], reduction: .none)]
    ) { given in
        let (z, attacked, t) = (given["logits"], given["attackedLogits"], given["targets"])
        return likelihoods(given).enumerated().map { i, p in
            let y = Int(t[i])
            let squares = (0..<z.columns).map { pow((attacked[i, y] - attacked[i, $0]) - (z[i, y] - z[i, $0]), 2) }
            return compSumOf(p, tau: given.number("tau", 1)) + given.number("nu", 1) * sqrt(squares.reduce(0, +))
        }
    }

    static let symmetricCrossEntropy = LossOracle(
        name: "symmetricCrossEntropy", cases: [LossCase(options: ["alpha": "6", "beta": "0.1", "logZero": "-9.2"], reduction: .none)]
    ) { given in
        likelihoods(given).map {
            -given.number("alpha", 1) * log($0) - given.number("beta", 1) * given.number("logZero", -4) * (1 - $0)
        }
    }

    static let squentropy = LossOracle(name: "squentropy", cases: [LossCase(extents: ["n": 3, "classes": 2], reduction: .none)]) { given in
        let (z, t) = (given["logits"], given["targets"])
        return likelihoods(given).enumerated().map { i, p in
            let others = (0..<z.columns).filter { $0 != Int(t[i]) }.reduce(0) { $0 + z[i, $1] * z[i, $1] }
            return others / Double(z.columns - 1) - log(p)
        }
    }

    static let stableMaxCrossEntropy = LossOracle(name: "stableMaxCrossEntropy") { given in
        let (z, t) = (given["logits"], given["targets"])
        return (0..<z.rows).map { i in
            let weights = z.row(i).map { $0 >= 0 ? $0 + 1 : 1 / (1 - $0) }
            return -log(weights[Int(t[i])] / weights.reduce(0, +))
        }
    }

    static let sphericalZLoss = LossOracle(
        name: "sphericalZLoss", cases: [LossCase(options: ["sharpness": "2.5", "threshold": "0.5"], reduction: .none)]
    ) { given in
        let (z, t) = (given["logits"], given["targets"])
        let (a, b) = (given.number("sharpness", 1), given.number("threshold", 1))
        return (0..<z.rows).map { i in
            let row = z.row(i)
            let mean = row.reduce(0, +) / Double(row.count)
            let deviation = sqrt(row.reduce(0) { $0 + $1 * $1 } / Double(row.count) - mean * mean)
            return log(1 + exp(a * (b - (row[Int(t[i])] - mean) / deviation))) / a
        }
    }

    static let labelRobust = LossOracle(
        name: "labelRobust", cases: [LossCase(options: ["lambda": "0.5", "margin": "0"], reduction: .none)]
    ) { given in
        let z = given["logits"]
        return (0..<z.rows).map { robustTerm(given, $0, lambda: given.number("lambda", 1), margin: given.number("margin", 2)) }
    }

    static let adaptiveLabelRobust = LossOracle(
        name: "adaptiveLabelRobust", cases: [LossCase(options: ["lambda": "0.8", "alpha": "3", "margin": "0.5"], reduction: .none)]
    ) { given in
        let (z, own) = (given["logits"], given["temperatures"])
        let (lambda, alpha) = (given.number("lambda", 1), given.number("alpha", 2))
        return (0..<z.rows).map { i in
            robustTerm(given, i, lambda: own[i], margin: given.number("margin", 1)) - alpha * log(Double(z.columns)) / (2 * lambda)
                * pow(own[i] - lambda, 2)
        }
    }

    private static func robustTerm(_ given: Given, _ i: Int, lambda: Double, margin: Double) -> Double {
        let (row, y) = (given["logits"].row(i), Int(given["targets"][i]))
        let terms = row.indices.map { exp((row[$0] + (y == $0 ? 0 : margin) - row[y]) / lambda) }
        return lambda * log(terms.reduce(0, +) / Double(row.count))
    }

    private static func compSumOf(_ p: Double, tau: Double) -> Double {
        let u = (1 - p) / p
        return tau == 1 ? log(1 + u) : (pow(1 + u, 1 - tau) - 1) / (1 - tau)
    }
}
