// swift-format-ignore-file

// The minute's tour of the README, line by line, on points that are made up first.

import Foundation
import LossKit

_ = FileManager.default.changeCurrentDirectoryPath(NSTemporaryDirectory())
var random = Philox(seed: 1)
try Tensor.normal([512, 128], using: &random).save("embeddings.npy")
try Tensor.normal([512, 128], mean: 0.1, using: &random).save("targets.npy")

let device = Device.default                                   // the best GPU, else the CPU
let x = try Tensor.load("embeddings.npy", on: device)         // [512, 128]
let y = try Tensor.load("targets.npy", on: device)

let (loss, gradient) = try valueWithGradient(at: x) { x in
    try sinkhornDivergence(x, y, epsilon: 0.05) + 0.2 * mstLengthRegularizer(x)
}
print(try loss.scalar(), try gradient.norm().scalar())

// Elementwise operations and their sum run as one kernel.
let (sum, cost) = try Profiler.measure { try ((x * 2 + 1).gelu() * y).sum().evaluated() }
print("the fused sum is", try sum.scalar(), "in", cost.launches, "launch")

// Mistakes are errors that say what was expected and what came.
do {
    _ = try (x + Tensor([1, 2] as [Float], on: device)).sum().scalar()
} catch {
    print("a mistake:", error)
}
