// Made of Sources/LossKit/LossKit.docc/Articles/Divergence.md by scripts/snippets.

import LossKit

extension Articles {
    static func divergence() throws {
        var random = Philox(seed: 2)
        let x = try Tensor.normal([200, 2], using: &random)
        for distance in [0.0, 1, 4] {
            let y = try Tensor.normal([200, 2], mean: distance, using: &random)
            print(distance, try gaussianMMD(x, y).scalar(), try energyDistance(x, y).scalar())
        }
    }
}
