import LossKit

extension Kernel {
    /// Every family at a small, a medium and a large size, cross-entropy also at those of language models.
    static func all(quick: Bool) -> [Kernel] {
        func sizes<Size>(_ all: [Size]) -> ArraySlice<Size> { all.prefix(quick ? 1 : all.count) }
        return sizes([(1024, 100), (4096, 1000), (1024, 32000), (512, 50257), (256, 128256)]).map(crossEntropy)
            + sizes([(128, 64, 1000), (1024, 512, 32000), (256, 64, 1_000_000)]).map(linearCrossEntropy)
            + sizes([(256, 16), (1024, 64), (4096, 128)]).flatMap(distances)
            + sizes([(128, 2), (500, 2), (2000, 3)]).map(sinkhorn)
            + transport(quick: quick) + formulas(quick: quick)
            + sizes([(128, 8), (1000, 16), (4000, 16)]).map(spanningTree) + sizes([1 << 16, 1 << 20, 1 << 24]).map(chain)
            + topology(quick: quick)
            + pairs(quick: quick)
    }

    /// Numbers evenly spread over [low, 1).
    static func random(_ shape: [Int], low: Double = -1, seed: UInt64, on device: Device) throws -> Tensor {
        var random = Philox(seed: seed)
        return try .uniform(shape, low: low, high: 1, using: &random, on: device)
    }

    private static func crossEntropy(_ rows: Int, _ classes: Int) -> Kernel {
        let bytes = 4 * Double(rows * classes)
        return Kernel(
            name: "crossEntropy", size: "\(rows)x\(classes)",
            inputs: { device in
                var labels = Philox(seed: 2)
                return [
                    try random([rows, classes], seed: 1, on: device),
                    try Tensor((0..<rows).map { _ in Int.random(in: 0..<classes, using: &labels) }, on: device),
                ]
            }, function: { try LossKit.crossEntropy(logits: $0[0], targets: $0[1]) }, bound: .bytes(forward: bytes, both: 3 * bytes),
            plain: { inputs, pass in
                let (logits, device) = (inputs[0], inputs[0].device)
                let loss = try Tensor.empty([rows], dtype: .float32, on: device)
                let slopes = pass == .both ? try Tensor.empty([rows, classes], dtype: .float32, on: device) : nil
                try PlainCrossEntropy.run(
                    logits.slice(), labels: inputs[1].slice(), rows: rows, classes: classes, loss: loss.output(), gradient: slopes?.output(),
                    on: device)
                return Outcome(value: loss, gradients: slopes.map { [$0] } ?? [])
            })
    }

    /// Hidden states [n, d] times a vocabulary [classes, d], and the cross-entropy of the logits.
    private static func linearCrossEntropy(_ n: Int, _ d: Int, _ classes: Int) -> Kernel {
        let flops = 2 * Double(n * d) * Double(classes)
        return Kernel(
            name: "linearCrossEntropy", size: "\(n)x\(d)x\(classes)",
            inputs: { device in
                var labels = Philox(seed: 3)
                let vocabulary = try random([classes, d], seed: 2, on: device) * (1 / Double(d).squareRoot())
                return [
                    try random([n, d], seed: 1, on: device), try vocabulary.evaluated(),
                    try Tensor((0..<n).map { _ in Int.random(in: 0..<classes, using: &labels) }, on: device),
                ]
            }, differentiated: 2,
            function: { try LossKit.linearCrossEntropy(hidden: $0[0], weight: $0[1], targets: $0[2]) },
            bound: .operations(forward: flops, both: 3 * flops))
    }

    private static func distances(_ n: Int, _ d: Int) -> [Kernel] {
        let flops = 3 * Double(n * n * d)
        func kernel(_ name: String, _ metric: Metric) -> Kernel {
            Kernel(
                name: name, size: "\(n)x\(n)x\(d)",
                inputs: { [try random([n, d], seed: 1, on: $0), try random([n, d], seed: 2, on: $0)] }, differentiated: 2,
                function: { try pairwiseDistance($0[0], $0[1], metric: metric).mean() },
                bound: .operations(forward: flops, both: 3 * flops),
                // Signs of differences cancel, a part of 1 / n^2 each.
                gradientTolerance: Tolerance(relative: 2e-5, ofLargest: 2e-6, absolute: metric == .squaredEuclidean ? 0 : 2e-6 / Double(n)))
        }
        var squared = kernel("pairwiseDistance", .squaredEuclidean)
        squared.differentiated = 1
        squared.bound = .operations(forward: flops, both: 2 * flops)
        return [squared, kernel("euclideanDistance", .euclidean), kernel("manhattanDistance", .manhattan)]
    }

    private static func sinkhorn(_ n: Int, _ d: Int) -> Kernel {
        // Four problems in each of fifty steps, and the last one with its gradient.
        let steps = 50
        let pairs = 4 * Double(steps + 1) * Double(n * n)
        let epsilon = 0.05
        return Kernel(
            name: "sinkhornDivergence", size: "\(n)x\(n)x\(d)",
            inputs: { [try random([n, d], seed: 1, on: $0), try random([n, d], seed: 2, on: $0)] },
            function: { try sinkhornDivergence($0[0], $0[1], epsilon: epsilon, tolerance: 0, maximumIterations: steps) },
            bound: .pairs(forward: pairs, both: pairs + 2 * Double(n * n)),
            options: ["epsilon": epsilon, "maximumIterations": Double(steps)],
            // The costs of three transports, each of about 0.3, cancel, and so do a point's two pulls, each of 1 / n of its distance: in
            // float32 that leaves 1e-8 of the value and 5e-7 / n of the gradient.
            valueTolerance: Tolerance(relative: 2e-5, ofLargest: 0, absolute: 2e-7),
            gradientTolerance: Tolerance(relative: 2e-5, ofLargest: 2e-6, absolute: 1e-6 / Double(n)))
    }

    private static func spanningTree(_ n: Int, _ d: Int) -> Kernel {
        let pairs = Double(n * n) / 2
        return Kernel(
            name: "mstLength", size: "\(n)x\(d)", inputs: { [try random([n, d], seed: 1, on: $0)] },
            function: { try mstLength($0[0]) }, bound: .pairs(forward: pairs, both: pairs))
    }

    /// sum(gelu(x a + b) c): four arrays read in one launch, and their gradient for x written.
    private static func chain(_ count: Int) -> Kernel {
        Kernel(
            name: "chain", size: "\(count)",
            inputs: { device in
                // Of one sign, c keeps the sum away from 0, where its rounding would drown it.
                try (1...4).map { try random([count], low: $0 == 4 ? 0 : -1, seed: UInt64($0), on: device) }
            },
            function: { try (($0[0] * $0[1] + $0[2]).gelu() * $0[3]).sum() },
            bound: .bytes(forward: 16 * Double(count), both: 36 * Double(count)))
    }
}
