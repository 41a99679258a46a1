import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Closed forms, limits and invariants of the distillation, ranking and preference losses, beside the oracles.
@Suite struct PreferenceChecks {
    private func drawn(_ shape: [Int], seed: UInt64, in range: ClosedRange<Double> = -3...3, on device: Device) throws -> Tensor {
        var random = SplitMix64(seed: seed)
        return try Tensor(random.values(shape.reduce(1, *), in: range).map { Float($0) }, shape: shape, on: device)
    }

    private func expectEqual(_ a: Tensor, _ b: Tensor, tolerance: Double = 3e-6, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try expectClose(a, b.array(of: Double.self), tolerance: tolerance, sourceLocation: sourceLocation)
    }

    @Test(arguments: Device.all)
    func robustPreferenceIsUnbiased(device: Device) throws {
        let parts = try (1...4).map { try drawn([8], seed: UInt64($0), in: -6...(-1), on: device) }
        func robust(_ w: Tensor, _ l: Tensor, _ rw: Tensor, _ rl: Tensor, _ rate: Double) throws -> Tensor {
            try robustDirectPreference(
                chosen: w, rejected: l, referenceChosen: rw, referenceRejected: rl, beta: 0.5, flipRate: rate, reduction: .none)
        }
        let clean = try directPreference(
            chosen: parts[0], rejected: parts[1], referenceChosen: parts[2], referenceRejected: parts[3], beta: 0.5, reduction: .none)
        try expectEqual(robust(parts[0], parts[1], parts[2], parts[3], 0), clean)
        let kept = try robust(parts[0], parts[1], parts[2], parts[3], 0.3)
        let flipped = try robust(parts[1], parts[0], parts[3], parts[2], 0.3)
        try expectEqual(kept * 0.7 + flipped * 0.3, clean)
        try expectClose(
            directPreference(chosen: parts[0], rejected: parts[0], referenceChosen: parts[1], referenceRejected: parts[1]), [log(2.0)],
            tolerance: 1e-6)
        let semantic = try semanticPreference(
            chosen: parts[0], rejected: parts[1], referenceChosen: parts[2], referenceRejected: parts[3], form: .contrastive, beta: 0.5,
            reduction: .none)
        try expectEqual(semantic, clean)
    }

    @Test(arguments: Device.all)
    func unlearningStartsAsGradientAscent(device: Device) throws {
        let l = try drawn([6], seed: 3, in: -9...(-1), on: device)
        try expectClose(negativePreference(logProbabilities: l, reference: l, beta: 0.3), [2 / 0.3 * log(2.0)], tolerance: 1e-6)
        let slope = try gradient(at: l) { try negativePreference(logProbabilities: $0, reference: l, beta: 0.3, reduction: .sum) }
        try expectClose(slope, [1, 1, 1, 1, 1, 1], tolerance: 1e-6)
        let other = try drawn([6], seed: 4, in: -9...(-1), on: device)
        let flat = try gradient(at: l) { try negativePreference(logProbabilities: $0, reference: other, beta: 1e-4, reduction: .sum) }
        try expectClose(flat, [1, 1, 1, 1, 1, 1], tolerance: 1e-3)
    }

    @Test(arguments: Device.all)
    func selfImprovementHoldsAtItsClosedForm(device: Device) throws {
        // Where the improver ignores what it is given, IPO's identity beta (r_w - r_l) = P - 1/2 makes every square vanish.
        let r = try drawn([5], seed: 1, on: device)
        let up = r + 0.3 / 0.4
        let none = try selfImprovingPreference(
            chosen: up, rejected: r, chosenGivenRejected: up, rejectedGivenChosen: r, rejectedGivenRejected: r, chosenGivenChosen: up,
            beta: 0.4, probability: 0.8)
        try expectClose(none, [0], tolerance: 1e-6)
        let parts = try (1...6).map { try drawn([5], seed: UInt64($0), on: device) }
        func loss(_ order: [Int], _ probability: Double) throws -> Tensor {
            try selfImprovingPreference(
                chosen: parts[order[0]], rejected: parts[order[1]], chosenGivenRejected: parts[order[2]],
                rejectedGivenChosen: parts[order[3]], rejectedGivenRejected: parts[order[4]], chosenGivenChosen: parts[order[5]], beta: 0.7,
                probability: probability)
        }
        try expectEqual(loss([0, 1, 2, 3, 4, 5], 0.8), loss([1, 0, 3, 2, 5, 4], 0.2))
    }

    @Test(arguments: Device.all)
    func distillationVanishesAtTheTeacher(device: Device) throws {
        let z = try drawn([5, 6], seed: 1, on: device)
        let y = try Tensor([0, 1, 2, 3, 4] as [Int32], on: device)
        // The rounding of the shifted logits is multiplied by the squared temperature, 16.
        try expectClose(knowledgeDistillation(logits: z, teacherLogits: z), [0], tolerance: 0)
        try expectClose(knowledgeDistillation(logits: z, teacherLogits: z + 3), [0], tolerance: 16 * 2.5e-7)
        try expectClose(decoupledDistillation(logits: z, teacherLogits: z - 2, targets: y), [0], tolerance: 2e-5)
        try expectClose(binaryKLDistillation(logits: z, teacherLogits: z), [0], tolerance: 1e-7)
        try expectClose(jensenShannon(logits: z, targetLogits: z + 1), [0], tolerance: 4e-6)
        let apart = try Tensor([[100, 0], [0, 100]] as [[Float]], on: device)
        try expectClose(jensenShannon(logits: apart, targetLogits: apart.flipped(axes: [0])), [log(2.0)], tolerance: 1e-6)
        let past = try y.oneHot(classes: 6)
        let plain = try crossEntropy(logits: z, targets: y)
        try expectEqual(progressiveSelfDistillation(logits: z, targets: y, past: past, alpha: 0.8), plain)
        try expectEqual(progressiveSelfDistillation(logits: z, targets: y, past: z.softmax(), alpha: 0), plain)
        try expectEqual(
            progressiveSelfDistillation(logits: z, targets: y, past: .full([5, 6], 1 / 6.0, on: device), alpha: 0.3),
            crossEntropy(logits: z, targets: y, labelSmoothing: 0.3))
        // One part of the decoupled form each, at the weights that make it the plain divergence for one row.
        let logs = try z.logSoftmax()
        let drawnLogs = try logs.takeAlongAxis(y.expandedDimensions(at: 1), axis: 1).squeezed(axes: [1])
        try expectClose(squaredErrorLogit(logits: z, targets: y, teacherLogProbabilities: drawnLogs), [0], tolerance: 1e-6)
        try expectClose(squaredErrorLogit(logits: z + 1, targets: y, teacherLogProbabilities: logs), [0], tolerance: 1e-6)
    }

    @Test(arguments: Device.all)
    func binaryDivergenceHasItsLimits(device: Device) throws {
        let teacher = try drawn([3, 4], seed: 2, on: device)
        let small = try drawn([3, 4], seed: 3, in: -1e-2...1e-2, on: device)
        let near = try binaryKLDistillation(logits: teacher + small, teacherLogits: teacher, reduction: .sum)
        let moved = try ((teacher + small) - teacher).square().sum() / 8
        try expectClose(near * 1e4, (moved * 1e4).array(of: Double.self), tolerance: 1e-3)
        let far = try binaryKLDistillation(logits: teacher + 500, teacherLogits: teacher, reduction: .sum)
        try expectClose(far, [12 * (500 - 4 * log(2.0))], tolerance: 1e-5)
    }

    @Test(arguments: Device.all)
    func alignmentIgnoresTurnsAndScales(device: Device) throws {
        let a = try drawn([2, 6, 3], seed: 1, on: device)
        let turn = try qr(drawn([3, 3], seed: 2, on: device)).q
        try expectClose(kernelAlignment(source: a, target: a.matmul(turn) * 3), [0], tolerance: 1e-6)
        let value = try kernelAlignment(source: a, target: drawn([2, 6, 4], seed: 3, on: device), reduction: .none).array(of: Double.self)
        #expect(value.allSatisfy { (0...0.5).contains($0) })
    }

    @Test(arguments: Device.all)
    func landmarksAtTheTruthCostNothing(device: Device) throws {
        let g = try drawn([2, 6], seed: 1, in: 0...1, on: device)
        let teacher = try drawn([2, 6], seed: 2, in: 0...1, on: device)
        try expectClose(landmarkDistillation(predictions: g, targets: g, tough: teacher, tolerant: teacher), [0], tolerance: 1e-6)
        let x = try drawn([2, 6], seed: 3, in: 0...1, on: device)
        let plain = try landmarkDistillation(predictions: x, targets: g, tough: g, tolerant: g, toughWeight: 0, tolerantWeight: 0)
        try expectEqual(plain, (x - g).square().mean())
    }

    @Test(arguments: Device.all)
    func rankingsFollowTheirInvariants(device: Device) throws {
        let (p, t) = try (drawn([3, 7], seed: 1, on: device), drawn([3, 7], seed: 2, in: 0...2, on: device))
        try expectEqual(relativeLossPrediction(predictions: p + 4, targets: t), relativeLossPrediction(predictions: p, targets: t))
        try expectClose(relativeLossPrediction(predictions: .ones([3, 7], on: device), targets: t), [log(2.0)], tolerance: 1e-6)
        try expectClose(relativeLossPrediction(predictions: t * 1e4, targets: t), [0], tolerance: 1e-3)
        try expectClose(relativeLossPrediction(predictions: p, targets: .ones([3, 7], on: device)), [0], tolerance: 0)
        let (s, n) = try (drawn([5], seed: 3, on: device), drawn([8], seed: 4, on: device))
        let (positives, negatives) = try (s.array(of: Double.self), n.array(of: Double.self))
        let wrong = positives.flatMap { p in negatives.map { p > $0 ? 0.0 : 1 } }.reduce(0, +) / 40
        #expect(try mannWhitney(positives: s, negatives: n).scalar() >= log(2.0) * wrong)
        try expectClose(
            mannWhitney(positives: s[0..<1], negatives: n[0..<1]), [log(1 + exp(negatives[0] - positives[0]))], tolerance: 1e-6)
        let matrix = try drawn([3, 5], seed: 6, on: device)
        let values = try matrix.array(of: Double.self)
        let rest = values.indices.filter { $0 / 5 != $0 % 5 }.map { values[$0] }
        var terms: [Double] = []
        for own in [0, 6, 12] { terms += rest.map { log(1 + exp($0 - values[own])) } }
        let expected = terms.reduce(0, +) / Double(terms.count)
        try expectClose(mannWhitney(scores: matrix), [expected], tolerance: 2e-6)
        let y = try Tensor([0, 1, 2] as [Int32], on: device)
        try expectEqual(
            rankRegularized(logits: p, scores: p, targets: y), crossEntropy(logits: p, targets: y) + 1e-6 * 7.0.squareRoot())
    }

    @Test func hardPatchesAreMaskedFirst() throws {
        var generator = Philox(seed: 4)
        let losses = try Tensor((0..<32).map { Float($0 * 13 % 32) }, shape: [2, 16], on: .cpu)
        let mask = try hardPatchMask(predictedLosses: losses, maskRatio: 0.75, progress: 1, using: &generator).booleans()
        let values = try losses.array(of: Float.self)
        for row in 0..<2 {
            let places = row * 16..<(row + 1) * 16
            #expect(places.filter { mask[$0] }.count == 12)
            let hardest = places.sorted { values[$0] > values[$1] }.prefix(6)
            #expect(hardest.allSatisfy { mask[$0] })
        }
    }

    @Test(arguments: Device.all)
    func unlikelihoodOfOneTokenIsWellecks(device: Device) throws {
        let z = try drawn([2, 3, 5], seed: 1, on: device)
        let p = try z.softmax().array(of: Double.self)
        let weights = try Tensor([[0, 1, 0, 0, 0], [0, 0, 0, 1, 0]] as [[Float]], on: device)
        var expected = 0.0
        for t in 0..<3 {
            expected -= log(1 - p[t * 5 + 1])
            expected -= log(1 - p[15 + t * 5 + 3])
        }
        try expectClose(tokenUnlikelihood(logits: z, weights: weights, reduction: .sum), [expected], tolerance: 2e-6)
        try expectClose(tokenUnlikelihood(logits: z, weights: .zeros([2, 5], on: device)), [0], tolerance: 0)
        let events = try eventTokenWeights(beside: z, answers: [[0], []], others: [[1, 2], [4]])
        let (first, second) = (5.0 - 1 + 1, 5.5)
        try expectClose(
            events, [0, 1.5 / first, 1.5 / first, 1 / first, 1 / first] + [1 / second, 1 / second, 1 / second, 1 / second, 1.5 / second],
            tolerance: 1e-6)
        let spans = try posteriorRegularized(logits: drawn([2, 3, 2], seed: 5, on: device), scores: .zeros([2, 3], on: device))
        try expectEqual(spans, drawn([2, 3, 2], seed: 5, on: device))
    }

    @Test(arguments: Device.all)
    func sequencesAreScoredWithoutTheirLogits(device: Device) throws {
        let (hidden, weight) = try (drawn([4, 3, 5], seed: 1, on: device), drawn([9, 5], seed: 2, on: device))
        let bias = try drawn([9], seed: 3, on: device)
        let tokens = try Tensor([1, 8, -100, 0, 2, 2, 7, -100, -100, 5, 5, 3] as [Int32], shape: [4, 3], on: device)
        /// Preference of the first two sequences over the others, the reference indifferent.
        func loss(_ scores: Tensor) throws -> Tensor {
            let none = try Tensor.zeros([2], on: device)
            return try directPreference(chosen: scores[0..<2], rejected: scores[2..<4], referenceChosen: none, referenceRejected: none)
        }
        let fused = try gradient(at: [hidden, weight, bias]) {
            try loss(sequenceLogProbabilities(hidden: $0[0], weight: $0[1], bias: $0[2], targets: tokens))
        }
        let plain = try gradient(at: [hidden, weight, bias]) {
            try loss(sequenceLogProbabilities(logits: $0[0].matmul($0[1].transposed()) + $0[2], targets: tokens))
        }
        for (a, b) in zip(fused, plain) { try expectEqual(a, b) }
        try expectEqual(
            sequenceLogProbabilities(hidden: hidden, weight: weight, bias: bias, targets: tokens),
            sequenceLogProbabilities(logits: hidden.matmul(weight.transposed()) + bias, targets: tokens))
    }
}
