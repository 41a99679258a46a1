// Made of Sources/LossKit/LossKit.docc/LossKit.md by scripts/snippets.

import LossKit

extension Articles {
    static func lossKit() throws {
        let points = try Tensor([[0, 0], [1, 0], [0, 2]] as [[Float]])
        let (length, pull) = try valueWithGradient(at: points) { try mstLength($0) }
        print(try length.scalar(), try pull.array(of: Float.self))
    }
}
