import Foundation
import LossKit
@testable import LossKitOracles
import LossKitTestSupport
import Testing

/// Closed forms, limits and invariants of the classification losses, beside the oracles.
@Suite struct ClassificationChecks {
    private func logits(_ rows: Int, _ classes: Int, seed: UInt64 = 1, on device: Device) throws -> Tensor {
        var random = SplitMix64(seed: seed)
        return try Tensor(random.values(rows * classes, in: -3...3).map { Float($0) }, shape: [rows, classes], on: device)
    }

    private func labels(_ rows: Int, _ classes: Int, on device: Device) throws -> Tensor {
        try Tensor((0..<rows).map { Int32($0 * 7 % classes) }, on: device)
    }

    private func expectEqual(_ a: Tensor, _ b: Tensor, tolerance: Double = 2e-6, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try expectClose(a, b.array(of: Double.self), tolerance: tolerance, sourceLocation: sourceLocation)
    }

    @Test(arguments: Device.all)
    func robustLossesEndInTheirRelatives(device: Device) throws {
        let (z, y) = try (logits(6, 5, on: device), labels(6, 5, on: device))
        let plain = try crossEntropy(logits: z, targets: y)
        let p = try z.softmax().takeAlongAxis(y.expandedDimensions(at: 1), axis: 1)
        try expectEqual(compSum(logits: z, targets: y, tau: 1), plain)
        try expectEqual(compSum(logits: z, targets: y, tau: 1 + 1e-6), plain, tolerance: 1e-5)
        try expectEqual(compSum(logits: z, targets: y, tau: 2), (1 - p).mean())
        try expectEqual(generalizedCrossEntropy(logits: z, targets: y, q: 0), plain)
        try expectEqual(generalizedCrossEntropy(logits: z, targets: y, q: 1), (1 - p).mean())
        try expectEqual(symmetricCrossEntropy(logits: z, targets: y, alpha: 1, beta: 0), plain)
        try expectEqual(symmetricCrossEntropy(logits: z, targets: y, alpha: 0, beta: 1), (1 - p).mean() * 4)
        try expectEqual(smoothAdversarialCompSum(logits: z, attackedLogits: z, targets: y, nu: 5), plain)
        try expectEqual(polyCrossEntropy(logits: z, targets: y, epsilons: []), plain)
        try expectEqual(polyCrossEntropy(logits: z, targets: y, epsilons: [0, 0]), plain)
        try expectEqual(focal(logits: z, targets: y, gamma: 0), plain)
        try expectEqual(entmaxLoss(logits: z, targets: y, alpha: 1), plain)
        try expectEqual(entmaxLoss(logits: z, targets: y, alpha: 1.001), plain, tolerance: 5e-3)
        let logClasses = log(5.0)
        try expectEqual(labelRobust(logits: z, targets: y, lambda: 1, margin: 0) + logClasses, plain)
        let same = try Tensor.full([6], 0.7, on: device)
        try expectEqual(
            adaptiveLabelRobust(logits: z, targets: y, temperatures: same, lambda: 0.7, margin: 1.5),
            labelRobust(logits: z, targets: y, lambda: 0.7, margin: 1.5))
    }

    @Test(arguments: Device.all)
    func theLabelRobustLossHasItsLimits(device: Device) throws {
        let (z, y) = try (logits(6, 5, on: device), labels(6, 5, on: device))
        let own = try z.takeAlongAxis(y.expandedDimensions(at: 1), axis: 1)
        let lag = try z - own + (1 - y.oneHot(classes: 5)) * 1.5
        try expectEqual(labelRobust(logits: z, targets: y, lambda: 0.01, margin: 1.5), lag.max(axes: [1]).mean(), tolerance: 0.02)
        try expectEqual(labelRobust(logits: z, targets: y, lambda: 1e4, margin: 1.5), lag.mean(axes: [1]).mean(), tolerance: 2e-2)
        let flat = try Tensor.zeros([6, 5], on: device)
        let old = try Tensor.ones([6], on: device)
        try expectClose(adaptiveLabelTemperatures(logits: flat, previous: old, lambda: 1), [1, 1, 1, 1, 1, 1], tolerance: 1e-6)
        let moved = try adaptiveLabelTemperatures(logits: z, previous: old, lambda: 1, alpha: 2).array(of: Double.self)
        #expect(moved.allSatisfy { $0 > 0.5 && $0 <= 1 })
        let still = try adaptiveLabelTemperatures(logits: z, previous: old, lambda: 1, alpha: 1e9)
        try expectClose(still, [1, 1, 1, 1, 1, 1], tolerance: 1e-6)
    }

    @Test(arguments: Device.all)
    func theSphericalLossIgnoresShiftAndScale(device: Device) throws {
        let (z, y) = try (logits(6, 5, on: device), labels(6, 5, on: device))
        try expectEqual(sphericalZLoss(logits: z * 3 + 7, targets: y), sphericalZLoss(logits: z, targets: y), tolerance: 1e-5)
        let slope = try gradient(at: z) { try sphericalZLoss(logits: $0, targets: y, reduction: .sum) }
        try expectClose(slope.sum(axes: [1]), [0, 0, 0, 0, 0, 0], tolerance: 1e-6)
        try expectClose((slope * z).sum(axes: [1]), [0, 0, 0, 0, 0, 0], tolerance: 1e-5)
        // One-hot logits reach the largest score, sqrt(C - 1) = 2; a row of equal logits has none.
        let hot = try y.oneHot(classes: 5)
        try expectClose(sphericalZLoss(logits: hot, targets: y, threshold: 2), [log(2.0)], tolerance: 1e-6)
        let flat = try Tensor.ones([6, 5], on: device)
        try expectClose(sphericalZLoss(logits: flat, targets: y, threshold: 0.5), [log(1 + exp(0.5))], tolerance: 1e-6)
        let none = try gradient(at: flat) { try sphericalZLoss(logits: $0, targets: y) }
        #expect(try none.array(of: Float.self).allSatisfy { $0 == 0 })
        let hinge = try (0.5 - sphericalScore(z, y)).relu().mean()
        try expectEqual(sphericalZLoss(logits: z, targets: y, sharpness: 1000, threshold: 0.5), hinge, tolerance: 1e-3)
    }

    private func sphericalScore(_ z: Tensor, _ y: Tensor) throws -> Tensor {
        let centred = try z - z.mean(axes: [1], keepDimensions: true)
        let score = try centred / z.variance(axes: [1], correction: 0, keepDimensions: true).squareRoot()
        return try score.takeAlongAxis(y.expandedDimensions(at: 1), axis: 1)
    }

    @Test(arguments: Device.all)
    func stableMaxKeepsItsGradientWhereSoftmaxLosesIt(device: Device) throws {
        let z = try Tensor([[200, 0, -5], [3e8, 0, -3e8]] as [[Float]], on: device)
        let y = try Tensor([0, 0] as [Int32], on: device)
        let slope = try gradient(at: z) { try stableMaxCrossEntropy(logits: $0, targets: y, reduction: .sum) }.array(of: Double.self)
        #expect(slope.allSatisfy { $0.isFinite })
        #expect(slope[0] < 0 && slope[1] > 0 && slope[2] > 0)
        #expect(try stableMaxCrossEntropy(logits: z, targets: y).scalar().isFinite)
        let flat = try Tensor.zeros([2, 4], on: device)
        try expectClose(stableMaxCrossEntropy(logits: flat, targets: y), [log(4.0)], tolerance: 1e-6)
        try expectClose(squentropy(logits: flat, targets: y), [log(4.0)], tolerance: 1e-6)
        let pair = try Tensor([0.3, -1.2] as [Float], shape: [1, 2], on: device)
        let first = try Tensor([0] as [Int32], on: device)
        try expectClose(squentropy(logits: pair, targets: first), [log(1 + exp(-1.5)) + 1.44], tolerance: 1e-6)
    }

    @Test(arguments: Device.all)
    func sparsemaxOfTwoClassesIsTheModifiedHuberLoss(device: Device) throws {
        let y = try Tensor([0] as [Int32], on: device)
        for t in [-3, -1, -0.4, 0, 0.7, 1, 2.5] {
            let z = try Tensor([Float(t), 0], shape: [1, 2], on: device)
            let expected = t >= 1 ? 0 : t <= -1 ? -t : (t - 1) * (t - 1) / 4
            try expectClose(sparsemaxLoss(logits: z, targets: y), [expected], tolerance: 1e-6, "t = \(t)")
        }
    }

    @Test(arguments: Device.all, [1.25, 1.5, 2])
    func entmaxIsADistributionThatCanBeExactlySparse(device: Device, alpha: Double) throws {
        let z = try logits(9, 13, on: device)
        let p = try entmax(z, alpha: alpha)
        try expectClose(p.sum(axes: [1]), [Double](repeating: 1, count: 9), tolerance: 2e-6)
        let rows = try z.array(of: Double.self)
        let expected = (0..<9).flatMap { LossOracle.entmaxByBisection(Array(rows[$0 * 13..<($0 + 1) * 13]), alpha: alpha) }
        try expectClose(p, expected, tolerance: 3e-6)
        #expect(expected.contains(0))
        #expect(try p.array(of: Float.self).contains(0))
        // The Jacobian, from the formula.
        var random = SplitMix64(seed: 4)
        let v = random.values(9 * 13)
        let along = try Tensor(v.map { Float($0) }, shape: [9, 13], on: device)
        let actual = try gradient(at: z) { try (entmax($0, alpha: alpha) * along).sum() }
        let products = (0..<9).flatMap { row in
            let s = (0..<13).map { expected[row * 13 + $0] > 0 ? pow(expected[row * 13 + $0], 2 - alpha) : 0 }
            let mean = (0..<13).reduce(0) { $0 + s[$1] * v[row * 13 + $1] } / s.reduce(0, +)
            return (0..<13).map { s[$0] * (v[row * 13 + $0] - mean) }
        }
        try expectClose(actual, products, tolerance: 1e-5)
        let shifted = try entmaxLoss(logits: z + 1000, targets: labels(9, 13, on: device), alpha: alpha)
        try expectEqual(shifted, entmaxLoss(logits: z, targets: labels(9, 13, on: device), alpha: alpha), tolerance: 2e-4)
    }

    @Test(arguments: Device.all)
    func sparsemaxLossVanishesBeyondItsMargin(device: Device) throws {
        let y = try Tensor([0, 0] as [Int32], on: device)
        let z = try Tensor([[2, 0.9, 0], [2, 1.1, 0]] as [[Float]], on: device)
        let value = try sparsemaxLoss(logits: z, targets: y, reduction: .none).array(of: Double.self)
        #expect(value[0] == 0 && value[1] > 0)
        let masses = try Tensor([[0.5, 0.5, 0], [0.25, 0.25, 0.5]] as [[Float]], on: device)
        let soft = try sparsemaxLoss(logits: z, targets: masses, reduction: .none)
        // -q.z + 1/2 sum over the support of (z^2 - tau^2) + |q|^2 / 2.
        try expectClose(soft, [-1.45 + (4 - 1) / 2.0 + 0.25, -0.775 + (4 + 1.21 - 2 * 1.05 * 1.05) / 2 + 0.1875], tolerance: 1e-6)
        let missing = try Tensor([[3, -.infinity, 2.5], [3, -.infinity, -.infinity]] as [[Float]], on: device)
        let slopes = try gradient(at: missing) { try sparsemaxLoss(logits: $0, targets: y, reduction: .sum) }
        try expectClose(slopes, [-0.25, 0, 0.25, 0, 0, 0], tolerance: 1e-6)
    }
}
