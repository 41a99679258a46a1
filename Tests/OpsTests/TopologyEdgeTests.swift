import LossKit
import LossKitTestSupport
import Testing

/// Input at the edge of what topology is defined for, and beyond.
@Suite struct TopologyEdgeTests {
    @Test(arguments: Device.all)
    func tooManyPointsAreRefusedBeforeAnythingIsAllocated(device: Device) throws {
        // Points without coordinates take no memory themselves.
        func refused(_ n: Int, _ most: String, _ call: @escaping (Tensor) throws -> Any) throws {
            let points = try Tensor.zeros([n, 0], on: device).evaluated()
            let (_, cost) = Profiler.measure { expectRefusals([(most, { try call(points) })]) }
            #expect(cost.peakBytes == 0 && cost.launches == 0)
        }
        try refused(1 << 31, "at most 2147483582 points") { try minimumSpanningTree($0) }
        try refused(1 << 31, "at most 2147483582 points") { try hdbscan($0) }
        try refused(65536, "at most 65535 points") { try ripsPersistence($0) }
        try refused(5000, "points for dimension 6") { try ripsPersistence($0, maximumDimension: 6) }
    }

    @Test(arguments: Device.all)
    func aThresholdThatLeavesNothingLeavesPoints(device: Device) throws {
        let points = try Tensor([0, 0, 3, 0, 0, 4] as [Float], shape: [3, 2], on: device)
        let diagrams = try ripsPersistence(points, maximumDimension: 2, threshold: 0)
        #expect(diagrams.map(\.births.count) == [0, 0, 0] && diagrams.map(\.essentialCount) == [3, 0, 0])
        #expect(try diagrams[0].entropy().scalar() == 0)
    }

    @Test(arguments: Device.all, CubicalConstruction.allCases)
    func anImageOfOnePixelIsOneComponent(device: Device, construction: CubicalConstruction) throws {
        for shape in [[1], [1, 1], [1, 1, 1]] {
            let diagrams = try cubicalPersistence(Tensor.full(shape, 0.5, on: device), construction: construction)
            #expect(diagrams.map(\.births.count) == shape.map { _ in 0 })
            #expect(try diagrams[0].essentialBirths.array(of: Float.self) == [0.5])
        }
        let loss = try bettiNumberPrior(predictions: Tensor.full([1, 1, 1], 0.5, on: device))
        #expect(try loss.scalar() == 0.75)
    }

    @Test(arguments: Device.all)
    func lossesOfPointsInOnePlaceOrOnALineAreDefined(device: Device) throws {
        let same = try Tensor.ones([6, 2], on: device)
        let line = try Tensor((0..<12).map { Float($0 / 2) * 2 }, shape: [6, 2], on: device)
        for points in [same, line] {
            let losses: [(Tensor) throws -> Tensor] = [
                { try connectivity($0) }, { try totalPersistence($0) }, { try totalPersistence($0, dimension: 0) },
                { try persistenceEntropy($0) }, { try topologicalAutoencoder(inputs: $0, embeddings: line) },
                { try topologicalSignature(inputs: $0, embeddings: line, isNormalized: false) },
                { try dendrogramMismatch(points: $0, targets: line) }, { try tregs(first: $0, second: line) },
            ]
            for (index, loss) in losses.enumerated() {
                let (value, slope) = try valueWithGradient(at: points, of: loss)
                #expect(try value.scalar().isFinite, "\(index)")
                #expect(try slope.array(of: Float.self).allSatisfy(\.isFinite), "\(index)")
            }
        }
    }

    @Test(arguments: Device.all)
    func badLossInputIsAnsweredInOneLine(device: Device) throws {
        let (one, three) = (try Tensor.ones([1, 2], on: device), try Tensor([0, 0, 1, 0, 0, 2] as [Float], shape: [3, 2], on: device))
        let broken = try Tensor([0, 0, .infinity, 0] as [Float], shape: [2, 2], on: device)
        expectRefusals([
            ("[1, 2]", { try connectivity(one) }), ("point 1", { try connectivity(broken) }), ("eta", { try connectivity(three, eta: -1) }),
            ("[3, 2]", { try topologicalSignature(inputs: three, embeddings: one) }),
            ("dimension", { try totalPersistence(three, dimension: 3) }),
            ("power", { try totalPersistence(three, power: 0.5) }), ("point 1", { try persistenceEntropy(broken) }),
            ("heights", { try cophenetic(points: three, heights: three) }),
            ("targets", { try dendrogramMismatch(points: three, targets: one) }),
            ("power", { try spanningTreeEntropy(three, power: 2) }), ("sizes", { try spanningTreeDimension(three) }),
            ("predictions", { try bettiNumberPrior(predictions: three) }), ("equal shapes", { try tregs(first: three, second: one) }),
        ])
    }
}
