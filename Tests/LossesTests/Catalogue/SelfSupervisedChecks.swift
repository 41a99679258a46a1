import Foundation
import LossKit
@testable import LossKitOracles
import LossKitTestSupport
import Testing

/// Closed forms, limits and invariants of the self-supervised losses that catalogue rows ask for, beside the oracles.
@Suite struct SelfSupervisedChecks {
    private func drawn(_ shape: [Int], seed: UInt64 = 1, in range: ClosedRange<Double> = -2...2, on device: Device) throws -> Tensor {
        var random = SplitMix64(seed: seed)
        return try Tensor(random.values(shape.reduce(1, *), in: range).map { Float($0) }, shape: shape, on: device)
    }

    private func expectEqual(_ a: Tensor, _ b: Tensor, tolerance: Double = 4e-6, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try expectClose(a, b.array(of: Double.self), tolerance: tolerance, sourceLocation: sourceLocation)
    }

    /// Columns of mean 0, variance 1 over n and no correlation.
    private func white(on device: Device) throws -> Tensor {
        try Tensor([[1, 1], [1, -1], [-1, 1], [-1, -1]] as [[Float]], on: device)
    }

    @Test(arguments: Device.all)
    func whiteViewsLeaveNothingToReduce(device: Device) throws {
        let z = try white(on: device)
        try expectClose(barlowTwins(first: z, second: z, epsilon: 1e-12), [0], tolerance: 1e-6)
        try expectClose(whitenedMSE(first: z, second: z), [0], tolerance: 1e-6)
        try expectClose(vicReg(first: z, second: z), [0], tolerance: 1e-6)
        // Mixing by its own definition: the mixture's correlations are the targets.
        let permutation = try Tensor([2, 0, 3, 1] as [Int32], on: device)
        let mixed = try z * 0.4 + z.rows(at: permutation) * 0.6
        let spread = try mixed.standardDeviation(axes: [0])
        let unit = try z.standardDeviation(axes: [0])
        let value = try mixedBarlowTwins(first: z, second: z, mixed: mixed, permutation: permutation, alpha: 0.4, lambda: 0.1).scalar()
        let rest = try (mixed / spread - z / unit * 0.4 - z.rows(at: permutation) / unit * 0.6)
        let gap = try (rest.swappingAxes(0, 1).matmul(z / unit) / 4).square().sum().scalar()
        // Variances over n - 1 leave the diagonal at 3/4.
        expectClose([value], [2.0 / 16 + 5 * 0.1 * 2 * gap], tolerance: 1e-5)
    }

    @Test(arguments: Device.all)
    func manyIterationsWhitenInFull(device: Device) throws {
        let (x, y) = try (drawn([40, 3], on: device), drawn([40, 3], seed: 2, on: device))
        // Whitened in full, coordinates have variance 1, and the trace terms vanish.
        let plain = try iterativeWhitening(first: x, second: y, beta: 0, iterations: 12)
        try expectEqual(iterativeWhitening(first: x, second: y, beta: 9, iterations: 12), plain, tolerance: 1e-4)
        // The symmetric root of the inverse, from the eigenvectors of the covariance.
        func whitened(_ z: Tensor) throws -> Tensor {
            let centred = try z - z.mean(axes: [0], keepDimensions: true)
            let (values, vectors) = try eigh(centred.swappingAxes(0, 1).matmul(centred) / 39)
            let turned = try centred.matmul(vectors) * values.reciprocalSquareRoot()
            return try turned.matmul(vectors.swappingAxes(0, 1))
        }
        try expectEqual(byol(predictions: whitened(x), projections: whitened(y)), plain, tolerance: 1e-4)
    }

    @Test(arguments: Device.all)
    func hardContrastHasItsLimits(device: Device) throws {
        let (x, y) = try (drawn([9, 4], on: device), drawn([9, 4], seed: 2, on: device))
        for t in [0.07, 0.5] {
            try expectEqual(
                hardContrastive(first: x, second: y, temperature: t, fraction: 1), infoNCE(queries: x, keys: y, temperature: t),
                tolerance: 1e-5)
        }
        // Cold, it is the hardest negative's triplet.
        let similarity = try 1 - pairwiseDistance(x, y, metric: .cosine)
        let own = try similarity.diagonal()
        let others = try Tensor.select(Tensor.eye(9, on: device) .> 0, .full([], -9, on: device), similarity).max(axes: [1])
        let cold = try hardContrastive(first: x, second: y, temperature: 1e-3, fraction: 1) * 1e-3
        try expectEqual(cold, (others - own).relu().mean(), tolerance: 1e-3)
        let same = try Tensor.ones([5, 3], on: device)
        try expectClose(uniformity(embeddings: same), [0], tolerance: 1e-6)
        let labels = try Tensor([0, 0, 1, 1, 1] as [Int32], on: device)
        try expectClose(tolerance(embeddings: same, labels: labels), [13.0 / 25], tolerance: 1e-6)
        // Wang and Isola's uniformity is the dispersive loss without rows' own pairs, at temperature 1/t.
        let unit = try drawn([6, 3], on: device).softmax().squareRoot()
        let all = try exp(dispersive(embeddings: unit, temperature: 0.5).scalar()) * 36 - 6
        try expectClose(uniformity(embeddings: unit), [log(all / 30)], tolerance: 1e-5)
    }

    @Test(arguments: Device.all)
    func oneHeadAndTemperatureAreInfoNCE(device: Device) throws {
        let (x, y) = try (drawn([1, 7, 4], on: device), drawn([1, 7, 4], seed: 2, on: device))
        let (own, others) = try (Tensor.full([1, 7], 0.3, on: device), Tensor.full([1, 7, 7], 0.3, on: device))
        let value = try multiHeadContrastive(
            first: x, second: y, positiveTemperatures: own, negativeTemperatures: others, beta: 0, isSoft: true)
        try expectEqual(value, infoNCE(queries: x[0], keys: y[0], temperature: 0.3), tolerance: 1e-5)
        // The prior alone has its least value at 2 / dimension.
        let best = try Tensor.full([1, 7], 2.0 / 4, on: device)
        let zero = try Tensor.zeros([1, 7, 4], on: device)
        let slope = try gradient(at: best) {
            try multiHeadContrastive(first: zero, second: zero, positiveTemperatures: $0, negativeTemperatures: others)
        }
        try expectClose(slope, [Double](repeating: 0, count: 7), tolerance: 1e-6)
    }

    @Test(arguments: Device.all)
    func individualTemperaturesPriceTheWorstNegatives(device: Device) throws {
        let (x, y) = try (drawn([8, 4], on: device), drawn([8, 4], seed: 2, on: device))
        let rho = 0.2
        // At the best temperature, where the slope changes its sign, the weights are as far from even as rho allows.
        var (low, high) = ([Double](repeating: 1e-3, count: 8), [Double](repeating: 20, count: 8))
        for _ in 0..<24 {
            let middle = zip(low, high).map { ($0 + $1) / 2 }
            let slopes = try gradient(at: Tensor(middle.map { Float($0) }, on: device)) {
                try robustGlobalContrastive(first: x, second: y, temperatures: $0, rho: rho, reduction: .sum)
            }
            for (i, slope) in try slopes.array(of: Double.self).enumerated() {
                if slope > 0 { high[i] = middle[i] } else { low[i] = middle[i] }
            }
        }
        let similarity = try (1 - pairwiseDistance(x, y, metric: .cosine)).array(of: Double.self)
        for (i, own) in low.enumerated() {
            let gaps = (0..<8).filter { $0 != i }.map { (similarity[i * 8 + $0] - similarity[i * 9]) / own }
            let p = softmax(gaps)
            let divergence = p.reduce(0) { $0 + $1 * log($1 * 7) }
            #expect(abs(divergence - rho) < 2e-3)
        }
        // A first visit with gamma 1 has the gradient of the batch's own loss at fixed temperatures.
        let fixed = try Tensor.full([8], 0.4, on: device)
        let seen = try TemperatureState(averages: .zeros([8], on: device), momenta: .zeros([8], on: device), temperatures: fixed)
        let stochastic = try gradient(at: x) {
            try robustGlobalContrastiveStep(first: $0, second: y, state: seen, gamma: 1).loss.sum()
        }
        let exact = try gradient(at: x) {
            try robustGlobalContrastive(first: $0, second: y, temperatures: fixed, reduction: .sum)
        }
        try expectEqual(stochastic, exact, tolerance: 1e-5)
        let moved = try robustGlobalContrastiveStep(first: x, second: y, state: seen, rho: 6).state
        #expect(try moved.temperatures.array(of: Double.self).allSatisfy { $0 < 0.4 && $0 >= 0.05 })
    }

    @Test(arguments: Device.all)
    func sortedGroupsCostNothing(device: Device) throws {
        let positives = try Tensor([[50, 60], [70, 80]] as [[Float]], on: device)
        let negatives = try Tensor([[-50, -60, -70], [-10, -20, -30]] as [[Float]], on: device)
        try expectClose(groupOrdering(positives: positives, negatives: negatives, steepness: 1e5), [0], tolerance: 1e-5)
        // The wrong way round, a hard sort leaves every place in the other group.
        let wrong = try groupOrdering(positives: negatives[0..<2], negatives: positives, steepness: 1e6).scalar()
        #expect(wrong > 5)
    }

    @Test(arguments: Device.all)
    func viewsOfEqualProductsLeaveTheMarginsNothing(device: Device) throws {
        // All products equal: every negative is the hardest, and the positive no larger.
        let same = try Tensor.ones([4, 3], on: device)
        try expectClose(
            metaContrastive(first: same, second: same, regularization: 9), [log(7.0)], tolerance: 1e-6)
        let (x, y) = try (drawn([6, 4], on: device), drawn([6, 4], seed: 2, on: device))
        try expectEqual(metaContrastive(first: x, second: y), metaContrastive(first: y, second: x))
    }

    @Test(arguments: Device.all)
    func clusterTargetsAreDistributionsThatBalancedOnesKeep(device: Device) throws {
        for form in ClusterTargetForm.allCases {
            let p = try drawn([9, 4], on: device).softmax()
            try expectClose(clusterTargets(probabilities: p, form: form).sum(axes: [1]), [Double](repeating: 1, count: 9))
            let hot = try Tensor((0..<8).map { Int32($0 % 4) }, on: device).oneHot(classes: 4)
            try expectEqual(clusterTargets(probabilities: hot, form: form), hot)
            let even = try Tensor.full([5, 4], 0.25, on: device)
            try expectEqual(clusterTargets(probabilities: even, form: form), even)
        }
        let (z, q) = try (drawn([5, 4], on: device), drawn([5, 4], seed: 2, on: device).softmax())
        try expectEqual(clusterAssignment(logits: z, targets: q), crossEntropy(logits: z, targets: q))
    }

    @Test(arguments: Device.all)
    func slicedStatisticsHaveTheirClosedForm(device: Device) throws {
        let z = try drawn([1, 12, 3], on: device)
        var generator = Philox(seed: 4)
        let directions = try randomDirections(for: z, count: 8, using: &generator)
        let exact = try turned(directions.array(of: Double.self).chunked(by: 8)).map { a -> Double in
            let u = try z.array(of: Double.self).chunked(by: 3).map { product($0, a) }
            let n = Double(u.count)
            let pairs = u.flatMap { p in u.map { exp(-pow(p - $0, 2) / 2) } }.reduce(0, +)
            return sqrt(2 * .pi) / n * pairs - 2 * sqrt(.pi) * u.reduce(0) { $0 + exp(-$1 * $1 / 4) } + n * sqrt(2 * .pi / 3)
        }
        // Many knots far out are the whole integral; the default ones are near it.
        try expectClose(slicedGaussian(embeddings: z, directions: directions, knots: 400, reach: 8), [mean(exact)], tolerance: 1e-4)
        try expectClose(slicedGaussian(embeddings: z, directions: directions), [mean(exact)], tolerance: 0.02)
        try expectEqual(
            slicedGaussian(embeddings: z, directions: directions), slicedGaussian(embeddings: z * -1, directions: directions * -1))
        var noise = Philox(seed: 9)
        let normal = try Tensor.normal([1, 4000, 3], using: &noise, on: device)
        #expect(try slicedGaussian(embeddings: normal, directions: directions).scalar() < 5)
        #expect(try slicedGaussian(embeddings: Tensor.zeros([1, 4000, 3], on: device), directions: directions).scalar() > 500)
    }

    @Test(arguments: Device.all)
    func clustersOfOneNodeAreAllPairs(device: Device) throws {
        let z = try drawn([5, 3], on: device)
        let (from, to) = try (Tensor([0, 1, 3] as [Int32], on: device), Tensor([1, 2, 3] as [Int32], on: device))
        let own = try clusterContrastive(
            embeddings: z, sources: from, targets: to, weights: Tensor.ones([3], on: device), assignments: Tensor.eye(5, on: device))
        let cosine = try (1 - pairwiseDistance(z, z, metric: .cosine)).array(of: Double.self)
        let repulsion = mean((0..<5).map { a in log((0..<5).reduce(1e-10) { $0 + ($1 == a ? 1 : exp(cosine[a * 5 + $1])) }) })
        let reached = [exp(cosine[1]), exp(cosine[7]), 0, 1, 0]
        try expectClose(own, [repulsion - mean(reached.map { log($0 + 1e-10) })], tolerance: 1e-5)
    }

    @Test(arguments: Device.all)
    func orthonormalDirectionsDoNotDominate(device: Device) throws {
        let z = try Tensor.eye(4, on: device).reshaped([1, 4, 4])
        let none = try Tensor.zeros([1, 4, 4], on: device)
        try expectClose(embeddingDynamics(embeddings: z, targets: z, noise: none), [0], tolerance: 1e-6)
        let assigned = try sinkhornAssignment(scores: drawn([12, 4], on: device), epsilon: 1, iterations: 200)
        try expectClose(assigned.sum(axes: [0]), [3, 3, 3, 3], tolerance: 1e-3)
        try expectClose(assigned.sum(axes: [1]), [Double](repeating: 1, count: 12), tolerance: 1e-6)
        let center = try dinoCenter(teacherLogits: Tensor.ones([3, 2], on: device), previous: .zeros([2], on: device))
        try expectClose(center, [0.1, 0.1], tolerance: 1e-6)
    }
}

extension Array {
    /// Parts of a length.
    fileprivate func chunked(by length: Int) -> [[Element]] {
        stride(from: 0, to: count, by: length).map { Array(self[$0..<Swift.min($0 + length, count)]) }
    }
}
