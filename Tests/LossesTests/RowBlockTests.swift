import LossKit
import LossKitLosses
@testable import LossKitOracles
import LossKitTestSupport
import Testing

/// Losses of pairs that are formed a block of rows at a time.
@Suite struct RowBlockTests {
    private static let names: Set = [
        "contrastive", "signalToNoiseContrastive", "multiSimilarity", "circle", "liftedStructure", "generalizedLiftedStructure", "nca",
        "rankedList", "tupletMargin", "thresholdConsistentMargin", "marginLoss", "fastAP", "histogramLoss", "angular", "nPairs", "infoNCE",
        "unifiedNegatives", "hypo", "prototypeDispersion", "nearestClassNeighbours", "metrix", "dispersive", "hardContrastive",
        "metaContrastive", "robustGlobalContrastive", "cauchySchwarz", "cauchySchwarzInformation", "conditionalCauchySchwarz",
    ]
    /// One case of each combination of options, with means; by default of batches that take several blocks.
    private static let cases = TestShare.of(LossCase.all.filter { $0.reduction == .mean && names.contains($0.name) }) {
        $0.extents["n"] ?? 7 > 2
    }

    /// Blocks of one row, and of two or three, are the loss and gradient that ``RegistryTests`` finds of all rows at once.
    @Test(arguments: Device.all, cases)
    func blocksAgreeWithTheOracle(device: Device, given: LossCase) throws {
        for pairs in [1, 16] {
            try RowBlocks.$pairs.withValue(pairs) {
                try RegistryTests().valuesAgreeWithTheOracle(device: device, given: given)
                if pairs != 1 { try RegistryTests().gradientsAgreeWithTheOracle(device: device, given: given) }
            }
        }
    }

    @Test(arguments: Device.all)
    func derivativesOfDerivativesPassBlocks(device: Device) throws {
        var random = SplitMix64(seed: 9)
        let x = try Tensor(random.values(7 * 3).map { Float($0) }, shape: [7, 3], on: device)
        let v = try Tensor(random.values(7 * 3).map { Float($0) }, shape: [7, 3], on: device)
        let labels = try Tensor([0, 1, 0, 1, 2, 0, 2], on: device)
        func product(_ pairs: Int?) throws -> [Double] {
            try RowBlocks.$pairs.withValue(pairs) {
                try gradient(at: x) { x in
                    let slope = try gradient(at: x) { try multiSimilarity(embeddings: $0, labels: labels, beta: 3) }
                    return try (slope * v).sum()
                }.array()
            }
        }
        expectClose(try product(7), try product(nil), tolerance: 1e-5)
    }

    private typealias Loss = @Sendable (Tensor, Tensor) throws -> Tensor
    private static let losses: [(name: String, loss: Loss)] = [
        ("contrastive", { try contrastive(embeddings: $0, labels: $1) }),
        ("hardest contrastive", { try contrastive(embeddings: $0, labels: $1, miner: .hardest()) }),
        ("signalToNoise", { try signalToNoiseContrastive(embeddings: $0, labels: $1) }),
        ("multiSimilarity", { try multiSimilarity(embeddings: $0, labels: $1, miner: .multiSimilarity(epsilon: 0.1)) }),
        ("circle", { try circle(embeddings: $0, labels: $1) }),
        ("liftedStructure", { try liftedStructure(embeddings: $0, labels: $1) }),
        ("generalizedLiftedStructure", { try generalizedLiftedStructure(embeddings: $0, labels: $1) }),
        ("nca", { try nca(embeddings: $0, labels: $1) }),
        ("rankedList", { try rankedList(embeddings: $0, labels: $1) }),
        ("angular", { try angular(embeddings: $0, labels: $1) }),
        ("tupletMargin", { try tupletMargin(embeddings: $0, labels: $1) }),
        ("thresholdConsistentMargin", { try thresholdConsistentMargin(embeddings: $0, labels: $1) }),
        ("marginLoss", { try marginLoss(embeddings: $0, labels: $1) }),
        ("fastAP", { try fastAP(embeddings: $0, labels: $1) }),
        ("histogramLoss", { try histogramLoss(embeddings: $0, labels: $1, bins: 20) }),
        ("nPairs", { x, _ in try nPairs(embeddings: x, labels: Tensor((0..<x.shape[0]).map { $0 / 2 }, on: x.device)) }),
        ("energyConfusion", { try energyConfusion(embeddings: $0, labels: $1) }),
        ("nearestClassNeighbours", { try nearestClassNeighbours(embeddings: $0, labels: $1) }),
        ("infoNCE", { x, _ in try infoNCE(queries: x, keys: x * 0.5 + 0.1) }),
        ("dispersive", { x, _ in try dispersive(embeddings: x) }),
        ("dispersive hinge", { x, _ in try dispersive(embeddings: x, form: .hinge) }),
        ("hardContrastive", { x, _ in try hardContrastive(first: x, second: x * 0.5 + 0.1, fraction: 0.01) }),
        ("metaContrastive", { x, _ in try metaContrastive(first: x, second: x * 0.5 + 0.1) }),
        ("robustGlobalContrastive", { x, y in
            try robustGlobalContrastive(first: x, second: x * 0.5 + 0.1, temperatures: .full([x.shape[0]], 0.3, on: x.device))
        }),
        ("uniformity", { x, _ in try uniformity(embeddings: x) }),
        ("tolerance", { x, y in try tolerance(embeddings: x, labels: y) }),
        ("regularFace", { x, _ in try EmbeddingRegularizer.regularFace(x) }),
        ("cauchySchwarz", { x, _ in try cauchySchwarz(x: x, y: x * 0.5 + 0.1) }),
        ("cauchySchwarzInformation", { x, _ in try cauchySchwarzInformation(x: x, t: x * 0.5 + 0.1) }),
        ("conditionalCauchySchwarz", { x, _ in try conditionalCauchySchwarz(x: x, targets: x * 0.5, predictions: x * 0.5 + 0.1) }),
    ]

    /// Forward and backward; a matrix of all pairs would be six times what these may take.
    @Test(arguments: Device.all, TestShare.of(Array(losses.indices), every: 6))
    func pairsAreNeverHeld(device: Device, index: Int) throws {
        let (count, loss) = (1500, Self.losses[index].loss)
        var random = SplitMix64(seed: 4)
        let x = try Tensor(random.values(count * 8).map { Float($0) }, shape: [count, 8], on: device)
        let labels = try Tensor((0..<count).map { Int32($0 * 7 % 300) }, on: device)
        let peak = try RowBlocks.$pairs.withValue(1 << 14) {
            try Profiler.measure { try gradient(at: x) { try loss($0, labels) }.evaluated() }.measurement.peakBytes
        }
        #expect(peak < count * count * 4 / 6, "\(Self.losses[index].name)")
    }
}
