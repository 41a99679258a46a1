import Foundation
import LossKitTestSupport

extension LossOracle {
    static let binaryCrossEntropy = LossOracle(name: "binaryCrossEntropy") { given in
        let (z, t) = (given["logits"], given["targets"])
        let p = given.weights("positiveWeight", count: z.columns)
        return z.values.indices.map { i in
            let yes = 1 / (1 + exp(-z[i]))
            return -(p[i % z.columns] * t[i] * log(yes) + (1 - t[i]) * log(1 - yes))
        }
    }
}
