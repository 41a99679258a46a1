// Made of Sources/LossKit/LossKit.docc/Articles/Performance.md by scripts/snippets.

import LossKit

extension Articles {
    static func performance() throws {
        var random = Philox(seed: 1)
        let x = try Tensor.normal([512, 64], using: &random)
        let y = try Tensor.normal([512, 64], using: &random)
        let (sum, cost) = try Profiler.measure { try ((x - y).square() * 0.5).sum().evaluated() }
        print(try sum.scalar(), cost.launches, cost.peakBytes)

        let weight = try Tensor.normal([64, 64], using: &random) * 0.1
        let (_, plain) = try Profiler.measure {
            try gradient(at: weight) { w in try x.matmul(w).gelu().matmul(w).gelu().square().mean() }
        }
        let (_, kept) = try Profiler.measure {
            try gradient(at: weight) { w in
                try checkpoint([w]) { try x.matmul($0[0]).gelu().matmul($0[0]).gelu().square().mean() }
            }
        }
        print(plain.peakBytes, kept.peakBytes)
    }
}
