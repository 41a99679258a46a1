// Made of Sources/LossKit/LossKit.docc/Articles/Classification.md by scripts/snippets.

import LossKit

extension Articles {
    static func classification() throws {
        let logits = try Tensor([2, 0.5, -1, 0.1, 1.5, 0.2] as [Float], shape: [2, 3])
        let targets = try Tensor([0, 2])
        print(try crossEntropy(logits: logits, targets: targets, labelSmoothing: 0.1).scalar())
        print(try focal(logits: logits, targets: targets, gamma: 2, reduction: .none).array(of: Float.self))
    }
}
