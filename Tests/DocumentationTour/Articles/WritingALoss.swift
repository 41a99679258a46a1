// Made of Sources/LossKit/LossKit.docc/Articles/WritingALoss.md by scripts/snippets.

import LossKit

extension Articles {
    static func writingALoss() throws {
        /// The mean of log(1 + (x - y)^2).
        func logSquare(_ x: Tensor, _ y: Tensor) throws -> Tensor {
            try (1 + (x - y).square()).log().mean()
        }

        let x = try Tensor([1, 2, 3] as [Float])
        let y = try Tensor([1, 0, 3.5] as [Float])
        let (value, slope) = try valueWithGradient(at: x) { try logSquare($0, y) }
        print(try value.scalar(), try slope.array(of: Float.self))

        let rounded = try gradient(at: x) { x in
            try customVJP([x]) { inputs in (inputs[0].round(), { cotangent in [cotangent] }) }.sum()
        }
        print(try rounded.array(of: Float.self))
    }
}
