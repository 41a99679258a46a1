import Foundation
import LossKit

/// One kernel at one size: how to run it, what it has to do at least, and against what its rate is held.
struct Kernel {
    enum Bound {
        /// Bytes that forward and backward have to move.
        case bytes(forward: Double, both: Double)
        /// Operations that forward and backward have to do, of a matrix product's kind.
        case operations(forward: Double, both: Double)
        /// Pairs that are looked at; held against the copy of four bytes each.
        case pairs(forward: Double, both: Double)
    }

    var name: String
    var size: String
    var inputs: @Sendable (Device) throws -> [Tensor]
    /// The first input is differentiated.
    var function: @Sendable ([Tensor]) throws -> Tensor
    var bound: Bound

    struct Row: Codable {
        var name: String
        var size: String
        var pass: String
        var seconds: Double
        var rate: Double
        var unit: String
        /// Of the copy's bandwidth or the product's speed.
        var percent: Double
    }

    /// Checks value and gradient against the CPU, then times both passes.
    func measure(on device: Device, limits: Limits, repetitions: Int) throws -> (rows: [Row], problems: [String]) {
        let inputs = try inputs(device)
        func both() throws -> (Tensor, Tensor) {
            let (value, slope) = try valueWithGradient(at: inputs[0]) { try function([$0] + inputs.dropFirst()).sum() }
            return (value, try slope.evaluated())
        }
        var problems: [String] = []
        if device.isOpenCL {
            let host = try inputs.map { try $0.to(.cpu) }
            let (value, slope) = try both()
            let (expected, expectedSlope) = try valueWithGradient(at: host[0]) { try function([$0] + host.dropFirst()).sum() }
            let difference = try (slope.to(.cpu) - expectedSlope).norm().scalar() / max(expectedSlope.norm().scalar(), 1e-20)
            let (a, b) = (try value.scalar(), try expected.scalar())
            if !(abs(a - b) <= 1e-4 * max(1, abs(b))) || !(difference < 1e-3) {
                problems.append("\(name) \(size) on \(device) differs from the CPU: value \(a) against \(b), gradient off by \(difference)")
            }
        }
        let forward = try Clock.median(repetitions: repetitions) {
            try function(inputs).evaluated()
            try device.synchronize()
        }
        let total = try Clock.median(repetitions: repetitions) {
            _ = try both()
            try device.synchronize()
        }
        return ([row("forward", forward, limits), row("forward+backward", total, limits)], problems)
    }

    private func row(_ pass: String, _ seconds: Double, _ limits: Limits) -> Row {
        let isForward = pass == "forward"
        let (work, unit, limit): (Double, String, Double) =
            switch bound {
            case .bytes(let forward, let both): (isForward ? forward : both, "GB/s", limits.copy)
            case .operations(let forward, let both): (isForward ? forward : both, "GFLOP/s", limits.gemm)
            case .pairs(let forward, let both): (isForward ? forward : both, "Gpairs/s", limits.copy / 4)
            }
        let rate = work / seconds / 1e9
        return Row(name: name, size: size, pass: pass, seconds: seconds, rate: rate, unit: unit, percent: 100 * rate / limit)
    }
}

extension Kernel {
    /// Every family at a small, a medium and a large size.
    static func all(quick: Bool) -> [Kernel] {
        let count = quick ? 1 : 3
        return [(1024, 100), (4096, 1000), (512, 50257)].prefix(count).map(crossEntropy)
            + [(256, 16), (1024, 64), (4096, 128)].prefix(count).map(distances)
            + [(128, 2), (500, 2), (2000, 3)].prefix(count).map(sinkhorn)
            + [(128, 8), (1000, 16), (4000, 16)].prefix(count).map(spanningTree)
            + [1 << 16, 1 << 20, 1 << 24].prefix(count).map(chain)
    }

    private static func random(_ shape: [Int], seed: UInt64, on device: Device) throws -> Tensor {
        var random = SplitMix(seed: seed)
        return try Tensor((0..<shape.reduce(1, *)).map { _ in Float(random.next() >> 40) * 0x1p-23 - 1 }, shape: shape, on: device)
    }

    private static func crossEntropy(_ rows: Int, _ classes: Int) -> Kernel {
        let bytes = 4 * Double(rows * classes)
        return Kernel(
            name: "crossEntropy", size: "\(rows)x\(classes)",
            inputs: { device in
                var labels = SplitMix(seed: 2)
                return [
                    try random([rows, classes], seed: 1, on: device),
                    try Tensor((0..<rows).map { _ in Int.random(in: 0..<classes, using: &labels) }, on: device),
                ]
            }, function: { try LossKit.crossEntropy(logits: $0[0], targets: $0[1]) }, bound: .bytes(forward: bytes, both: 3 * bytes))
    }

    private static func distances(_ n: Int, _ d: Int) -> Kernel {
        let flops = 3 * Double(n * n * d)
        return Kernel(
            name: "pairwiseDistance", size: "\(n)x\(n)x\(d)",
            inputs: { [try random([n, d], seed: 1, on: $0), try random([n, d], seed: 2, on: $0)] },
            function: { try pairwiseDistance($0[0], $0[1], metric: .squaredEuclidean).mean() },
            bound: .operations(forward: flops, both: 2 * flops))
    }

    private static func sinkhorn(_ n: Int, _ d: Int) -> Kernel {
        // Four problems in each of fifty steps, and the last one with its gradient.
        let pairs = 4 * 51 * Double(n * n)
        return Kernel(
            name: "sinkhornDivergence", size: "\(n)x\(n)x\(d)",
            inputs: { [try random([n, d], seed: 1, on: $0), try random([n, d], seed: 2, on: $0)] },
            function: { try sinkhornDivergence($0[0], $0[1], epsilon: 0.05, tolerance: 0, maximumIterations: 50) },
            bound: .pairs(forward: pairs, both: pairs + 2 * Double(n * n)))
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
            inputs: { device in try (1...4).map { try random([count], seed: UInt64($0), on: device) } },
            function: { try (($0[0] * $0[1] + $0[2]).gelu() * $0[3]).sum() },
            bound: .bytes(forward: 16 * Double(count), both: 36 * Double(count)))
    }
}
