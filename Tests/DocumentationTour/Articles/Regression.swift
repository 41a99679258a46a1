// Made of Sources/LossKit/LossKit.docc/Articles/Regression.md by scripts/snippets.

import LossKit

extension Articles {
    static func regression() throws {
        let predictions = try Tensor([0, 0, 0, 0] as [Float])
        let targets = try Tensor([0.1, -0.2, 0.3, 50] as [Float])
        for (name, slope) in [
            ("mse", try gradient(at: predictions) { try mse(predictions: $0, targets: targets, reduction: .sum) }),
            ("huber", try gradient(at: predictions) { try huber(predictions: $0, targets: targets, reduction: .sum) }),
            ("tukeyBiweight", try gradient(at: predictions) { try tukeyBiweight(predictions: $0, targets: targets, reduction: .sum) }),
        ] {
            print(name, try slope.array(of: Float.self))
        }
    }
}
