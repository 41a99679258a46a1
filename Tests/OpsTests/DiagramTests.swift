import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Functions and distances of persistence diagrams; GUDHI 3.13.0 and torch-topological 0.1.9 gave the numbers.
@Suite struct DiagramTests {
    private static let pairs: [Double] = [0, 1, 0.25, 2, 0.5, 0.75, 1, 3.5, 1.5, 1.75]
    private static let others: [Double] = [0.125, 1.25, 0.25, 2.5, 1, 1.5, 2, 2.25]

    private func diagram(_ values: [Double], on device: Device) throws -> PersistenceDiagram {
        try PersistenceDiagram(pairs: Tensor(values.map { Float($0) }, shape: [values.count / 2, 2], on: device), dimension: 1)
    }

    @Test(arguments: Device.all)
    func curvesAreGudhis(device: Device) throws {
        let diagram = try diagram(Self.pairs, on: device)
        let grid = try Tensor((0..<8).map { Float($0) / 2 }, on: device)
        try expectClose(diagram.bettiCurve(at: grid), [1, 3, 2, 3, 1, 1, 1, 0])
        try expectClose(
            diagram.landscapes(at: grid, count: 3),
            [0, 0.5, 0.75, 0.5, 1, 1, 0.5, 0, 0, 0.25, 0, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        try expectClose(
            diagram.silhouette(at: grid, power: 2),
            [
                0, 0.12125748502994012, 0.22005988023952094, 0.4461077844311377, 0.5988023952095808, 0.5988023952095808,
                0.2994011976047904, 0,
            ])
        try expectClose(diagram.entropy(), [1.3010420673288359])
        try expectClose(
            diagram.entropyCurve(at: grid),
            [
                0.30420867040161026, 0.8025818305775234, 0.724181725976865, 0.8605075614520454, 0.36213440127613217, 0.36213440127613217,
                0.36213440127613217, 0,
            ])
        let image = try diagram.image(
            births: Tensor([0, 1, 2] as [Float], on: device), lifetimes: Tensor([0, 1.5] as [Float], on: device), bandwidth: 0.5)
        try expectClose(
            image,
            [
                0.17505841148352502, 0.18283622775439193, 0.08678483856733517, 1.2872486336787927, 0.5953229797761322,
                0.03574948420511977,
            ])
        #expect(try diagram.landscapes(at: grid, count: 9).shape == [9, 8])
    }

    @Test(arguments: Device.all)
    func distancesAreGudhis(device: Device) throws {
        let (a, b) = (try diagram(Self.pairs, on: device), try diagram(Self.others, on: device))
        try expectClose(diagramBottleneck(a, b), [1])
        try expectClose(diagramWasserstein(a, b, order: 1), [2.375])
        try expectClose(diagramWasserstein(a, b), [1.671875])
        try expectClose(diagramWasserstein(b, a, norm: .euclidean), [2.546875])
        try expectClose(diagramWasserstein(a, b, order: 3, norm: .euclidean), [2.7239120193554536])
        // torch-topological's; GUDHI 3.13.0 leaves the last direction out.
        try expectClose(diagramSlicedWasserstein(a, b), [1.5080275302662849], tolerance: 2e-7)
        try expectClose(diagramSlicedWassersteinKernel(a, b, bandwidth: 1.5), [exp(-1.5080275302662849 / 4.5)], tolerance: 2e-7)
        try expectClose(diagramScaleSpaceKernel(a, b, scale: 0.25), [0.7348862139202157], tolerance: 1e-6)
        try expectClose(diagramFisherDistance(a, b, bandwidth: 0.75), [0.07247068941529963], tolerance: 3e-6)
        try expectClose(diagramFisherKernel(a, b, bandwidth: 0.75, scale: 2), [0.8650730032154494], tolerance: 1e-6)
        try expectClose(
            diagramWeightedGaussianKernel(a, b, bandwidth: 0.75, weight: 1.5, power: 2), [4.709746123922255], tolerance: 1e-6)
    }

    /// A diagram of no points, one beside itself, and classes that never die.
    /// Against the exact distances, of random points, of many in one place, and of diagrams that differ by little.
    @Test func approximateDistancesKeepTheirWord() throws {
        var random = SplitMix64(seed: 17)
        func points(_ count: Int, _ scale: Double) -> [Double] {
            random.values(2 * count, in: 0...1).enumerated().map { place, value in
                place % 2 == 0 ? (value * scale).rounded() / scale : 1 + (value * scale).rounded() / scale
            }
        }
        for (n, m, scale) in [(60, 45, 1e6), (45, 60, 1e6), (80, 80, 3), (1, 5, 10), (0, 7, 10), (40, 40, 1)] {
            let values = points(n, scale)
            let others = m == 80 ? values.map { $0 + 1e-3 } : points(m, scale)
            let (a, b) = (try diagram(values, on: .cpu), try diagram(others, on: .cpu))
            let bottleneck = try diagramBottleneck(a, b).scalar()
            for error in [0.3, 0.01, 1e-6] {
                let found = try diagramBottleneck(a, b, error: error).scalar()
                #expect(found >= bottleneck && found <= bottleneck + error)
            }
            for (order, norm) in [(1.0, DiagramNorm.maximum), (2, .euclidean), (3, .maximum)] {
                let exact = try diagramWasserstein(a, b, order: order, norm: norm).scalar()
                for error in [0.5, 0.01, 1e-4] {
                    let found = try diagramWasserstein(a, b, order: order, norm: norm, relativeError: error).scalar()
                    #expect(found >= exact * (1 - 1e-6) && found <= exact * (1 + error + 1e-6) + 1e-7)
                }
            }
            #expect(try diagramWasserstein(a, a, relativeError: 0.1).scalar() < 1e-7)
            #expect(try diagramBottleneck(a, a, error: 0.1).scalar() <= 0.1)
        }
        let some = try diagram(points(3, 1e6), on: .cpu)
        #expect(throws: TensorError.self) { try diagramBottleneck(some, some, error: -1) }
        #expect(throws: TensorError.self) { try diagramWasserstein(some, some, relativeError: .nan) }
    }

    @Test(arguments: Device.all)
    func edgesOfDiagrams(device: Device) throws {
        let (empty, a) = (try diagram([], on: device), try diagram(Self.pairs, on: device))
        let grid = try Tensor([0, 1] as [Float], on: device)
        #expect(try empty.entropy().scalar() == 0)
        try expectClose(empty.silhouette(at: grid), [0, 0])
        try expectClose(empty.landscapes(at: grid, count: 1), [0, 0])
        try expectClose(empty.bettiCurve(at: grid), [0, 0])
        for other in [a, empty] {
            #expect(try diagramBottleneck(other, other).scalar() == 0)
            #expect(try diagramWasserstein(other, other).scalar() == 0)
            #expect(try diagramFisherDistance(other, other, bandwidth: 0.1).scalar() == 0)
            #expect(try diagramWeightedGaussianKernel(other, empty, bandwidth: 0.1).scalar() == 0)
        }
        // Of one diagram without points the other's stay on the diagonal.
        #expect(try diagramFisherDistance(empty, a, bandwidth: 0.1).scalar() > 0.5)
        try expectClose(diagramBottleneck(empty, a), [1.25])
        try expectClose(diagramWasserstein(a, empty, order: 1), [0.5 + 0.875 + 0.125 + 1.25 + 0.125])
        func endless(_ births: [Float]) throws -> PersistenceDiagram {
            try PersistenceDiagram(pairs: a.pairs, essentialBirths: Tensor(births, on: device))
        }
        try expectClose(diagramWasserstein(endless([2, 0]), endless([0.5, 4])), [0.25 + 4])
        try expectClose(diagramBottleneck(endless([2, 0]), endless([0.5, 4])), [2])
        #expect(try diagramWasserstein(endless([2]), endless([0.5, 4])).scalar() == .infinity)
        #expect(try diagramBottleneck(endless([2]), a).scalar() == .infinity)
        try expectClose(endless([0.5]).bettiCurve(at: grid), [1, 3])
        // A class that lives for no time has no part in the entropy, nor a derivative.
        let pairs = try Tensor([0, 1, 2, 2] as [Float], shape: [2, 2], on: device)
        let (value, slope) = try valueWithGradient(at: pairs) { try PersistenceDiagram(pairs: $0).entropy() }
        #expect(try value.scalar() == 0)
        #expect(try slope.array(of: Float.self).allSatisfy { $0 == 0 })
    }

    @Test(arguments: Device.all.filter(\.hasFloat64))
    func functionsOfDiagramsCanBeDifferentiated(device: Device) throws {
        let pairs = try Tensor(Self.pairs.enumerated().map { $1 + 0.01 * Double($0 * $0 % 7) }, shape: [5, 2], on: device)
        let grid = try Tensor([0.3, 0.9, 1.7] as [Double], on: device)
        let other = try PersistenceDiagram(pairs: Tensor(Self.others, shape: [4, 2], on: device))
        let functions: [(String, (PersistenceDiagram) throws -> Tensor)] = [
            ("landscapes", { try $0.landscapes(at: grid, count: 2) }), ("silhouette", { try $0.silhouette(at: grid) }),
            ("entropy", { try $0.entropy() }), ("entropy curve", { try $0.entropyCurve(at: grid) }),
            ("image", { try $0.image(births: grid, lifetimes: grid, bandwidth: 0.4, power: 1.5) }),
            ("kernel", { try diagramScaleSpaceKernel($0, $0, scale: 0.3) }),
            ("Fisher", { try diagramFisherDistance($0, other, bandwidth: 0.5) }),
            ("Fisher kernel", { try diagramFisherKernel(other, $0, bandwidth: 0.7, scale: 2) }),
            ("weighted", { try diagramWeightedGaussianKernel($0, $0, bandwidth: 0.6, weight: 0.8, power: 1.5) }),
        ]
        for (name, function) in functions {
            try expectGradient(at: [pairs], tolerance: 1e-6, name) { try function(PersistenceDiagram(pairs: $0[0])) }
        }
    }

    @Test(arguments: Device.all)
    func badDiagramsAreAnsweredInOneLine(device: Device) throws {
        let (a, broken) = (try diagram(Self.pairs, on: device), try diagram([0, 1, 2, .nan], on: device))
        let list = try Tensor([0, 1] as [Float], on: device)
        expectRefusals([
            ("[2]", { try PersistenceDiagram(pairs: list) }), ("at 1", { try diagramWasserstein(a, broken) }),
            ("at 1", { try diagramBottleneck(broken, a) }), ("0.5", { try diagramWasserstein(a, a, order: 0.5) }),
            ("count", { try a.landscapes(at: list, count: 0) }), ("grid", { try a.bettiCurve(at: a.pairs) }),
            ("bandwidth", { try a.image(births: list, lifetimes: list, bandwidth: 0) }),
            ("directions", { try diagramSlicedWasserstein(a, a, directions: 0) }),
            ("scale", { try diagramScaleSpaceKernel(a, a, scale: 0) }),
            ("bandwidth", { try diagramFisherDistance(a, a, bandwidth: .nan) }),
            ("scale", { try diagramFisherKernel(a, a, bandwidth: 1, scale: 0) }),
            ("power", { try diagramWeightedGaussianKernel(a, a, bandwidth: 1, power: -1) }),
        ])
    }
}
