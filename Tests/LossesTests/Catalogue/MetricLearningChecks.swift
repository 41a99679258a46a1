import Foundation
import LossKit
@testable import LossKitOracles
import LossKitTestSupport
import Testing

/// Closed forms, limits and invariants of metric-learning losses that catalogue rows ask for, beside the oracles.
@Suite struct MetricLearningChecks {
    private func tensor(_ rows: [[Double]], on device: Device) throws -> Tensor {
        try Tensor(rows.map { $0.map { Float($0) } }, on: device)
    }

    private func drawn(_ shape: [Int], seed: UInt64 = 1, on device: Device) throws -> Tensor {
        var random = SplitMix64(seed: seed)
        return try Tensor(random.values(shape.reduce(1, *)).map { Float($0) }, shape: shape, on: device)
    }

    private func labels(_ list: [Int], on device: Device) throws -> Tensor { try Tensor(list, on: device) }

    /// A rotation of three coordinates.
    private func rotated(_ x: Tensor) throws -> Tensor {
        let (a, b) = (0.6, 0.8)
        return try x.matmul(tensor([[a, b, 0], [-b * a, a * a, b], [b * b, -a * b, a]], on: x.device))
    }

    @Test(arguments: Device.all)
    func separatedPrototypesCostNothing(device: Device) throws {
        let prototypes = try tensor([[0, 0], [9, 0], [0, 9]], on: device)
        let x = try tensor([[0.1, 0], [9, 0.2], [-0.1, 9]], on: device)
        let y = try labels([0, 1, 2], on: device)
        #expect(try protoTriplet(embeddings: x, prototypes: prototypes, targets: y).scalar() == 0)
        let mixed = try drawn([3, 2], on: device)
        let nearest = try tensor([[9, 0], [0, 0], [0, 0]], on: device)
        let direct = try tripletMargin(anchors: mixed, positives: prototypes, negatives: nearest, margin: 0.5)
        try expectClose(
            protoTriplet(embeddings: mixed, prototypes: prototypes, targets: y), direct.array(of: Double.self), tolerance: 1e-5)
    }

    @Test(arguments: Device.all)
    func pureNeighboursAtNoDistanceScoreOne(device: Device) throws {
        let x = try tensor([[0, 0], [0, 0], [0, 0], [5, 5], [5, 5], [5, 5]], on: device)
        let y = [0, 0, 0, 1, 1, 1]
        try expectClose(nearestClassNeighbours(embeddings: x, labels: labels(y, on: device), neighbours: 2), [0], tolerance: 1e-6)
        let points = try drawn([8, 3], on: device)
        let (list, order) = ([0, 1, 0, 2, 1, 0, 2, 1], [3, 1, 7, 0, 6, 2, 5, 4])
        let value = try nearestClassNeighbours(embeddings: points, labels: labels(list, on: device), neighbours: 3).scalar()
        #expect(value > 0)
        try expectClose(
            nearestClassNeighbours(
                embeddings: points.rows(at: Tensor(order, on: device)), labels: labels(order.map { list[$0] }, on: device), neighbours: 3),
            [value], tolerance: 1e-5)
    }

    @Test(arguments: Device.all)
    func tracesCoverTheirOwnDirectionsAndCostLeastWhenConstant(device: Device) throws {
        let s = try drawn([6, 3], on: device)
        let directions = try drawn([40, 3], seed: 2, on: device)
        try expectClose(envelope(s, directions: s * 3), [0], tolerance: 1e-6)
        let value = try envelope(s, directions: directions).scalar()
        #expect((0...2).contains(value))
        try expectClose(envelope(rotated(s), directions: rotated(directions)), [value], tolerance: 1e-5)
        try expectClose(traceHomogeneity(Tensor.ones([6, 3], on: device)), [-5], tolerance: 1e-5)
        let arc = try tensor((0..<6).map { [cos(0.3 * Double($0)), sin(0.3 * Double($0)), 0] }, on: device)
        try expectClose(traceHomogeneity(arc, varianceWeight: 1e4), [-5 * cos(0.3)], tolerance: 1e-5)
        let bins = try labels([1, 4], on: device)
        let z = try drawn([2, 3], seed: 4, on: device)
        let moved = try movedCentroids(s, embeddings: z, targets: bins)
        try expectClose(moved.norm(axes: [1]), [1, 1, 1, 1, 1, 1], tolerance: 1e-6)
        try expectClose((moved[1] * z[0]).sum(), z[0].norm().array(of: Double.self), tolerance: 1e-5)
    }

    @Test(arguments: Device.all)
    func perfectSimilaritiesGiveTheCircleLossItsFloor(device: Device) throws {
        let x = try tensor([[1, 0], [2, 0], [3, 0], [-1, 0], [-2, 0], [-1, 0]], on: device)
        let y = try labels([0, 0, 0, 1, 1, 1], on: device)
        let (g, m) = (8.0, 0.4)
        try expectClose(circle(embeddings: x, labels: y, margin: m, gamma: g), [log(1 + 2 * 3 * exp(-g * m * m))], tolerance: 1e-5)
        // Weights that are the rows themselves: one positive, and the other class's negatives.
        let weights = try tensor([[1, 0], [-1, 0], [-1, 0]], on: device)
        let first = try labels([0, 0, 0, 0, 0, 0], on: device)
        let loss = try classCircle(embeddings: x, weights: weights, targets: first, margin: m, gamma: g, reduction: .none)
        try expectClose(loss[0], [log(1 + 2 * exp(-g * m * m))], tolerance: 1e-5)
    }

    @Test(arguments: Device.all)
    func distancesDoNotTurn(device: Device) throws {
        let x = try drawn([9, 3], on: device)
        let y = try labels([0, 1, 2, 0, 1, 2, 0, 1, 2], on: device)
        let distance = EmbeddingDistance(.euclidean, isNormalized: false)
        let value = try generalizedLiftedStructure(embeddings: x, labels: y, distance: distance).scalar()
        try expectClose(generalizedLiftedStructure(embeddings: rotated(x), labels: y, distance: distance), [value], tolerance: 1e-5)
    }

    @Test(arguments: Device.all)
    func simplexPrototypesDisperseMost(device: Device) throws {
        let simplex = try Tensor.eye(4, on: device) - 0.25
        try expectClose(prototypeDispersion(simplex, temperature: 0.2), [-1 / (3 * 0.2)], tolerance: 1e-5)
        let two = try tensor([[1, 0], [0.6, 0.8]], on: device)
        try expectClose(prototypeDispersion(two, temperature: 0.2), [0.6 / 0.2], tolerance: 1e-5)
        // Without weight the dispersion, with one the cross-entropy of cosines, too.
        let (z, mu, y) = (try drawn([5, 3], on: device), try drawn([4, 3], seed: 3, on: device), try labels([0, 3, 1, 1, 2], on: device))
        let dispersion = try prototypeDispersion(mu).scalar()
        try expectClose(hypo(embeddings: z, prototypes: mu, targets: y, weight: 0), [dispersion], tolerance: 1e-5)
        let logits = try EmbeddingDistance.cosine(z, mu) * 10
        let entropy = try crossEntropy(logits: logits, targets: y).scalar()
        try expectClose(hypo(embeddings: z, prototypes: mu, targets: y), [2 * entropy + dispersion], tolerance: 1e-5)
        // In turn: the second row of class 1 finds what the first one moved.
        let moved = try movedPrototypes(mu, embeddings: z, targets: y, momentum: 0.7)
        var expected = try (0..<4).map { unit(try mu[$0].array(of: Double.self)) }
        for (row, label) in [0, 3, 1, 1, 2].enumerated() {
            let point = unit(try z[row].array(of: Double.self))
            expected[label] = unit(zip(expected[label], point).map { 0.7 * $0 + 0.3 * $1 })
        }
        try expectClose(moved, expected.flatMap { $0 }, tolerance: 1e-6)
    }

    @Test(arguments: Device.all)
    func consistentClassesScoreZero(device: Device) throws {
        let x = try tensor([[1, 0], [1, 0.1], [0, 1], [0.1, 1]], on: device)
        let y = try labels([0, 0, 1, 1], on: device)
        try expectClose(operatingPointInconsistency(embeddings: x, labels: y), [0], tolerance: 1e-6)
        // At one threshold between, class 0 has sensitivity 1, class 1 sensitivity 0, both specificity 1: utilities 1 and 0.
        let loose = try tensor([[1, 0], [1, 0.1], [0, 1], [-1, 1]], on: device)
        let score = try operatingPointInconsistency(embeddings: loose, labels: y, range: 0.5...0.5, steps: 1)
        try expectClose(score, [0.25], tolerance: 1e-6)
        // Nothing out of place costs nothing.
        #expect(
            try thresholdConsistentMargin(embeddings: x, labels: y, positiveMargin: 0.5, negativeMargin: 0.9).scalar() == 0)
    }

    @Test(arguments: Device.all)
    func minedPairsOfOneKindCostNothing(device: Device) throws {
        let x = try drawn([3, 3], on: device)
        let alone = try labels([0, 0, 0], on: device)
        #expect(try multiSimilarity(embeddings: x, labels: alone, miner: .multiSimilarity(epsilon: 0.1)).scalar() == 0)
        // The pairs' weights, as the paper states them, by differences of the closed form.
        let y = try labels([0, 0, 1], on: device)
        let s = try EmbeddingDistance.cosine(x).array(of: Double.self)
        func anchor(_ p: Double, _ n: Double) -> Double { log(1 + exp(-2 * (p - 0.5))) / 2 + log(1 + exp(40 * (n - 0.5))) / 40 }
        let first = anchor(s[1], s[2]) + anchor(s[3], s[5])
        let last = log(1 + exp(40 * (s[6] - 0.5)) + exp(40 * (s[7] - 0.5))) / 40
        try expectClose(multiSimilarity(embeddings: x, labels: y, beta: 40), [(first + last) / 3], tolerance: 1e-5)
    }

    @Test(arguments: Device.all)
    func withoutNegativePairsAMarginSoftmaxIsLeft(device: Device) throws {
        let (x, w) = (try drawn([4, 3], on: device), try drawn([5, 3], seed: 2, on: device))
        let y = try labels([2, 2, 2, 2], on: device)
        let angle = try arcFace(embeddings: x, weights: w, targets: y, scale: 16).array(of: Double.self)
        try expectClose(unifiedNegatives(embeddings: x, weights: w, targets: y, form: .arcFace, scale: 16), angle, tolerance: 1e-5)
        let cosine = try cosFace(embeddings: x, weights: w, targets: y, scale: 16, margin: 0.5).array(of: Double.self)
        try expectClose(unifiedNegatives(embeddings: x, weights: w, targets: y, scale: 16), cosine, tolerance: 1e-5)
        // M equal pairs join the denominator as one with log M.
        let two = try tensor([[1, 0, 0], [2, 0, 0], [0, 1, 0]], on: device)
        let mixed = try labels([0, 0, 1], on: device)
        let logits = try EmbeddingDistance.cosine(two, w) * 16
        let shifted = try logits - 8 * mixed.oneHot(classes: 5)
        let partition = try Tensor.concatenate([shifted, .full([3, 1], log(2.0), on: device)], axis: 1).logSumExp(axes: [1])
        let expected = try (partition - (shifted * mixed.oneHot(classes: 5)).sum(axes: [1])).array(of: Double.self)
        try expectClose(
            unifiedNegatives(embeddings: two, weights: w, targets: mixed, scale: 16, reduction: .none), expected, tolerance: 1e-5)
    }

    @Test(arguments: Device.all)
    func sharesOfOneAndZeroGiveCleanExamples(device: Device) throws {
        let x = try drawn([6, 3], on: device)
        let y = try labels([0, 0, 0, 1, 1, 1], on: device)
        let miner = PairMiner.extremes(positive: .all, negative: .hard)
        let pairs = try EmbeddingDistance.cosine(x).array(of: Double.self)
        func s(_ i: Int, _ j: Int) -> Double { pairs[i * 6 + j] }
        let others = (0..<6).map { i in (0..<6).filter { $0 != i && $0 / 3 == i / 3 } }
        let hardest = (0..<6).map { i in (0..<6).filter { $0 / 3 != i / 3 }.map { s(i, $0) }.max() ?? 0 }
        let near = (0..<6).map { i in log(1 + others[i].reduce(0) { $0 + exp(-2 * (s(i, $1) - 0.5)) }) / 2 }
        let far = hardest.map { log(1 + 2 * exp(10 * ($0 - 0.5))) / 10 }
        func value(_ share: Double) throws -> Tensor {
            try metrix(embeddings: x, labels: y, shares: .full([6], share, on: device), beta: 10, miner: miner)
        }
        try expectClose(value(1), [near.reduce(0, +) / 6], tolerance: 1e-5)
        try expectClose(value(0), [far.reduce(0, +) / 6], tolerance: 1e-5)
        #expect(try utilization(of: x, for: x).scalar() == 0)
        let twin = try Tensor.concatenate([x[0..<1], x[0..<1]], axis: 0)
        let half = try metrix(
            embeddings: twin, labels: labels([0, 1], on: device), shares: .full([2], 0.5, on: device), loss: .contrastive,
            mixing: .anchorNegative, base: 0.2)
        try expectClose(half, [(-1 + 0.8) / 2], tolerance: 1e-5)
    }

    @Test(arguments: Device.all)
    func energyIsTheMeanSquaredDistanceAcrossClasses(device: Device) throws {
        let (a, b) = (try drawn([5, 4], on: device), try drawn([3, 4], seed: 2, on: device) + 100)
        let direct = try pairwiseDistance(a, b, metric: .squaredEuclidean).mean().array(of: Double.self)
        let y = try labels([7, 7, 7, 7, 7, -2, -2, -2], on: device)
        try expectClose(energyConfusion(embeddings: Tensor.concatenate([a, b], axis: 0), labels: y), direct, tolerance: 1e-5)
    }
}
