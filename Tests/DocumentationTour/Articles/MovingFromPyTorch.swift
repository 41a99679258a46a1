// Made of Sources/LossKit/LossKit.docc/Articles/MovingFromPyTorch.md by scripts/snippets.

import LossKit

extension Articles {
    static func movingFromPyTorch() throws {
        // loss = F.cross_entropy(x, t, label_smoothing=0.1); loss.backward(); print(loss.item(), x.grad)
        let x = try Tensor([0.5, -1, 2, 1, 0.25, -0.5] as [Float], shape: [2, 3])
        let t = try Tensor([2, 0])
        let (loss, slope) = try valueWithGradient(at: x) { try crossEntropy(logits: $0, targets: t, labelSmoothing: 0.1) }
        print(try loss.scalar(), try slope.array(of: Float.self))
    }
}
