import LossKit
import LossKitLosses
import LossKitTestSupport
import Testing

/// What the losses of labelled batches have in common: batches without pairs, points in one place, memory across batches, regularisers.
@Suite struct MetricLearningTests {
    private static let losses = LossRegistry.all.filter { loss in
        loss.family == .metricLearning && loss.inputs.contains { $0.name == "labels" } && loss.inputs.first?.name == "embeddings"
    }.map(\.name)

    private func value(_ name: String, _ x: Tensor, _ labels: [Int]) throws -> (value: Double, slope: [Float]) {
        let found = LossRegistry.named(name)
        let loss = try #require(found)
        var inputs = ["labels": try Tensor(labels, on: x.device)]
        for input in loss.inputs where input.name == "shares" { inputs["shares"] = try .full([x.shape[0]], 0.5, on: x.device) }
        let (value, slope) = try valueWithGradient(at: x) { try loss(inputs.merging(["embeddings": $0]) { $1 }) }
        return (try value.scalar(), try slope.array())
    }

    private func drawn(_ shape: [Int], on device: Device) throws -> Tensor {
        var random = SplitMix64(seed: 5)
        return try Tensor(random.values(shape.reduce(1, *)).map { Float($0) }, shape: shape, on: device)
    }

    @Test(arguments: Device.all, losses)
    func oneRowCostsNothing(device: Device, name: String) throws {
        let (value, slope) = try value(name, drawn([1, 3], on: device), [4])
        #expect(value == 0 && slope.allSatisfy { $0 == 0 })
    }

    /// What needs a positive and a negative for a term, and has none where one kind is missing.
    private static let ofTriplets = [
        "circle", "liftedStructure", "generalizedLiftedStructure", "nPairs", "angular", "tupletMargin", "marginLoss", "histogramLoss",
        "metrix",
    ]

    @Test(arguments: Device.all, ofTriplets)
    func withoutTripletsTheLossIsZero(device: Device, name: String) throws {
        let x = try drawn([4, 3], on: device)
        for labels in [[1, 2, 3, 4], [5, 5, 5, 5]] where !(name == "nPairs" && labels[0] == 5) {
            let (value, slope) = try value(name, x, labels)
            #expect(value == 0 && slope.allSatisfy { $0 == 0 }, "\(labels)")
        }
    }

    @Test(arguments: Device.all, losses)
    func pointsInOnePlaceHaveFiniteGradients(device: Device, name: String) throws {
        for x in [try Tensor.ones([6, 3], on: device), try Tensor.zeros([6, 3], on: device)] {
            let (value, slope) = try value(name, x, [0, 0, 1, 1, 2, 2])
            #expect(value.isFinite && slope.allSatisfy { $0.isFinite })
        }
    }

    @Test(arguments: Device.all)
    func memoryRemembersTheNewestAndPairsNoRowWithItself(device: Device) throws {
        let x = try drawn([9, 3], on: device)
        let (first, second) = (x[0..<5], x[5..<9])
        let labels: [Int] = [0, 1, 0, 1, 2, 0, 1, 2, 2]
        func names(_ range: Range<Int>) throws -> Tensor { try Tensor(Array(labels[range]), on: device) }
        var memory = try CrossBatchMemory(capacity: 6)
        let alone = try memory.references(adding: first, names(0..<5))
        let plain = try multiSimilarity(embeddings: first, labels: names(0..<5)).scalar()
        try expectClose(multiSimilarity(embeddings: first, labels: names(0..<5), references: alone), [plain], tolerance: 1e-6)
        let both = try memory.references(adding: second, names(5..<9))
        #expect(both.embeddings.shape == [6, 3])
        try expectClose(both.embeddings, Tensor.concatenate([second, x[0..<2]], axis: 0).array(of: Double.self))
        #expect(try both.labels.array(of: Int.self) == [0, 1, 2, 2, 0, 1])
        // Of the remembered rows alone, and of the batch with itself.
        let apart = try contrastive(embeddings: second, labels: names(5..<9), references: both, reducer: .sum).scalar()
        let own = try contrastive(embeddings: second, labels: names(5..<9), reducer: .sum).scalar()
        let old = References(embeddings: x[0..<2], labels: try names(0..<2))
        let others = try contrastive(embeddings: second, labels: names(5..<9), references: old, reducer: .sum).scalar()
        expectClose([apart], [own + others], tolerance: 1e-6)
        #expect(throws: TensorError.self) { try memory.references(adding: x, names(0..<9)) }
        #expect(throws: TensorError.self) { try memory.references(adding: .zeros([2, 4], on: device), names(0..<2)) }
        #expect(throws: TensorError.self) { try CrossBatchMemory(capacity: 0) }
    }

    @Test(arguments: Device.all)
    func reducersKeepToTheirBounds(device: Device) throws {
        let x = try drawn([7, 3], on: device)
        let y = try Tensor([0, 1, 0, 1, 2, 0, 2], on: device)
        let distance = try EmbeddingDistance.euclidean(x).array(of: Double.self)
        let names = [0, 1, 0, 1, 2, 0, 2]
        var elements: [Double] = []
        for i in 0..<7 { for j in 0..<7 where i != j && names[i] == names[j] { elements.append(distance[i * 7 + j]) } }
        let kept = elements.filter { $0 > 0.3 && $0 < 1.2 }
        #expect(!kept.isEmpty && kept.count < elements.count)
        let loss = try contrastive(embeddings: x, labels: y, negativeMargin: -1, reducer: Reducer(above: 0.3, below: 1.2))
        try expectClose(loss, [kept.reduce(0, +) / Double(kept.count)], tolerance: 1e-6)
    }

    /// Values of pytorch-metric-learning's `ClassWeightedReducer` and `PerAnchorReducer`; that of multi-similarity is the formula's, where
    /// theirs multiplies every anchor's loss by every weight.
    @Test(arguments: Device.all)
    func reducersWeighClassesAndAnchors(device: Device) throws {
        let x = try Tensor([[3, 4], [0, -5], [-6, 8], [1, 0], [2, 1], [-1, 2]] as [[Float]], on: device)
        let y = try Tensor([0, 1, 0, 1, 2, 0], on: device)
        let weights = [0.5, 2, 3]
        for pairs in [nil, 6] {
            try RowBlocks.$pairs.withValue(pairs) {
                try expectClose(
                    contrastive(embeddings: x, labels: y, reducer: .mean.classWeighted(weights)), [1.2318151568], tolerance: 1e-6)
                try expectClose(
                    multiSimilarity(embeddings: x, labels: y, reducer: .mean.classWeighted(weights)), [0.9432134544], tolerance: 1e-6)
                try expectClose(nPairs(embeddings: x, labels: y, reducer: .mean.classWeighted(weights)), [0.5875739002], tolerance: 1e-6)
                try expectClose(
                    contrastive(embeddings: x, labels: y, reducer: .nonZeroMean.perAnchor), [1.2495901284], tolerance: 1e-6)
            }
        }
        // Of triplets by their anchors: each alone in turn adds up to all of them.
        func triplets(_ reducer: Reducer) throws -> Double {
            try tripletMargin(embeddings: x, labels: y, miner: .all, margin: 0.2, reducer: reducer).scalar()
        }
        let parts = try (0..<3).map { label in
            try triplets(.sum.classWeighted((0..<3).map { $0 == label ? weights[label] : 0 }))
        }
        expectClose([try triplets(.sum.classWeighted(weights))], [parts.reduce(0, +)], tolerance: 1e-6)
        expectRefusals([
            ("2 in row 4", { try contrastive(embeddings: x, labels: y, reducer: .mean.classWeighted([1, 1])) }),
            ("a part above 0", { try contrastive(embeddings: x, labels: y, miner: .hardest(part: 0)) }),
            ("bins", { try contrastive(embeddings: x, labels: y, miner: .uniformHistogram(bins: 0)) }),
        ])
    }

    /// As many pairs as asked for from every bin of distances, or all that it has; of few pairs that is every one.
    @Test(arguments: Device.all)
    func histogramsAreDrawnFromEvenly(device: Device) throws {
        let labels = [0, 1, 0, 1, 2, 0, 2, 1, 0, 2, 1, 0]
        let (x, y) = (try drawn([12, 3], on: device), try Tensor(labels, on: device))
        let apart = try EmbeddingDistance.euclidean(x).array(of: Double.self)
        func bins(_ isSame: Bool, _ count: Int) -> [Int] {
            var pairs: [Double] = []
            for i in 0..<12 { for j in 0..<12 where i != j && (labels[i] == labels[j]) == isSame { pairs.append(apart[i * 12 + j]) } }
            let (low, high) = (pairs.min() ?? 0, pairs.max() ?? 1)
            var found = [Int](repeating: 0, count: count)
            for value in pairs {
                let share: Double = (value - low) / (high - low)
                found[min(count - 1, Int(share * Double(count)))] += 1
            }
            return found
        }
        // Of margins that all pairs are beyond, each adds 1 and its distance or less it.
        func number(_ miner: PairMiner, positives: Bool) throws -> Double {
            let margins = positives ? (-1e4, -1e6) : (1e6, 1e4)
            return try contrastive(
                embeddings: x, labels: y, positiveMargin: margins.0, negativeMargin: margins.1, miner: miner, reducer: .sum
            ).scalar() / 1e4
        }
        for isSame in [true, false] {
            for (count, each) in [(4, 3), (5, 1000), (1, 0)] {
                let miner = PairMiner.uniformHistogram(bins: count, positives: each, negatives: each, seed: 5)
                let expected = bins(isSame, count).reduce(0) { $0 + min($1, each) }
                #expect(abs(try number(miner, positives: isSame) - Double(expected)) < 0.1, "\(isSame) \(count) \(each)")
            }
        }
    }

    @Test(arguments: Device.all)
    func regularizersAreTheirFormulas(device: Device) throws {
        let x = try Tensor([[3, 4], [0, -5], [-6, 8], [1, 0]] as [[Float]], on: device)
        try expectClose(EmbeddingRegularizer.norm()(x), [(5 + 5 + 10 + 1) / 4.0])
        try expectClose(EmbeddingRegularizer.norm(p: 1, power: 2)(x), [(49.0 + 25 + 196 + 1) / 4], tolerance: 1e-5)
        try expectClose(EmbeddingRegularizer.zeroMean(x), [(7 + 5 + 2 + 1) / 4.0])
        let squares = [25.0, 25, 100, 1]
        try expectClose(
            EmbeddingRegularizer.centerInvariant(x), [squares.reduce(0) { $0 + ($1 - 37.75) * ($1 - 37.75) } / 16], tolerance: 1e-5)
        // Cosines: 0-1: -0.8, 0-2: 0.28, 0-3: 0.6, 1-2: -0.8, 1-3: 0, 2-3: -0.6.
        try expectClose(EmbeddingRegularizer.regularFace(x), [(0.6 + 0 + 0.28 + 0.6) / 4], tolerance: 1e-6)
        let roots = (2 - 2 * -0.8).squareRoot() + (2 + 2 * 0.6).squareRoot()
        try expectClose(EmbeddingRegularizer.sparseCenters(perClass: 2)(x), [roots / 4], tolerance: 1e-6)
        #expect(throws: TensorError.self) { try EmbeddingRegularizer.sparseCenters(perClass: 3)(x) }
        for regularizer in [EmbeddingRegularizer.norm(p: 1), .zeroMean, .centerInvariant, .regularFace, .sparseCenters(perClass: 2)] {
            let slope = try gradient(at: x) { try regularizer($0) }
            #expect(try slope.array(of: Float.self).allSatisfy { $0.isFinite })
        }
    }

    @Test(arguments: Device.all)
    func centersMoveTowardsTheirRows(device: Device) throws {
        let centers = try Tensor([[0, 0], [1, 1], [5, 5]] as [[Float]], on: device)
        let x = try Tensor([[3, 0], [0, 3], [2, 2]] as [[Float]], on: device)
        let moved = try movedCenters(centers, embeddings: x, targets: Tensor([0, 0, 1], on: device), rate: 0.5)
        try expectClose(moved, [0.5, 0.5, 1.25, 1.25, 5, 5], tolerance: 1e-6)
    }
}
