// Made of Sources/LossKit/LossKit.docc/Articles/SelfSupervised.md by scripts/snippets.

import LossKit

extension Articles {
    static func selfSupervised() throws {
        var random = Philox(seed: 9)
        let view = try Tensor.normal([64, 8], using: &random)
        let other = try view + Tensor.normal([64, 8], using: &random) * 0.1
        let collapsed = try Tensor.ones([64, 8]) + Tensor.normal([64, 8], using: &random) * 0.01
        print(try vicReg(first: view, second: other).scalar(), try vicReg(first: collapsed, second: collapsed).scalar())
    }
}
