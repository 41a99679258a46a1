import Foundation

extension LossOracle {
    static let binaryCrossEntropy = LossOracle(name: "binaryCrossEntropy") { given in
        let (z, t) = (given["logits"], given["targets"])
        let p = given.weights("positiveWeight", count: z.columns)
        let w = given.weights("weights", count: z.values.count)
        return z.values.indices.map { i in
            let yes = 1 / (1 + exp(-z[i]))
            return -w[i] * (p[i % z.columns] * t[i] * log(yes) + (1 - t[i]) * log(1 - yes))
        }
    }

    static let binaryCrossEntropyOfProbabilities = LossOracle(
        name: "binaryCrossEntropyOfProbabilities", gradientTolerance: 2e-5, isFiniteEverywhere: false
    ) { given in
        let (p, t) = (given["probabilities"], given["targets"])
        let w = given.weights("weights", count: p.values.count)
        return p.values.indices.map { -w[$0] * (t[$0] * log(p[$0]) + (1 - t[$0]) * log(1 - p[$0])) }
    }
}
