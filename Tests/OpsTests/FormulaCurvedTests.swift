import Foundation
import LossKitDevice
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// Distances on curved surfaces as formulas, against their textbook definitions in doubles and the tensor operation.
@Suite struct FormulaCurvedTests {
    /// Points that lie where a metric's do, by rows.
    private static func points(_ metric: CurvedMetric, _ count: Int, seed: UInt64) -> [[Double]] {
        var random = SplitMix64(seed: seed)
        return (0..<count).map { _ in
            let values = random.values(metric == .haversine ? 2 : 3)
            let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
            switch metric {
            case .poincare: return values.map { $0 * 0.5 }
            case .lorentz: return [(1 + length * length).squareRoot()] + values
            case .spherical: return values.map { $0 / length }
            case .haversine: return [values[0] * 1.5, values[1] * 3]
            }
        }
    }

    private static func distance(_ metric: CurvedMetric, _ x: [Double], _ y: [Double]) -> Double {
        func dot(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
        switch metric {
        case .poincare:
            let difference = zip(x, y).map { $0 - $1 }
            return acosh(1 + 2 * dot(difference, difference) / ((1 - dot(x, x)) * (1 - dot(y, y))))
        case .lorentz: return acosh(2 * x[0] * y[0] - dot(x, y))
        case .spherical: return acos(dot(x, y))
        case .haversine: return acos(sin(x[0]) * sin(y[0]) + cos(x[0]) * cos(y[0]) * cos(x[1] - y[1]))
        }
    }

    private static func tensor(_ points: [[Double]], on device: Device) throws -> Tensor {
        try Tensor(points.flatMap { $0.map { Float($0) } }, shape: [points.count, points[0].count], on: device)
    }

    @Test(arguments: Device.all, CurvedMetric.allCases)
    func metricsAreThoseOfTheirDefinition(device: Device, metric: CurvedMetric) throws {
        let (x, y) = (Self.points(metric, 6, seed: 21), Self.points(metric, 5, seed: 23))
        let tensors = [try Self.tensor(x, on: device), try Self.tensor(y, on: device)]
        let expected = x.flatMap { x in y.map { Self.distance(metric, x, $0) } }
        let formula = Formula.x(tensors[0]).distance(to: .y(tensors[1]), metric: metric)
        try expectClose(formula.matrix(), expected, tolerance: 3e-6)
        let sums = stride(from: 0, to: 30, by: 5).map { expected[$0..<$0 + 5].reduce(0, +) }
        try expectClose(formula.sum(over: .y), sums, tolerance: 5e-6)
        var random = SplitMix64(seed: 25)
        let weights = try Tensor(random.values(30).map { Float($0) }, shape: [6, 5], on: device)
        let columns = try Tensor(random.values(5).map { Float($0) }, on: device)
        func slopes(_ value: @escaping @Sendable ([Tensor]) throws -> Tensor) throws -> [[Double]] {
            try gradient(at: tensors, of: value).map { try $0.array() }
        }
        let whole = try slopes { try (pairwiseDistance($0[0], $0[1], metric: metric) * weights).sum() }
        let written = try slopes { try (Formula.x($0[0]).distance(to: .y($0[1]), metric: metric).matrix() * weights).sum() }
        let online = try slopes {
            try (Formula.x($0[0]).distance(to: .y($0[1]), metric: metric) * .y(columns)).sum(over: .y).sum()
        }
        let weighted = try slopes { try (pairwiseDistance($0[0], $0[1], metric: metric) * columns).sum() }
        for part in 0..<2 {
            expectClose(written[part], whole[part], tolerance: 1e-5, "part \(part)")
            expectClose(online[part], weighted[part], tolerance: 1e-5, "online, part \(part)")
        }
    }

    /// Where a distance is 0 it has the derivative 0; of opposite points it is finite. Short distances keep their digits.
    @Test(arguments: Device.all, CurvedMetric.allCases)
    func edgesAreFinite(device: Device, metric: CurvedMetric) throws {
        let x = try Self.tensor(Self.points(metric, 4, seed: 27), on: device)
        let opposite = metric == .spherical ? try Tensor.concatenate([x, -x]).evaluated() : x
        let distances = try Formula.x(x).distance(to: .y(opposite), metric: metric).matrix()
        for row in 0..<4 {
            #expect(try distances[row].array(of: Double.self)[row] == 0)
            if metric == .spherical { expectClose([try distances[row].array(of: Double.self)[row + 4]], [.pi], tolerance: 1e-3) }
        }
        for reduced in [Formula.Points.x, .y] {
            let slopes = try gradient(at: [x, opposite]) {
                try Formula.x($0[0]).distance(to: .y($0[1]), metric: metric).sum(over: reduced).sum()
            }
            #expect(try slopes.allSatisfy { try $0.array(of: Double.self).allSatisfy(\.isFinite) })
            let own = try gradient(at: [x[0..<1], x[0..<1]]) {
                try Formula.x($0[0]).distance(to: .y($0[1]), metric: metric).sum(over: reduced).sum()
            }
            #expect(try own.allSatisfy { try $0.array(of: Double.self).allSatisfy { $0 == 0 } })
        }
        let (here, there): ([Float], [Float]) = [.lorentz, .spherical].contains(metric) ? ([1, 0], [1, 1e-4]) : ([0, 0], [1e-4, 0])
        let (start, end) = (try Tensor(here, shape: [1, 2], on: device), try Tensor(there, shape: [1, 2], on: device))
        let near = try Formula.x(start).distance(to: .y(end), metric: metric).matrix()
        // Of the Poincare ball's centre twice the radius, elsewhere the length itself.
        expectClose([try near.scalar() * 1e4], [metric == .poincare ? 2 : 1], tolerance: 1e-6)
    }

    @Test(arguments: Device.all)
    func whatLiesElsewhereIsRefused(device: Device) throws {
        let inside = try Tensor([0.1, 0.2] as [Float], shape: [1, 2], on: device)
        let outside = try Tensor([0.9, 0.9] as [Float], shape: [1, 2], on: device)
        for (x, y) in [(inside, outside), (outside, inside), (outside, outside)] {
            #expect(try Formula.x(x).distance(to: .y(y), metric: .poincare).matrix().array(of: Float.self)[0].isNaN)
        }
        let places = try Tensor([0.1, 0.2, 0.3] as [Float], shape: [1, 3], on: device)
        #expect(throws: TensorError.self) { try Formula.x(places).distance(to: .y(places), metric: .haversine).matrix() }
    }
}
