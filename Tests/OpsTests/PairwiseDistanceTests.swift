import Foundation
import LossKitDevice
import LossKitTestSupport
import Testing

@testable import LossKitOps

@Suite struct PairwiseDistanceTests {
    private func points(_ n: Int, _ d: Int, seed: UInt64, offset: Double = 0) -> Matrix {
        var random = SplitMix64(seed: seed)
        return Matrix(rows: n, columns: d, values: random.values(n * d, in: -2...2).map { Double(Float($0 + offset)) })
    }

    private func tensor(_ points: Matrix, on device: Device) throws -> Tensor {
        try Tensor(points.values.map { Float($0) }, shape: [points.rows, points.columns], on: device)
    }

    private func expected(_ metric: Metric, _ a: [Double], _ b: [Double]) -> Double {
        let dot = zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
        switch metric {
        case .squaredEuclidean: return distance(a, b) * distance(a, b)
        case .euclidean: return distance(a, b)
        case .manhattan: return zip(a, b).reduce(0) { $0 + abs($1.0 - $1.1) }
        case .dot: return dot
        case .cosine:
            let zero = [Double](repeating: 0, count: a.count)
            return 1 - dot / (max(distance(a, zero), 1e-8) * max(distance(b, zero), 1e-8))
        }
    }

    private func expected(_ metric: Metric, _ x: Matrix, _ y: Matrix) -> [Double] {
        (0..<x.rows).flatMap { i in (0..<y.rows).map { expected(metric, x.row(i), y.row($0)) } }
    }

    @Test(arguments: Device.all, Metric.allCases)
    func agreesWithTheFormula(device: Device, metric: Metric) throws {
        for (n, m, d) in [(0, 3, 2), (3, 0, 2), (1, 1, 1), (7, 13, 5), (17, 31, 3), (33, 530, 66), (5, 16, 129)] {
            let (x, y) = (points(n, d, seed: 1), points(m, d, seed: 2))
            let value = try pairwiseDistance(tensor(x, on: device), tensor(y, on: device), metric: metric)
            #expect(value.shape == [n, m])
            let size = Double(d)
            try expectClose(value, expected(metric, x, y), tolerance: 2e-6 * max(1, size / 8), "\(metric) \(n) \(m) \(d)")
        }
    }

    @Test(arguments: Device.all, Metric.allCases)
    func gradientsAgreeWithDifferencesOfTheFormula(device: Device, metric: Metric) throws {
        let (n, m, d) = (5, 19, 3)
        let (x, y) = (points(n, d, seed: 3), points(m, d, seed: 4))
        var random = SplitMix64(seed: 5)
        let weights = random.values(n * m, in: 0.5...1.5)
        let gradients = try gradient(at: [tensor(x, on: device), tensor(y, on: device)]) {
            try (pairwiseDistance($0[0], $0[1], metric: metric) * Tensor(weights.map { Float($0) }, shape: [n, m], on: device)).sum()
        }
        let step = 1e-6
        func scalar(_ points: [Matrix]) -> Double {
            zip(expected(metric, points[0], points[1]), weights).reduce(0) { $0 + $1.0 * $1.1 }
        }
        for side in 0...1 {
            let differences = (side == 0 ? x : y).values.indices.map { index in
                func moved(_ shift: Double) -> Double {
                    var both = [x, y]
                    both[side].values[index] += shift
                    return scalar(both)
                }
                return (moved(step) - moved(-step)) / (2 * step)
            }
            try expectClose(gradients[side], differences, tolerance: 1e-5, "\(metric) side \(side)")
        }
    }

    @Test(arguments: Device.all, [Metric.squaredEuclidean, .euclidean, .cosine, .dot])
    func secondDerivativesAgreeWithDifferencesOfTheFirst(device: Device, metric: Metric) throws {
        let (x, y) = (points(3, 2, seed: 6), points(4, 2, seed: 7))
        let other = try tensor(y, on: device)
        var random = SplitMix64(seed: 8)
        let weights = try Tensor(random.values(12, in: 0.5...1.5).map { Float($0) }, shape: [3, 4], on: device)
        let direction = try Tensor(random.values(6, in: 0.5...1.5).map { Float($0) }, shape: [3, 2], on: device)
        func slope(_ points: Tensor) throws -> Tensor {
            try (gradient(at: points) { try (pairwiseDistance($0, other, metric: metric) * weights).sum() } * direction).sum()
        }
        let second = try gradient(at: tensor(x, on: device), of: slope)
        let step = 1e-2
        let differences = try x.values.indices.map { index in
            func moved(_ shift: Double) throws -> Double {
                var point = x
                point.values[index] += shift
                return try slope(tensor(point, on: device)).scalar()
            }
            return (try moved(step) - moved(-step)) / (2 * step)
        }
        try expectClose(second, differences, tolerance: 1e-2, "\(metric)")
    }

    @Test(arguments: Device.all)
    func differencesFarFromTheOriginKeepTheirDigits(device: Device) throws {
        let (x, y) = (points(9, 4, seed: 9, offset: 4096), points(20, 4, seed: 10, offset: 4096))
        let value = try pairwiseDistance(tensor(x, on: device), tensor(y, on: device), metric: .squaredEuclidean)
        try expectClose(value, expected(.squaredEuclidean, x, y), tolerance: 2e-6)
    }

    @Test(arguments: Device.all)
    func aPointsDistanceToItselfIsZeroAndHasGradientZero(device: Device) throws {
        let x = points(21, 3, seed: 11)
        let given = try tensor(x, on: device)
        let value = try pairwiseDistance(given, given).array(of: Float.self)
        for i in 0..<21 {
            #expect(value[i * 21 + i] == 0)
            for j in 0..<i { #expect(value[i * 21 + j] == value[j * 21 + i]) }
        }
        let same = try Tensor([Float](repeating: 1.5, count: 6), shape: [2, 3], on: device)
        let slope = try gradient(at: same) { try pairwiseDistance($0, $0).sum() }
        #expect(try slope.array(of: Float.self).allSatisfy { $0 == 0 })
    }

    @Test(arguments: Device.all, Metric.allCases)
    func keepsNaN(device: Device, metric: Metric) throws {
        var x = points(3, 2, seed: 12)
        x[1, 0] = .nan
        let value = try pairwiseDistance(tensor(x, on: device), tensor(points(18, 2, seed: 13), on: device), metric: metric)
        let isNaN = try value.array(of: Float.self).map(\.isNaN)
        #expect(isNaN == (0..<54).map { $0 / 18 == 1 })
    }

    @Test(arguments: Device.all, Metric.allCases)
    func readsViewsAndRepeatsExactly(device: Device, metric: Metric) throws {
        let (x, y) = (points(4, 11, seed: 14), points(37, 4, seed: 15))
        let view = try tensor(x, on: device).transposed()
        let other = try tensor(y, on: device)
        let packed = Matrix(rows: 11, columns: 4, values: (0..<44).map { x[$0 % 4, $0 / 4] })
        let value = try pairwiseDistance(view, other, metric: metric)
        try expectClose(value, expected(metric, packed, y), tolerance: 3e-6)
        let bits = try value.array(of: Float.self).map(\.bitPattern)
        for _ in 0..<3 { #expect(try pairwiseDistance(view, other, metric: metric).array(of: Float.self).map(\.bitPattern) == bits) }
    }

    @Test(arguments: Device.all)
    func refusesPointsOfDifferentDimension(device: Device) throws {
        let (x, y) = (try tensor(points(2, 3, seed: 1), on: device), try tensor(points(2, 4, seed: 1), on: device))
        let error = TensorError.shapeMismatch(operation: "pairwiseDistance", expected: "points [n, d] and [m, d]", actual: [[2, 3], [2, 4]])
        #expect(throws: error) { try pairwiseDistance(x, y) }
    }
}
