// Made of Sources/LossKit/LossKit.docc/Articles/Geometry.md by scripts/snippets.

import LossKit

extension Articles {
    static func geometry() throws {
        let x = try Tensor([[0, 0], [1, 0], [2, 0]] as [[Float]])
        let y = try Tensor([[0, 1], [2, 0.5]] as [[Float]])
        let (distance, pull) = try valueWithGradient(at: x) { try chamfer(x: $0, y: y) }
        print(try distance.scalar(), try pull.array(of: Float.self), try hausdorff(x: x, y: y).scalar())
    }
}
