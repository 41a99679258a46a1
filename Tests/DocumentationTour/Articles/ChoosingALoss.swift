// Made of Sources/LossKit/LossKit.docc/Articles/ChoosingALoss.md by scripts/snippets.

import LossKit

extension Articles {
    static func choosingALoss() throws {
        let x = try Tensor([1, 2, 4] as [Float])
        let y = try Tensor([1, 1, 1] as [Float])
        for name in ["mse", "l1", "huber", "logCosh"] {
            let loss = try LossRegistry.loss(named: name)
            print(name, try loss(["predictions": x, "targets": y]).scalar(), loss.summary)
        }
    }
}
