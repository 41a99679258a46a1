import Foundation

extension LossOracle {
    static let arcFace = faces("arcFace", cases: [LossCase(options: ["scale": "8", "margin": "0.2"], reduction: .none)]) { angle, given in
        let margin = given.number("margin", 0.5)
        return angle <= .pi - margin ? cos(angle + margin) : cos(angle) - margin * sin(margin)
    }
    static let cosFace = faces("cosFace", cases: [LossCase(options: ["scale": "8", "margin": "0.2"], reduction: .none)]) {
        cos($0) - $1.number("margin", 0.35)
    }
    static let amSoftmax = faces("amSoftmax", scale: 30) { cos($0) - $1.number("margin", 0.35) }

    static let sphereFace = LossOracle(
        name: "sphereFace", tolerance: 5e-6, gradientTolerance: 2e-5, isTwiceDifferentiable: true,
        cases: [LossCase(options: ["margin": "3", "annealing": "2"], reduction: .none), LossCase(options: ["margin": "1"])]
    ) { given in
        let m = given.number("margin", 4)
        let annealing = given.number("annealing", 0)
        return angles(given).enumerated().map { i, row in
            let y = Int(given["targets"][i])
            let k = min((row[y] * m / .pi).rounded(.down), m - 1)
            let psi = (k.truncatingRemainder(dividingBy: 2) == 0 ? 1 : -1) * cos(m * row[y]) - 2 * k
            let length = sqrt(given["embeddings"].row(i).reduce(0) { $0 + $1 * $1 })
            let logits = row.indices.map { length * ($0 == y ? (annealing * cos(row[y]) + psi) / (1 + annealing) : cos(row[$0])) }
            return logSumExp(logits) - logits[y]
        }
    }

    /// Angles between each embedding and the classes.
    private static func angles(_ given: Given) -> [[Double]] {
        let (x, w) = (given["embeddings"], given["weights"])
        func length(_ v: [Double]) -> Double { sqrt(v.reduce(0) { $0 + $1 * $1 }) }
        return (0..<x.rows).map { i in
            (0..<w.rows).map { k in
                let product = zip(x.row(i), w.row(k)).reduce(0) { $0 + $1.0 * $1.1 }
                return acos(max(-1, min(1, product / (length(x.row(i)) * length(w.row(k))))))
            }
        }
    }

    private static func faces(
        _ name: String, scale: Double = 64, cases: [LossCase] = [], own: @escaping @Sendable (Double, Given) -> Double
    ) -> LossOracle {
        LossOracle(name: name, tolerance: 1e-5, gradientTolerance: 5e-5, isFiniteEverywhere: true, cases: cases) { given in
            angles(given).enumerated().map { i, row in
                let y = Int(given["targets"][i])
                let logits = row.indices.map { given.number("scale", scale) * ($0 == y ? own(row[y], given) : cos(row[$0])) }
                return logSumExp(logits) - logits[y]
            }
        }
    }
}
