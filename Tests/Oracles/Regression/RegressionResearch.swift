import Foundation

extension LossOracle {
    static let regressionResearch: [LossOracle] = [
        .adaptiveKeypoints, .adaptiveRotations, .signalDice, .regressionAsClassification, .uncertainJoints,
    ]

    static let adaptiveKeypoints = LossOracle(
        name: "adaptiveKeypoints", cases: [LossCase(options: ["alpha": "0.5"], reduction: .none), LossCase(options: ["alpha": "1"])]
    ) { given in
        let (p, t, joints) = (given["predictions"].lines(), given["targets"].lines(), given["thresholds"].values.count)
        return p.indices.map { i in
            let confidence = given["confidences"][i]
            let isFar = confidence * pow(distance(p[i], t[i]), 2) > given["thresholds"][i % joints]
            return confidence * (isFar ? 1 : given.number("alpha", 0.05)) * zip(p[i], t[i]).reduce(0) { $0 + abs($1.0 - $1.1) }
        }
    }

    static let adaptiveRotations = LossOracle(
        name: "adaptiveRotations", extents: ["row": 3],
        prepare: { inputs in
            for name in ["predictions", "targets"] { inputs[name] = inputs[name].map(orthonormal) }
        },
        cases: [LossCase(options: ["alpha": "0.5"], reduction: .none)]
    ) { given in
        let (p, t, joints) = (given["predictions"], given["targets"], given["thresholds"].values.count)
        return (0..<p.values.count / 9).map { i in
            let (a, b) = (Array(p.values[9 * i..<9 * i + 9]), Array(t.values[9 * i..<9 * i + 9]))
            let angle = acos(max(-1, min(1, (product(a, b) - 1) / 2)))
            return (angle > given["thresholds"][i % joints] ? 1 : given.number("alpha", 0.05)) * pow(distance(a, b), 2)
        }
    }

    /// Matrices of three rows each as rotations, by Gram and Schmidt.
    private static func orthonormal(_ drawn: Matrix) -> Matrix {
        var rotations = drawn
        for i in 0..<drawn.values.count / 9 {
            let second = drawn.row(3 * i + 1)
            let x: [Double] = unit(drawn.row(3 * i))
            let along: Double = product(second, x)
            let y: [Double] = unit(zip(second, x).map { $0 - along * $1 })
            let z: [Double] = [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]]
            for (k, value) in (x + y + z).enumerated() { rotations[9 * i + k] = Double(Float(value)) }
        }
        return rotations
    }

    static let signalDice = LossOracle(
        name: "signalDice", tolerance: 4e-6, gradientTolerance: 2e-5,
        cases: [LossCase(options: ["isHard": "true"], reduction: .none), LossCase(options: ["alpha": "2", "epsilon": "0.1"])]
    ) { given in
        let epsilon = given.number("epsilon", 1e-6)
        return zip(given["predictions"].lines(), given["targets"].lines()).map { e, r in
            let shared = zip(e, r).reduce(0.0) { sum, pair in
                let (a, b) = pair
                let gate = given.flag("isHard") ? (a * b > 0 ? 1 : 0) : 1 / (1 + exp(-given.number("alpha", 10) * a * b))
                return sum + gate * min(abs(a), abs(b))
            }
            return 1 - (2 * shared + epsilon) / (zip(e, r).reduce(0) { $0 + abs($1.0) + abs($1.1) } + epsilon)
        }
    }

    static let regressionAsClassification = LossOracle(
        name: "regressionAsClassification", cases: [LossCase(options: ["q": "2", "tau": "1"], reduction: .none)]
    ) { given in
        let bins = given["bins"].values
        return given["logits"].lines().enumerated().map { i, z in
            let p = softmax(z)
            return p.indices.reduce(0) { sum, k in
                sum + p[k] * pow(abs(bins[k] - given["targets"][i]), given.number("q", 0.5)) + given.number("tau", 0.2) * p[k] * log(p[k])
            }
        }
    }

    static let uncertainJoints = LossOracle(
        name: "uncertainJoints", isFiniteEverywhere: false, cases: [LossCase(reduction: .none)]
    ) { given in
        zip(given["predictions"].lines(), given["targets"].lines()).enumerated().map { i, pair in
            distance(pair.0, pair.1) * exp(-given["logScales"][i]) + given["logScales"][i]
        }
    }
}
