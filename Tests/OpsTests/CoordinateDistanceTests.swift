import Foundation
import LossKitDevice
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// Distances by coordinates, on curved surfaces and of Mahalanobis against their formulas in doubles.
@Suite struct CoordinateDistanceTests {
    /// A distance under test: how points are drawn, the library's function, and the formula.
    struct Given: Sendable, CustomTestStringConvertible {
        var name: String
        var d: Int
        var draw: @Sendable (_ d: Int, inout SplitMix64) -> [Double]
        var distance: @Sendable (Tensor, Tensor) throws -> Tensor
        var formula: @Sendable ([Double], [Double]) -> Double
        var isSymmetric = true
        var testDescription: String { name }
    }

    private static func signed(_ d: Int, _ random: inout SplitMix64) -> [Double] { random.values(d, in: -2...2) }
    private static func positive(_ d: Int, _ random: inout SplitMix64) -> [Double] { random.values(d, in: 0.1...1) }
    private static func unit(_ d: Int, _ random: inout SplitMix64) -> [Double] {
        let point = random.values(d, in: -1...1)
        return point.map { $0 / sqrt(point.reduce(0) { $0 + $1 * $1 }) }
    }

    private static func square(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } }

    private static let precision: [Double] = [2, 0.5, 0.1, 0.5, 1, -0.2, 0.1, -0.2, 1.5]
    private static func relativeEntropy(_ a: [Double], _ b: [Double]) -> Double {
        zip(a, b).reduce(0) { $0 + ($1.0 > 0 ? $1.0 * log($1.0 / $1.1) : 0) }
    }

    static let all: [Given] = [
        Given(
            name: "canberra", d: 5, draw: signed, distance: { try pairwiseDistance($0, $1, metric: .canberra) },
            formula: { zip($0, $1).reduce(0) { $0 + ($1.0 == $1.1 ? 0 : abs($1.0 - $1.1) / (abs($1.0) + abs($1.1))) } }),
        Given(
            name: "brayCurtis", d: 5, draw: signed, distance: { try pairwiseDistance($0, $1, metric: .brayCurtis) },
            formula: { zip($0, $1).reduce(0) { $0 + abs($1.0 - $1.1) } / zip($0, $1).reduce(0) { $0 + abs($1.0 + $1.1) } }),
        Given(
            name: "hamming", d: 5, draw: { d, random in (0..<d).map { _ in Double(Int.random(in: 0...2, using: &random)) } },
            distance: { try pairwiseDistance($0, $1, metric: .hamming) },
            formula: { a, b in Double(zip(a, b).count { $0 != $1 }) / Double(a.count) }),
        Given(
            name: "jensenShannon", d: 6, draw: positive, distance: { try pairwiseDistance($0, $1, metric: .jensenShannon) },
            formula: { x, y in
                let (p, q) = (x.reduce(0, +), y.reduce(0, +))
                let (a, b) = (x.map { $0 / p }, y.map { $0 / q })
                let middle = zip(a, b).map { ($0 + $1) / 2 }
                return sqrt((relativeEntropy(a, middle) + relativeEntropy(b, middle)) / 2)
            }),
        Given(
            name: "kullbackLeibler", d: 6, draw: positive, distance: { try pairwiseDistance($0, $1, metric: .kullbackLeibler) },
            formula: relativeEntropy, isSymmetric: false),
        Given(
            name: "poincare", d: 3, draw: { $1.values($0, in: -0.5...0.5) },
            distance: { try pairwiseDistance($0, $1, metric: .poincare) }, formula: hyperbolic),
        Given(
            name: "spherical", d: 3, draw: unit, distance: { try pairwiseDistance($0, $1, metric: .spherical) },
            formula: { a, b in 2 * atan2(sqrt(square(a, b)), sqrt(4 - square(a, b))) }),
        Given(
            name: "haversine", d: 2, draw: { $1.values($0, in: -1.4...1.4) },
            distance: { try pairwiseDistance($0, $1, metric: .haversine) },
            formula: { a, b in 2 * asin(sqrt(square(vector(a), vector(b))) / 2) }),
        Given(
            name: "mahalanobis", d: 3, draw: signed,
            distance: { try pairwiseDistance($0, $1, precision: Tensor(precision.map { Float($0) }, shape: [3, 3], on: $0.device)) },
            formula: form),
    ]

    private static func hyperbolic(_ a: [Double], _ b: [Double]) -> Double {
        let origin = [Double](repeating: 0, count: a.count)
        let room = (1 - square(a, origin)) * (1 - square(b, origin))
        return acosh(1 + 2 * square(a, b) / room)
    }

    /// The place of a latitude and a longitude on the sphere.
    private static func vector(_ place: [Double]) -> [Double] {
        [cos(place[0]) * cos(place[1]), cos(place[0]) * sin(place[1]), sin(place[0])]
    }

    private static func form(_ a: [Double], _ b: [Double]) -> Double {
        let u = zip(a, b).map { $0 - $1 }
        var sum = 0.0
        for i in 0..<3 {
            for j in 0..<3 { sum += u[i] * precision[3 * i + j] * u[j] }
        }
        return sqrt(sum)
    }

    private func points(_ given: Given, _ n: Int, seed: UInt64) -> Matrix {
        var random = SplitMix64(seed: seed)
        let values = (0..<n).flatMap { _ in given.draw(given.d, &random) }
        return Matrix(rows: n, columns: given.d, values: values.map { Double(Float($0)) })
    }

    private func tensor(_ points: Matrix, on device: Device) throws -> Tensor {
        try Tensor(points.values.map { Float($0) }, shape: points.shape, on: device)
    }

    private func expected(_ given: Given, _ x: Matrix, _ y: Matrix) -> [Double] {
        (0..<x.rows).flatMap { i in (0..<y.rows).map { given.formula(x.row(i), y.row($0)) } }
    }

    @Test(arguments: Device.all, all)
    func agreesWithTheFormula(device: Device, given: Given) throws {
        for (n, m) in [(1, 1), (7, 13), (33, 18), (0, 3)] {
            let (x, y) = (points(given, n, seed: 1), points(given, m, seed: 2))
            let value = try given.distance(tensor(x, on: device), tensor(y, on: device))
            #expect(value.shape == [n, m])
            try expectClose(value, expected(given, x, y), tolerance: 3e-6, given.name)
        }
        let (x, y) = (points(given, 6, seed: 3), points(given, 4, seed: 4))
        let batched = try given.distance(
            tensor(x, on: device).reshaped([2, 3, given.d]), tensor(y, on: device).reshaped([1, 4, given.d]))
        #expect(batched.shape == [2, 3, 4])
        try expectClose(batched, expected(given, x, y), tolerance: 3e-6, given.name)
    }

    @Test(arguments: Device.all, all.filter { $0.name != "hamming" })
    func gradientsAgreeWithDifferencesOfTheFormula(device: Device, given: Given) throws {
        let (n, m) = (4, 19)
        let (x, y) = (points(given, n, seed: 5), points(given, m, seed: 6))
        var random = SplitMix64(seed: 7)
        let weights = random.values(n * m, in: 0.5...1.5).map { Double(Float($0)) }
        let weighing = try Tensor(weights.map { Float($0) }, shape: [n, m], on: device)
        let slopes = try gradient(at: [tensor(x, on: device), tensor(y, on: device)]) {
            try (given.distance($0[0], $0[1]) * weighing).sum()
        }
        func total(_ x: Matrix, _ y: Matrix) -> Double { zip(expected(given, x, y), weights).reduce(0) { $0 + $1.0 * $1.1 } }
        let differences = centralDifferences(x.values + y.values) {
            let values = ($0[..<x.values.count], $0[x.values.count...])
            return total(
                Matrix(rows: n, columns: given.d, values: Array(values.0)), Matrix(rows: m, columns: given.d, values: Array(values.1)))
        }
        for (slope, part) in zip(slopes, [differences[..<x.values.count], differences[x.values.count...]]) {
            try expectClose(slope, Array(part), tolerance: 2e-5, given.name)
        }
    }

    @Test(arguments: Device.all, all)
    func equalPointsAreAtZeroWithoutAGradient(device: Device, given: Given) throws {
        let x = try tensor(points(given, 3, seed: 8), on: device)
        let row = try x.slice(axis: 0, from: 1, to: 2)
        let (value, slope) = try valueWithGradient(at: row) { try given.distance($0, row).sum() }
        #expect(abs(try value.scalar()) < 1e-6)
        guard given.isSymmetric else { return }
        #expect(try slope.array(of: Float.self).allSatisfy { $0 == 0 })
    }

    @Test(arguments: Device.all)
    func shortHyperbolicAndSphericalDistancesKeepTheirDigits(device: Device) throws {
        let a = try Tensor([0.3, 0.4] as [Float], shape: [1, 2], on: device)
        let b = try Tensor([0.3 + 0x1p-18, 0.4] as [Float], shape: [1, 2], on: device)
        let step = Double(Float(0.3 + 0x1p-18)) - Double(Float(0.3))
        let place = try pairwiseDistance(a, b, metric: .haversine).scalar()
        #expect(abs(place - step) < 1e-3 * step)
        let square = Double(Float(0.3)) * Double(Float(0.3)) + Double(Float(0.4)) * Double(Float(0.4))
        let expected = 2 * step / (1 - square)
        #expect(abs(try pairwiseDistance(a, b, metric: .poincare).scalar() - expected) < 1e-3 * expected)
    }

    @Test(arguments: Device.all)
    func lorentzPointsAreAsFarAsThoseOfTheBall(device: Device) throws {
        var random = SplitMix64(seed: 9)
        let ball = Matrix(rows: 6, columns: 2, values: random.values(12, in: -0.6...0.6))
        // The sheet's point of one in the ball: (1 + r, 2 x) / (1 - r), r its squared length.
        let sheet = (0..<6).flatMap { i in
            let r = ball.row(i).reduce(0) { $0 + $1 * $1 }
            return [(1 + r) / (1 - r)] + ball.row(i).map { 2 * $0 / (1 - r) }
        }
        let x = try Tensor(sheet.map { Float($0) }, shape: [6, 3], on: device)
        let distances = try pairwiseDistance(x, x, metric: .lorentz)
        let others = try pairwiseDistance(tensor(ball, on: device), tensor(ball, on: device), metric: .poincare)
        try expectClose(distances, others.array(of: Double.self), tolerance: 5e-6)
        let slope = try gradient(at: x) { try (pairwiseDistance($0, x, metric: .lorentz) * others).sum() }
        #expect(try slope.array(of: Float.self).allSatisfy { $0.isFinite })
    }

    @Test(arguments: Device.all)
    func edgesAreDefined(device: Device) throws {
        let zeros = try Tensor([0, 0, 1, 0] as [Float], shape: [2, 2], on: device)
        #expect(try pairwiseDistance(zeros, zeros, metric: .canberra).array(of: Float.self) == [0, 1, 1, 0])
        #expect(try pairwiseDistance(zeros, zeros, metric: .brayCurtis).array(of: Float.self) == [0, 1, 1, 0])
        #expect(try pairwiseDistance(zeros, zeros, metric: .kullbackLeibler).array(of: Float.self) == [0, 0, .infinity, 0])
        let outside = try Tensor([2, 0] as [Float], shape: [1, 2], on: device)
        #expect(try pairwiseDistance(outside, zeros, metric: .poincare).array(of: Float.self).allSatisfy(\.isNaN))
        let opposite = try Tensor([1, 0, -1, 0] as [Float], shape: [2, 2], on: device)
        let (half, slope) = try valueWithGradient(at: opposite) { try pairwiseDistance($0, $0, metric: .spherical).max() }
        #expect(abs(try half.scalar() - .pi) < 1e-6)
        #expect(try slope.array(of: Float.self).allSatisfy { $0 == 0 })
        for metric in CoordinateMetric.allCases {
            let broken = try Tensor([Float.nan, 1], shape: [1, 2], on: device)
            #expect(try pairwiseDistance(broken, zeros, metric: metric).array(of: Float.self).allSatisfy(\.isNaN), "\(metric)")
        }
    }

    @Test(arguments: Device.all)
    func badInputIsNamed(device: Device) throws {
        let (x, y) = (try Tensor.ones([3, 2], on: device), try Tensor.ones([3, 4], on: device))
        let broken = try Tensor.ones([2, 2], dtype: .int32, on: device)
        expectRefusals([
            ("points [n, d] and [m, d]", { try pairwiseDistance(x, y, metric: .canberra) }),
            ("points [n, d] and [m, d]", { try pairwiseDistance(x, y, metric: .poincare) }),
            ("points [n, d] and [m, d]", { try pairwiseDistance(x, y, precision: x) }),
            ("floating-point", { try pairwiseDistance(broken, broken, metric: .hamming) }),
            ("latitudes", { try pairwiseDistance(y, y, metric: .haversine) }),
            ("positive", { try pairwiseDistance(x, x, precision: Tensor([1, 1, 1, 1] as [Float], shape: [2, 2], on: device)) }),
            ("a precision [2, 2]", { try pairwiseDistance(x, x, precision: y) }),
        ])
        #expect(throws: TensorError.notDifferentiable(operation: "pairwiseDistance", order: 2)) {
            try gradient(at: x) { x in try gradient(at: x) { try pairwiseDistance($0, $0 * 2, metric: .canberra).sum() }.sum() }
        }
    }
}
