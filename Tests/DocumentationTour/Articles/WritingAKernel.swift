// Made of Sources/LossKit/LossKit.docc/Articles/WritingAKernel.md by scripts/snippets.

import LossKit

extension Articles {
    static func writingAKernel() throws {
        var random = Philox(seed: 5)
        let x = try Tensor.normal([300, 3], using: &random)
        let y = try Tensor.normal([200, 3], using: &random)
        print(try energyDistance(x, y).scalar(), try pairwiseDistance(x, y).min().scalar())
    }
}
