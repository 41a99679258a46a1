import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Exact transport on lines, circles and slices beside SciPy 1.17 and POT 0.9.7, which gave the numbers; and what it keeps to at its edges.
@Suite struct LineTransportTests {
    private static let x = (0..<9).map { Float(2 * sin(3 * Double($0) + 1)) }
    private static let y = (0..<6).map { Float(1.5 * cos(2 * Double($0)) + 0.3) }
    private static let a = (0..<9).map { Float(1 + 0.5 * cos(5 * Double($0))) }
    private static let b: [Float] = {
        let drawn = (0..<6).map { Double(Float(1 + 0.7 * sin(4 * Double($0)))) }
        let scale = a.reduce(0) { $0 + Double($1) } / drawn.reduce(0, +)
        return drawn.map { Float($0 * scale) }
    }()
    private static let cloud = (0..<27).map { Float(sin(1.7 * Double($0) + 0.2)) }
    private static let other = (0..<18).map { Float(cos(1.3 * Double($0))) }

    private func tensor(_ values: [Float], _ shape: [Int]? = nil, on device: Device) throws -> Tensor {
        try Tensor(values, shape: shape, on: device)
    }

    @Test(arguments: Device.all)
    func linesAgreeWithSciPyAndPOT(device: Device) throws {
        let (x, y) = (try tensor(Self.x, on: device), try tensor(Self.y, on: device))
        let (a, b) = (try tensor(Self.a, on: device), try tensor(Self.b, on: device))
        try expectClose(wasserstein1D(x, y), [0.32020029591189497], tolerance: 1e-6)
        try expectClose(energyDistance1D(x, y), [0.10261206034524945], tolerance: 1e-6)
        try expectClose(energyDistance1D(x, y, a: a, b: b), [0.1417212182433574], tolerance: 1e-6)
        for (p, expected) in [(1, 0.4224535340338506), (1.5, 0.3160392272368814), (2, 0.24843794829783677), (3, 0.16753346439378092)] {
            try expectClose(wasserstein1D(x, y, a: a, b: b, p: p), [expected], tolerance: 1e-6, "p = \(p)")
        }
    }

    @Test(arguments: Device.all)
    func circlesAgreeWithPOT(device: Device) throws {
        let (x, y) = (try tensor(Self.x, on: device), try tensor(Self.y, on: device))
        let (a, b) = (try tensor(Self.a, on: device), try tensor(Self.b, on: device))
        let expected = [
            (1, 0.1268900672807774, 0.09869588683876725), (1.5, 0.05080245283040052, 0.03846864163172797),
            (2, 0.02085467157993105, 0.015864557836468497), (3, 0.0037997256031311825, 0.0029682091214855),
        ]
        for (p, weighted, equal) in expected {
            try expectClose(circularWasserstein(x, y, a: a, b: b, p: p), [weighted], tolerance: 5e-7, "p = \(p)")
            try expectClose(circularWasserstein(x, y, p: p), [equal], tolerance: 5e-7, "p = \(p)")
            try expectClose(circularWasserstein(x * 10, y * 10, p: p, period: 10), [equal * pow(10, p)], tolerance: 2e-6, "p = \(p)")
        }
        // A turn costs nothing, and what lies at both ends of the cut is close.
        try expectClose(circularWasserstein(x, x + 3, p: 2), [0], tolerance: 1e-6)
        let near = try (tensor([0.01, 0.5], on: device), tensor([0.99, 0.5], on: device))
        try expectClose(circularWasserstein(near.0, near.1), [0.01], tolerance: 1e-6)
    }

    @Test(arguments: Device.all)
    func slicesAgreeWithPOT(device: Device) throws {
        let (x, y) = (try tensor(Self.cloud, [9, 3], on: device), try tensor(Self.other, [6, 3], on: device))
        let (a, b) = (try tensor(Self.a, on: device), try tensor(Self.b, on: device))
        let t = (0..<4).map { Double($0) }
        let lines = try tensor(
            t.flatMap { [Float(cos($0)), Float(sin($0) * cos(2 * $0)), Float(sin($0) * sin(2 * $0))] }, [4, 3], on: device)
        for (p, expected) in [(1, 0.3525514262744995), (2, 0.1830633839423499)] as [(Double, Double)] {
            try expectClose(slicedWasserstein(x, y, a: a, b: b, p: p, directions: lines), [expected], tolerance: 1e-6)
        }
        let circles = try tensor(
            t.flatMap {
                [cos($0), sin($0), 0, -sin($0) * cos(2 * $0), cos($0) * cos(2 * $0), sin(2 * $0)].map { Float($0) }
            }, [4, 2, 3], on: device)
        for (p, expected) in [(1, 0.12367397949468076), (2, 0.02223271495002259)] as [(Double, Double)] {
            try expectClose(sphericalSlicedWasserstein(x, y, a: a, b: b, p: p, circles: circles), [expected], tolerance: 1e-6)
        }
    }

    @Test(arguments: Device.all)
    func theLargestSliceIsFound(device: Device) throws {
        let x = try tensor(Self.cloud, [9, 3], on: device)
        // A translation is largest along itself.
        let moved = try x + tensor([1, -2, 2], on: device)
        let (value, slope) = try valueWithGradient(at: x) { try maxSlicedWasserstein($0, moved, projections: 5) }
        expectClose([try value.scalar()], [9], tolerance: 1e-5)
        try expectClose(slope, (0..<27).map { [-2.0, 4, -4][$0 % 3] / 9 }, tolerance: 1e-3)
        let y = try tensor(Self.other, [6, 3], on: device)
        let plain = try maxSlicedWasserstein(x, y, projections: 5, refinements: 0).scalar()
        #expect(try maxSlicedWasserstein(x, y, projections: 5).scalar() >= plain)
        #expect(try slicedWasserstein(x, y, seed: 1).scalar() != slicedWasserstein(x, y, seed: 2).scalar())
    }

    @Test(arguments: Device.all)
    func linesOfABatchAreOnTheirOwn(device: Device) throws {
        let x = try Tensor(Self.x + Self.a, shape: [2, 9], on: device)
        let y = try Tensor(Self.y + Self.b, shape: [2, 6], on: device)
        for distance in [
            { try wasserstein1D($0, $1, p: 2, reduction: .none) }, { try circularWasserstein($0, $1, p: 2, reduction: .none) },
            { try energyDistance1D($0, $1, reduction: .none) },
        ] as [(Tensor, Tensor) throws -> Tensor] {
            let both = try distance(x, y).array(of: Double.self)
            let each = try (0..<2).map { try distance(x[$0], y[$0]).scalar() }
            expectClose(both, each, tolerance: 1e-6)
        }
    }

    @Test(arguments: Device.all)
    func edgesStayFinite(device: Device) throws {
        let one = try tensor([3], on: device)
        try expectClose(wasserstein1D(one, one + 2, p: 3), [8], tolerance: 1e-6)
        let same = try tensor([1, 1, 1, 2], on: device)
        for p in [1, 1.5, 2] {
            let slope = try gradient(at: same) { try wasserstein1D($0, stopGradient(same), p: p) }
            try expectClose(slope, [0, 0, 0, 0], tolerance: 1e-7)
        }
        // Multiples of 1/64 are exact at 1e4.
        let coarse = try tensor(Self.x.map { ($0 * 64).rounded() / 64 }, on: device)
        let y = try tensor(Self.y.map { ($0 * 64).rounded() / 64 }, on: device)
        try expectClose(
            wasserstein1D(coarse + 10_000, y + 10_000, p: 2), [try wasserstein1D(coarse, y, p: 2).scalar()], tolerance: 1e-6)
        #expect(try wasserstein1D(tensor([1, .nan], on: device), one).scalar().isNaN)
        // A point without mass does not matter, wherever it is.
        let masses = try tensor([0, 0.5, 0.5], on: device)
        try expectClose(wasserstein1D(tensor([1e6, 1, 2], on: device), tensor([1, 2], on: device), a: masses), [0], tolerance: 1e-6)
        let bad: [(String, () throws -> Tensor)] = [
            ("p", { try wasserstein1D(one, one, p: 0.5) }), ("nothing", { try wasserstein1D(one, tensor([], on: device)) }),
            ("negative", { try wasserstein1D(one, one, a: tensor([-1], on: device)) }),
            ("no mass", { try wasserstein1D(one, one, a: tensor([0], on: device)) }),
            ("masses", { try wasserstein1D(same, same, a: tensor([1, 1, 1, 1], on: device)) }),
            ("period", { try circularWasserstein(one, one, period: 0) }), ("shape", { try slicedWasserstein(one, one) }),
            ("count", { try slicedWasserstein(tensor([1], [1, 1], on: device), tensor([1], [1, 1], on: device), projections: 0) }),
            ("dimension", { try sphericalSlicedWasserstein(tensor([1], [1, 1], on: device), tensor([1], [1, 1], on: device)) }),
        ]
        for (name, call) in bad {
            #expect(throws: TensorError.self, "\(name)") { try call().scalar() }
        }
    }
}
