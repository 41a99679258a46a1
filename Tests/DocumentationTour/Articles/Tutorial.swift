// Made of Sources/LossKit/LossKit.docc/Articles/Tutorial.md by scripts/snippets.

import LossKit

extension Articles {
    static func tutorial() throws {
        let device = Device.default
        var random = Philox(seed: 7)
        let count = 256
        let angles = try Tensor.uniform([count], low: 0, high: .pi, using: &random, on: device)
        let upper = try Tensor.stack([angles.cos(), angles.sin()], axis: 1)
        let lower = try Tensor.stack([1 - angles.cos(), 0.5 - angles.sin()], axis: 1)
        let noise = try Tensor.normal([2 * count, 2], using: &random, on: device) * 0.1
        let points = try Tensor.concatenate([upper, lower], axis: 0) + noise
        let labels = try Tensor((0..<2 * count).map { $0 < count ? 0 : 1 }, on: device)

        func logits(_ points: Tensor, _ p: [Tensor]) throws -> Tensor {
            let hidden = try (points.matmul(p[0]) + p[1]).gelu()
            return try hidden.matmul(p[2]) + p[3]
        }

        var parameters = [
            try Tensor.normal([2, 16], using: &random, on: device), try Tensor.zeros([16], on: device),
            try Tensor.normal([16, 2], using: &random, on: device) * 0.25, try Tensor.zeros([2], on: device),
        ]

        var optimizer = Adam(learningRate: 0.05)
        for step in 0..<100 {
            let (loss, gradients) = try valueWithGradient(at: parameters) { parameters in
                try crossEntropy(logits: logits(points, parameters), targets: labels)
            }
            parameters = try optimizer.step(parameters, gradients: gradients)
            if step % 20 == 0 { print("step \(step): loss \(try loss.scalar())") }
        }
        let predicted = try logits(points, parameters).argMax(axis: 1)
        let accuracy = try (predicted .== labels).asType(.float32).mean().scalar()
        print("accuracy \(accuracy)")

        try saveArrays(["w1": parameters[0], "b1": parameters[1], "w2": parameters[2], "b2": parameters[3]], to: "moons.safetensors")
        let again = try loadArrays("moons.safetensors", on: device)
        print(again.keys.sorted())
    }
}
