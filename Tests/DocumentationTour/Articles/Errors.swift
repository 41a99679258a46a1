// Made of Sources/LossKit/LossKit.docc/Articles/Errors.md by scripts/snippets.

import LossKit

extension Articles {
    static func errors() throws {
        let x = try Tensor([1, 2, 3] as [Float])
        let y = try Tensor([1, 2] as [Float])
        let sum = x + y
        do {
            _ = try sum.array(of: Float.self)
        } catch let error as TensorError {
            print(error)
        }

        do {
            let logits = try Tensor([0, 1, 2, 3] as [Float], shape: [2, 2])
            _ = try crossEntropy(logits: logits, targets: Tensor([1, 7])).scalar()
        } catch {
            print(error)
        }

        do {
            _ = try Tensor.zeros([1 << 40], on: .cpu).evaluated()
        } catch let error as DeviceError {
            print(error)
        }
    }
}
