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
        case .chebyshev: return zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) }
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
        for (n, m, d) in [(0, 3, 2), (3, 0, 2), (1, 1, 1), (7, 13, 5), (17, 31, 3), (33, 530, 66), (5, 16, 129), (271, 17, 40)] {
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
    func secondDerivativesAgreeWithSecondDifferencesOfTheFormula(device: Device, metric: Metric) throws {
        let (x, y) = (points(3, 2, seed: 6), points(4, 2, seed: 7))
        let other = try tensor(y, on: device)
        var random = SplitMix64(seed: 8)
        let weights = random.values(12, in: 0.5...1.5).map { Float($0) }
        let direction = random.values(6, in: 0.5...1.5).map { Float($0) }
        let (weighing, along) = (try Tensor(weights, shape: [3, 4], on: device), try Tensor(direction, shape: [3, 2], on: device))
        let second = try gradient(at: tensor(x, on: device)) { points in
            let first = try gradient(at: points) { try (pairwiseDistance($0, other, metric: metric) * weighing).sum() }
            return try (first * along).sum()
        }
        let step = 1e-4
        let differences = x.values.indices.map { index in
            func moved(_ shift: Double, _ distance: Double) -> Double {
                var point = x
                for place in point.values.indices { point.values[place] += distance * Double(direction[place]) }
                point.values[index] += shift
                return zip(expected(metric, point, y), weights).reduce(0) { $0 + $1.0 * Double($1.1) }
            }
            let (ahead, behind) = (moved(step, step) - moved(-step, step), moved(step, -step) - moved(-step, -step))
            return (ahead - behind) / (4 * step * step)
        }
        try expectClose(second, differences, tolerance: 1e-5, "\(metric)")
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

    /// Points in tight clusters far apart: products of centred points alone would lose their distances.
    @Test(arguments: Device.all, [Metric.squaredEuclidean, .euclidean])
    func matrixProductsLoseNothingToCancellation(device: Device, metric: Metric) throws {
        let (n, m, d) = (60, 45, 64)
        var random = SplitMix64(seed: 21)
        func clusters(_ count: Int) -> Matrix {
            let values = random.values(count * d, in: -1e-3...1e-3)
            return Matrix(rows: count, columns: d, values: values.indices.map { Double(Float(values[$0] + ($0 / d % 3 == 0 ? -40 : 40))) })
        }
        let (x, y) = (clusters(n), clusters(m))
        let (a, b) = (try tensor(x, on: device), try tensor(y, on: device))
        let distances = expected(metric, x, y)
        let actual = try pairwiseDistance(a, b, metric: metric).array(of: Double.self)
        expectClose(actual, distances, tolerance: 2e-6, scale: distances, "\(metric)")
        let weights = random.values(n * m, in: 0.5...1.5).map { Double(Float($0)) }
        let cotangent = try Tensor(weights.map { Float($0) }, shape: [n, m], on: device)
        let slopes = try gradient(at: [a, b]) { try (pairwiseDistance($0[0], $0[1], metric: metric) * cotangent).sum() }
        func term(_ i: Int, _ j: Int, _ k: Int) -> Double {
            weights[i * m + j] * (x[i, k] - y[j, k]) * (metric == .euclidean ? 1 / distances[i * m + j] : 2)
        }
        for (side, slope) in slopes.enumerated() {
            let (rows, others) = side == 0 ? (n, m) : (m, n)
            var (sums, scales) = ([Double](), [Double]())
            for row in 0..<rows {
                for k in 0..<d {
                    let terms = (0..<others).map { side == 0 ? term(row, $0, k) : -term($0, row, k) }
                    sums.append(terms.reduce(0, +))
                    scales.append(terms.reduce(0) { $0 + abs($1) })
                }
            }
            expectClose(try slope.array(of: Double.self), sums, tolerance: 4e-6, scale: scales, "\(metric) side \(side)")
        }
    }

    @Test(arguments: Device.all, [Metric.squaredEuclidean, .euclidean])
    func distancesWithinOneSetAreSymmetric(device: Device, metric: Metric) throws {
        let x = points(300, 48, seed: 23)
        let given = try tensor(x, on: device)
        let value = try pairwiseDistance(given, given, metric: metric)
        try expectClose(value, expected(metric, x, x), tolerance: 1e-5)
        let numbers = try value.array(of: Float.self)
        #expect(
            (0..<300).allSatisfy { i in numbers[i * 301] == 0 && (0..<i).allSatisfy { numbers[i * 300 + $0] == numbers[$0 * 300 + i] } })
        let both = try gradient(at: given) { try pairwiseDistance($0, $0, metric: metric).sum() }
        let copy = given + 0
        let one = try gradient(at: given) { try pairwiseDistance($0, copy, metric: metric).sum() }
        try expectClose(both, one.array(of: Double.self).map { 2 * $0 }, tolerance: 1e-5)
    }

    @Test(arguments: Device.all, Metric.allCases)
    func leadingAxesBroadcast(device: Device, metric: Metric) throws {
        // So many coordinates are multiplied.
        let d = metric == .squaredEuclidean || metric == .euclidean ? 40 : 3
        let (x, y) = (points(2 * 2 * 17, d, seed: 31), points(2 * 18, d, seed: 32))
        let first = try tensor(x, on: device).reshaped([2, 2, 17, d])
        let second = try tensor(y, on: device).reshaped([2, 18, d])
        var random = SplitMix64(seed: 33)
        let weights = try Tensor(random.values(2 * 2 * 17 * 18, in: 0.5...1.5).map { Float($0) }, shape: [2, 2, 17, 18], on: device)
        let value = try pairwiseDistance(first, second, metric: metric)
        #expect(value.shape == [2, 2, 17, 18])
        let slopes = try gradient(at: [first, second]) { try (pairwiseDistance($0[0], $0[1], metric: metric) * weights).sum() }
        var expectedSecond = try Tensor.zeros([2, 18, d], on: device)
        for i in 0..<2 {
            for j in 0..<2 {
                let (a, b) = (try first.entry(i).entry(j), try second.entry(j))
                let weight = try weights.entry(i).entry(j)
                try expectClose(value.entry(i).entry(j), pairwiseDistance(a, b, metric: metric).array(of: Double.self), tolerance: 2e-6)
                let alone = try gradient(at: [a, b]) { try (pairwiseDistance($0[0], $0[1], metric: metric) * weight).sum() }
                try expectClose(slopes[0].entry(i).entry(j), alone[0].array(of: Double.self), tolerance: 2e-6)
                let place =
                    try Tensor.arange(to: 2, on: device).reshaped([2, 1, 1]) .== Tensor.full([], Double(j), dtype: .int64, on: device)
                expectedSecond = try expectedSecond + Tensor.select(place, alone[1].expandedDimensions(at: 0), .zeros([], on: device))
            }
        }
        try expectClose(slopes[1], expectedSecond.array(of: Double.self), tolerance: 2e-5)
    }

    @Test(arguments: Device.all, [1, 1.5, 2, 3, 40, Double.infinity])
    func minkowskiDistancesAgreeWithTheFormula(device: Device, p: Double) throws {
        let (n, m, d) = (6, 7, 3)
        var (x, y) = (points(n, d, seed: 41), points(m, d, seed: 42))
        for k in 0..<d { y[2, k] = x[1, k] }
        x[0, 0] = 1e12
        func minkowski(_ x: Matrix, _ y: Matrix) -> [Double] {
            (0..<n * m).map { pair in
                let differences = (0..<d).map { abs(x[pair / m, $0] - y[pair % m, $0]) }
                let most = differences.max() ?? 0
                guard most > 0, p.isFinite else { return most }
                return most * pow(differences.reduce(0) { $0 + pow($1 / most, p) }, 1 / p)
            }
        }
        let distances = minkowski(x, y)
        let (a, b) = (try tensor(x, on: device), try tensor(y, on: device))
        expectClose(
            try pairwiseDistance(a, b, p: p).array(of: Double.self), distances, tolerance: 1e-5, scale: distances.map { max(1, $0) })
        x[0, 0] = 1
        var random = SplitMix64(seed: 43)
        let weights = random.values(n * m, in: 0.5...1.5)
        let cotangent = try Tensor(weights.map { Float($0) }, shape: [n, m], on: device)
        let slope = try gradient(at: tensor(x, on: device)) { try (pairwiseDistance($0, b, p: p) * cotangent).sum() }
        let expected = x.values.indices.map { index in
            func moved(_ shift: Double) -> Double {
                var moved = x
                moved.values[index] += shift
                return zip(minkowski(moved, y), weights).reduce(0) { $0 + $1.0 * $1.1 }
            }
            return (moved(1e-6) - moved(-1e-6)) / 2e-6
        }
        // At the pair of equal points central differences give 0 as well.
        try expectClose(slope, expected, tolerance: 2e-5, "p = \(p)")
        #expect(throws: (any Error).self) { try pairwiseDistance(a, b, p: 0.5) }
    }

    @Test(arguments: Device.all)
    func refusesPointsOfDifferentDimension(device: Device) throws {
        let (x, y) = (try tensor(points(2, 3, seed: 1), on: device), try tensor(points(2, 4, seed: 1), on: device))
        let error = TensorError.shapeMismatch(
            operation: "pairwiseDistance", expected: "points [n, d] and [m, d]", actual: [[2, 3], [2, 4]])
        #expect(throws: error) { try pairwiseDistance(x, y) }
    }
}

extension Tensor {
    /// One entry of the first axis.
    fileprivate func entry(_ index: Int) throws -> Tensor { try slice(axis: 0, from: index, to: index + 1).squeezed(axes: [0]) }
}
