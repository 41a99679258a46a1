import Foundation
import LossKitDevice
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// Formulas written out for all pairs, coordinates and metrics.
@Suite struct FormulaMatrixTests {
    @Test(arguments: Device.all, FormulaCase.scalars)
    func matricesAgreeWithTheFunction(device: Device, formulaCase: FormulaCase) throws {
        for (n, m, d) in [(1, 1, 2), (7, 9, 3), (4, 5, 40)] {
            let sample = FormulaSample(n: n, m: m, d: d)
            let matrix = try formulaCase.formula(FormulaSample.inputs(sample.tensors(on: device))).matrix()
            #expect(matrix.shape == [n, m])
            let expected = (0..<n).flatMap { sample.values(formulaCase, $0).map { $0[0] } }
            expectClose(
                try matrix.array(of: Double.self), expected, tolerance: 4e-6 * max(1, Double(d) / 16),
                scale: expected.map { max(abs($0), 1) }, "\(n) \(m) \(d)")
        }
    }

    @Test(arguments: Device.all, FormulaCase.scalars)
    func gradientsAgreeWithDifferencesOfTheFunction(device: Device, formulaCase: FormulaCase) throws {
        let sample = FormulaSample(n: 4, m: 3, d: 3, seed: 3)
        var random = SplitMix64(seed: 5)
        let weights = random.values(12, in: 0.5...1.5).map { Double(Float($0)) }
        let gradients = try gradient(at: sample.tensors(on: device)) { tensors in
            let matrix = try formulaCase.formula(FormulaSample.inputs(tensors)).matrix()
            return try (matrix * Tensor(weights.map { Float($0) }, shape: [4, 3], on: device)).sum()
        }
        let expected = sample.differences { sample in
            (0..<4).reduce(0) { total, i in
                sample.values(formulaCase, i).enumerated().reduce(total) { $0 + $1.element[0] * weights[3 * i + $1.offset] }
            }
        }
        for (part, (actual, expected)) in zip(gradients, expected).enumerated() {
            try expectClose(actual, expected, tolerance: 2e-5, "part \(part)")
        }
    }

    /// Doubles stay doubles.
    @Test func matricesOfDoublesAreInDoubles() throws {
        let (x, y) = (try Tensor([1e8, 2] as [Double], shape: [2, 1], on: .cpu), try Tensor([1e8 + 1] as [Double], shape: [1, 1], on: .cpu))
        let squares = try Formula.x(x).squaredDistance(to: .y(y)).matrix()
        #expect(try squares.dtype == .float64 && squares.array(of: Double.self) == [1, (1e8 - 1) * (1e8 - 1)])
    }

    @Test(arguments: Device.all, Metric.allCases)
    func metricsAreThoseOfPairwiseDistance(device: Device, metric: Metric) throws {
        for d in [1, 2, 40] {
            let sample = FormulaSample(n: 6, m: 5, d: d, seed: 11)
            let points = try Array(sample.tensors(on: device).prefix(2))
            var random = SplitMix64(seed: 12)
            let weights = try Tensor(random.values(30).map { Float($0) }, shape: [6, 5], on: device)
            func both(_ matrix: @escaping @Sendable ([Tensor]) throws -> Tensor) throws -> [[Double]] {
                let slopes = try gradient(at: points) { try (matrix($0) * weights).sum() }
                return try [matrix(points).array(of: Double.self)] + slopes.map { try $0.array(of: Double.self) }
            }
            let expected = try both { try pairwiseDistance($0[0], $0[1], metric: metric) }
            let written = try both { try Formula.x($0[0]).distance(to: .y($0[1]), metric: metric).matrix() }
            let rounding = max(1, Double(d) / 16)
            for (found, expected) in zip(written, expected) { expectClose(found, expected, tolerance: 3e-6 * rounding, "\(metric), \(d)") }
            let rows = try Formula.x(points[0]).distance(to: .y(points[1]), metric: metric).sum(over: .y)
            let sums = stride(from: 0, to: 30, by: 5).map { expected[0][$0..<$0 + 5].reduce(0, +) }
            try expectClose(rows, sums, tolerance: 5e-6 * rounding, "\(metric), \(d)")
        }
    }

    @Test func coordinatesAreThoseOfTheirParts() throws {
        let (x, y) = (try Tensor([1, 2, 3] as [Float], shape: [1, 3], on: .cpu), try Tensor([5, 7, 11] as [Float], shape: [1, 3], on: .cpu))
        let (a, b) = (Formula.x(x), Formula.y(y))
        #expect(try ((a * b) + a.dot(b)).coordinate(1).matrix().array(of: Float.self) == [14 + 52])
        #expect(try (a.coordinate(2) * b.coordinate(0)).matrix().array(of: Float.self) == [15])
        for index in [-1, 3] {
            #expect(throws: TensorError.self) { try (a.coordinate(index) * b.coordinate(0)).matrix() }
        }
        #expect(throws: TensorError.self) { try (a - b).matrix() }
        #expect(throws: TensorError.self) { try a.norm().matrix() }
    }
}
