import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Trees, clusters, samples and alignments, beside the oracles.
@Suite struct LargeVocabularyTests {
    private func drawn(_ shape: [Int], seed: UInt64, on device: Device) throws -> Tensor {
        var random = SplitMix64(seed: seed)
        return try Tensor(random.values(shape.reduce(1, *)).map { Float($0) }, shape: shape, on: device)
    }

    @Test(arguments: Device.all)
    func aTreesClassesSumToOneAndFrequentOnesAreNear(device: Device) throws {
        let counts = [50.0, 3, 1, 20, 7, 1, 2]
        let tree = ClassTree(counts: counts)
        let x = try drawn([1, 4], seed: 1, on: device).broadcast(to: [7, 4])
        let weights = try drawn([6, 4], seed: 2, on: device)
        let labels = try Tensor.arange(to: 7, on: device)
        for tree in [tree, ClassTree(completeOf: 7)] {
            let losses = try hierarchicalSoftmax(embeddings: x, targets: labels, nodeWeights: weights, tree: tree, reduction: .none)
            try expectClose((-losses).exp().sum(), [1], tolerance: 1e-6)
        }
        // With zero weights each turn costs log 2: the lengths of Huffman's code, whose expected length is the least there is.
        let flat = try Tensor.zeros([6, 4], on: device)
        let lengths = try hierarchicalSoftmax(embeddings: x, targets: labels, nodeWeights: flat, tree: tree, reduction: .none)
        try expectClose(lengths / log(2.0), [1, 4, 6, 2, 3, 6, 5].map { Double($0) }, tolerance: 1e-6)
        let single = try hierarchicalSoftmax(
            embeddings: x, targets: Tensor.zeros([7], dtype: .int64, on: device), nodeWeights: .zeros([0, 4], on: device))
        try expectClose(single, [0], tolerance: 0)
    }

    @Test(arguments: Device.all)
    func clustersGiveADistributionThatTheLossReads(device: Device) throws {
        let x = try drawn([5, 4], seed: 1, on: device)
        let head = try drawn([5, 4], seed: 2, on: device)
        let tails = try [
            AdaptiveTail(projection: drawn([2, 4], seed: 3, on: device), weights: drawn([4, 2], seed: 4, on: device)),
            AdaptiveTail(projection: drawn([1, 4], seed: 5, on: device), weights: drawn([3, 1], seed: 6, on: device)),
        ]
        let logs = try adaptiveLogProbabilities(embeddings: x, headWeights: head, tails: tails)
        #expect(logs.shape == [5, 10])
        try expectClose(logs.exp().sum(axes: [1]), [1, 1, 1, 1, 1], tolerance: 1e-6)
        let y = try Tensor([0, 2, 3, 6, 9] as [Int32], on: device)
        let losses = try adaptiveSoftmax(embeddings: x, targets: y, headWeights: head, tails: tails, reduction: .none)
        let picked = try logs.takeAlongAxis(y.expandedDimensions(at: 1), axis: 1).array(of: Double.self)
        try expectClose(losses, picked.map { -$0 }, tolerance: 2e-6)
    }

    @Test(arguments: Device.all, ClassSampler.allCases)
    func drawsFollowTheirDistribution(device: Device, sampler: ClassSampler) throws {
        var generator = Philox(seed: 9)
        let reference = try Tensor.zeros([1], on: device)
        let draws = try sampler.draw(20000, of: 6, using: &generator, beside: reference).array(of: Int.self)
        for k in 0..<6 {
            let share = Double(draws.filter { $0 == k }.count) / 20000
            let expected = sampler == .uniform ? 1 / 6.0 : log(Double(k + 2) / Double(k + 1)) / log(7.0)
            #expect(abs(share - expected) < 0.012, "\(k): \(share), expected \(expected)")
        }
    }

    @Test(arguments: Device.all)
    func everyClassSampledOnceIsTheFullSoftmax(device: Device) throws {
        let (x, w) = try (drawn([4, 3], seed: 1, on: device), drawn([6, 3], seed: 2, on: device))
        let y = try Tensor([0, 5, 2, 2] as [Int32], on: device)
        let all = try Tensor.arange(to: 6, on: device)
        let value = try sampledSoftmax(embeddings: x, weights: w, targets: y, sampled: all, sampler: .uniform)
        try expectClose(value, crossEntropy(logits: x.matmul(w.transposed()), targets: y).array(of: Double.self), tolerance: 1e-6)
    }

    @Test(arguments: Device.all)
    func alignmentsOfLongSequencesSumToOne(device: Device) throws {
        // With two frames and a single class beside the blank there are four paths, and the labels "", "1" and "11" share them.
        let logs = try drawn([2, 1, 2], seed: 3, on: device).logSoftmax()
        var total = 0.0
        for length in 0...1 {
            let loss = try ctc(
                logProbabilities: logs, targets: Tensor([1] as [Int32], shape: [1, 1], on: device),
                inputLengths: Tensor([2] as [Int32], on: device),
                targetLengths: Tensor([Int32(length)], on: device), reduction: .sum)
            total += exp(-(try loss.scalar()))
        }
        #expect(abs(total - 1) < 1e-6)
        // Long sequences: finite, and posteriors that sum to one at each frame.
        let long = try drawn([400, 2, 9], seed: 4, on: device).logSoftmax()
        let targets = try Tensor((0..<120).map { Int32(1 + $0 * 5 % 8) }, shape: [2, 60], on: device)
        let slope = try gradient(at: long) {
            try ctc(
                logProbabilities: $0, targets: targets, inputLengths: Tensor([400, 390] as [Int32], on: device),
                targetLengths: Tensor([60, 41] as [Int32], on: device), reduction: .sum)
        }
        let frames = try slope.sum(axes: [2]).array(of: Double.self)
        expectClose(frames, (0..<800).map { $0 % 2 == 1 && $0 / 2 >= 390 ? 0 : -1 }, tolerance: 1e-4)
    }

    @Test(arguments: Device.all)
    func labelsThatDoNotFitHaveNoAlignment(device: Device) throws {
        let logs = try Tensor.full([3, 1, 3], -1, on: device)
        func loss(_ zeroInfinity: Bool, _ logs: Tensor) throws -> Tensor {
            try ctc(
                logProbabilities: logs, targets: Tensor([1, 1, 2] as [Int32], shape: [1, 3], on: device),
                inputLengths: Tensor([3] as [Int32], on: device), targetLengths: Tensor([3] as [Int32], on: device),
                zeroInfinity: zeroInfinity)
        }
        #expect(try loss(false, logs).scalar() == .infinity)
        #expect(try loss(true, logs).scalar() == 0)
        let slope = try gradient(at: logs) { try loss(true, $0) }
        #expect(try slope.array(of: Float.self).allSatisfy { $0 == 0 })
        #expect(throws: TensorError.notDifferentiable(operation: "ctc", order: 2)) {
            try gradient(at: logs) { point in try gradient(at: point) { try loss(true, $0) }.square().sum() }
        }
    }
}
