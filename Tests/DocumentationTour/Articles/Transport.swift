// Made of Sources/LossKit/LossKit.docc/Articles/Transport.md by scripts/snippets.

import LossKit

extension Articles {
    static func transport() throws {
        var random = Philox(seed: 4)
        let x = try Tensor.normal([100, 2], using: &random)
        let y = try Tensor.normal([80, 2], mean: 1, using: &random)
        let (divergence, pull) = try valueWithGradient(at: x) { try sinkhornDivergence($0, y, epsilon: 0.05) }
        print(try divergence.scalar(), try (pull * 100).mean(axes: [0]).array(of: Float.self))

        let solution = try entropicTransport(.points(x, y, power: 2), epsilon: 0.05)
        print(solution.iterations, solution.marginalError, try solution.plan().shape)
    }
}
