import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Closed forms, limits and invariants of losses that catalogue rows ask for, beside the oracles.
@Suite struct ResearchChecks {
    private func tensor(_ values: [Double], _ shape: [Int]? = nil, on device: Device) throws -> Tensor {
        try Tensor(values.map { Float($0) }, shape: shape ?? [values.count], on: device)
    }

    private func drawn(_ shape: [Int], seed: UInt64 = 1, in range: ClosedRange<Double> = -3...3, on device: Device) throws -> Tensor {
        var random = SplitMix64(seed: seed)
        return try tensor(random.values(shape.reduce(1, *), in: range), shape, on: device)
    }

    @Test(arguments: Device.all)
    func theRejectorAcceptsWhereErrorsAreRarerThanTheCost(device: Device) throws {
        for (probability, isAccepted) in [(0.05, true), (0.15, true), (0.199, true), (0.201, false), (0.3, false), (0.6, false)] {
            // The slope of the conditional risk at r = 0, whose sign is opposite to the minimum's, as the risk is convex.
            let slope = try gradient(at: tensor([0, 0], on: device)) {
                let parts = try rejection(scores: $0, acceptable: tensor([-1, 1], on: device), cost: 0.2, alpha: 4, reduction: .none)
                return try (parts * tensor([probability, 1 - probability], on: device)).sum()
            }
            let total = try slope.sum().scalar()
            #expect((total < 0) == isAccepted, "\(probability)")
        }
    }

    @Test(arguments: Device.all)
    func coverageIsTheChanceOfOneInN(device: Device) throws {
        let z = try drawn([4, 3, 5], on: device)
        let y = try Tensor((0..<12).map { Int32($0 % 5) }, shape: [4, 3], on: device)
        let likelihood = try sequenceLogProbabilities(logits: z, targets: y).array(of: Double.self)
        let value = try directCoverage(logits: z, targets: y, samples: 8, reduction: .none).array(of: Double.self)
        expectClose(value.map { exp(-$0) }, likelihood.map { -expm1(8 * log1p(-exp($0))) }, tolerance: 1e-5)
        // A sequence as good as impossible keeps value and gradient: -log(N p) to first order.
        let steep = try Tensor([200, 0, 0] as [Float], shape: [1, 1, 3], on: device)
        let wrong = try Tensor([1] as [Int32], shape: [1, 1], on: device)
        try expectClose(directCoverage(logits: steep, targets: wrong, samples: 8), [200 - log(8.0)], tolerance: 1e-6)
        let slope = try gradient(at: steep) { try directCoverage(logits: $0, targets: wrong, samples: 8) }
        try expectClose(slope, [1, -1, 0], tolerance: 1e-6)
        // A certain one asks for nothing more.
        let right = try Tensor([0] as [Int32], shape: [1, 1], on: device)
        try expectClose(directCoverage(logits: steep, targets: right, samples: 8), [0], tolerance: 1e-6)
        let none = try gradient(at: steep) { try directCoverage(logits: $0, targets: right, samples: 8) }
        try expectClose(none, [0, 0, 0], tolerance: 1e-6)
    }

    @Test(arguments: Device.all)
    func longSeriesOfThePULossApproachTheLogarithm(device: Device) throws {
        let z = try drawn([20], on: device)
        let labels = try Tensor((0..<20).map { Int32($0 % 2) }, on: device)
        let f = try z.sigmoid().array(of: Double.self)
        let positives = stride(from: 1, to: 20, by: 2).reduce(0.0) { $0 - log(f[$1]) } / 10
        let mean = stride(from: 0, to: 20, by: 2).reduce(0.0) { $0 + f[$1] } / 10
        try expectClose(taylorVariationalPU(logits: z, labels: labels, order: 60), [positives + log(mean)], tolerance: 1e-5)
        try expectClose(taylorVariationalPU(logits: z, labels: labels, order: 1), [positives - 1 + mean], tolerance: 1e-5)
    }

    @Test(arguments: Device.all)
    func certainProbabilitiesGiveTheMetricsThemselves(device: Device) throws {
        let p = try tensor([1, 1, 0, 0, 1, 0, 0, 1], on: device)
        let t = try tensor([1, 0, 0, 1, 1, 0, 0, 0], on: device)
        let (tp, fp, fn, tn) = (2.0, 2.0, 1.0, 3.0)
        let expected: [ClassificationMetric: Double] = [
            .accuracy: (tp + tn) / 8, .fBeta: 2 * tp / (2 * tp + fp + fn), .balancedAccuracy: (tp / (tp + fn) + tn / (tn + fp)) / 2,
            .geometricMean: sqrt(tp / (tp + fn) * tn / (tn + fp)),
        ]
        for (metric, value) in expected {
            try expectClose(anyLoss(probabilities: p, targets: t, metric: metric), [1 - value], tolerance: 1e-6, "\(metric)")
        }
        let alone = try anyLoss(probabilities: p, targets: Tensor.ones([8], on: device), metric: .balancedAccuracy)
        try expectClose(alone, [1 - (0.5 + 1) / 2], tolerance: 1e-6)
    }

    @Test(arguments: Device.all)
    func ensembleSlopesAreCalibratedAndConvex(device: Device) throws {
        let count = 40
        let z = try drawn([count], on: device)
        let t = try Tensor((0..<count).map { Float($0 % 2) }, on: device)
        let noise = try drawn([count], seed: 5, in: -2...2, on: device)
        let slopes = try gradient(at: z) { try ensLoss(logits: $0, targets: t, noise: noise, reduction: .sum) }.array(of: Double.self)
        let margins = try ((t * 2 - 1) * z).array(of: Double.self)
        let signs = try (t * 2 - 1).array(of: Double.self)
        let order = margins.indices.sorted { margins[$0] < margins[$1] }
        let g = order.map { slopes[$0] * signs[$0] }
        #expect(g.allSatisfy { $0 < 0 && $0 >= -1 - 2e-6 })
        let inner = order.indices.filter { margins[order[$0]] <= 1 }
        #expect(zip(inner, inner.dropFirst()).allSatisfy { g[$0] <= g[$1] })
    }

    @Test(arguments: Device.all)
    func averagesOfEqualPredictionsApproachThem(device: Device) throws {
        let z = try drawn([3, 4], on: device)
        var averages = try Tensor.zeros([3, 4], on: device)
        for _ in 0..<5 { averages = try earlyLearningAverages(logits: z, previous: averages, momentum: 0.7) }
        let p = try z.softmax().array(of: Double.self)
        try expectClose(averages, p.map { $0 * (1 - pow(0.7, 5)) }, tolerance: 1e-3)
        let y = try Tensor([0, 1, 2] as [Int32], on: device)
        let none = try Tensor.zeros([3, 4], on: device)
        try expectClose(
            earlyLearning(logits: z, targets: y, averages: none), crossEntropy(logits: z, targets: y).array(of: Double.self),
            tolerance: 1e-6)
        // Certain averages and predictions reach the floor, log(1e-4).
        let sure = try Tensor([50, 0, 0, 0] as [Float], shape: [1, 4], on: device)
        let held = try Tensor([1, 0, 0, 0] as [Float], shape: [1, 4], on: device)
        let first = try Tensor([0] as [Int32], on: device)
        try expectClose(earlyLearning(logits: sure, targets: first, averages: held, weight: 1), [log(1e-4)], tolerance: 1e-3)
    }

    @Test(arguments: Device.all)
    func bothFormsOfTheNumberDistanceAgreeForADigit(device: Device) throws {
        let z = try drawn([6, 12], on: device)
        let values = try tensor((0..<12).map { $0 < 10 ? Double($0) * 1.5 : .nan }, on: device)
        let y = try Tensor([0, 3, 9, 5, 2, 7] as [Int32], on: device)
        let distance = try numberToken(logits: z, targets: y, values: values).scalar()
        try expectClose(numberTokenDistribution(logits: z, targets: y.oneHot(classes: 12), values: values), [distance], tolerance: 1e-5)
        let words = try Tensor([10, 11, -100, 10, 11, 11] as [Int32], on: device)
        #expect(try numberToken(logits: z, targets: words, values: values).scalar() == 0)
        let slope = try gradient(at: z) { try numberToken(logits: $0, targets: words, values: values) }
        #expect(try slope.array(of: Float.self).allSatisfy { $0 == 0 })
    }

    @Test(arguments: Device.all)
    func confidenceFollowsTheTemperature(device: Device) throws {
        let z = try drawn([6, 5], on: device)
        let y = try z.argMax(axis: 1)
        func loss(_ temperature: Double) throws -> Tensor {
            try correctnessAware(logits: z, temperatures: .full([6], temperature, on: device), targets: y)
        }
        try expectClose(loss(1e-3), [0], tolerance: 1e-5)
        try expectClose(loss(1e6), [pow(1 - 0.2, 2)], tolerance: 1e-5)
        try expectClose(
            correctnessAware(logits: z, temperatures: .ones([6], on: device), targets: y, isBalanced: true), [0], tolerance: 1e-6)
    }

    @Test(arguments: Device.all)
    func unknownLabelsAreWorstAtHalfAndPseudoNegativesAreTheLeastLikely(device: Device) throws {
        let z = try tensor([0, 40, -40], on: device)
        let loss = try entropyMaximization(logits: z, labels: .zeros([3], on: device), alpha: 0.2, reduction: .none)
        try expectClose(loss, [-0.2 * log(2.0), 0, 0], tolerance: 1e-6)
        let labels = try Tensor([[0, 1], [0, 0], [1, 0], [0, 0]] as [[Float]], on: device)
        let scores = try Tensor([[2, 0], [-1, -2], [0, 3], [1, 0]] as [[Float]], on: device)
        let moved = try addingPseudoNegatives(to: labels, logits: scores, counts: [2, 1])
        func p(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
        try expectClose(moved, [0, 1, -p(-1), -p(-2), 1, 0, -p(1), 0], tolerance: 1e-6)
    }

    @Test(arguments: Device.all)
    func weightsOfLossesSumToOneAndFlatten(device: Device) throws {
        let losses = try drawn([9], in: 0...4, on: device)
        for transform in LossTransform.allCases {
            let weights = try lossWeights(losses, transform: transform, temperature: 0.5)
            try expectClose(weights.sum(), [1], tolerance: 1e-6)
        }
        try expectClose(reweighted(losses: losses, temperature: 1e6), losses.mean().array(of: Double.self), tolerance: 1e-5)
    }
}
