// Made of Sources/LossKit/LossKit.docc/Articles/Numerics.md by scripts/snippets.

import LossKit

extension Articles {
    static func numerics() throws {
        var random = Philox(seed: 3)
        let x = try Tensor.normal([1000, 16], using: &random)
        let first = try valueWithGradient(at: x) { try mstLengthRegularizer($0) }.gradient.array(of: Float.self)
        let second = try valueWithGradient(at: x) { try mstLengthRegularizer($0) }.gradient.array(of: Float.self)
        print(first == second)

        let broken = try Tensor([1, .nan, 2] as [Float])
        print(try broken.max().scalar(), try broken.clamped(min: 0, max: 1).array(of: Float.self))
    }
}
