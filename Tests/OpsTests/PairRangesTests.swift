import Foundation
import LossKitDevice
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// Reductions over some of the pairs, against loops over these.
@Suite struct PairRangesTests {
    private let n = 41
    private let m = 300
    private let d = 3

    /// Blocks with no, one and several ranges, of lengths that fit no vector, and points in no block.
    private func ranges() throws -> PairRanges {
        try PairRanges(rows: [0..<3, 3..<20, 22..<23, 23..<40], columns: [[5..<6, 20..<290], [], [0..<300], [0..<1, 17..<33, 33..<34]])
    }

    private func pairs(_ ranges: PairRanges) -> [(i: Int, j: Int)] {
        zip(ranges.rows, ranges.columns).flatMap { rows, columns in rows.flatMap { i in columns.joined().map { (i, $0) } } }
    }

    private func drawn(_ n: Int, _ d: Int, seed: UInt64) -> Matrix {
        var random = SplitMix64(seed: seed)
        return Matrix(rows: n, columns: d, values: random.values(n * d).map { Double(Float($0)) })
    }

    private func tensor(_ points: Matrix, on device: Device) throws -> Tensor {
        try Tensor(points.values.map { Float($0) }, shape: points.shape, on: device)
    }

    private func square(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } }

    @Test(arguments: Device.all, Formula.Points.allCases)
    func onlyTheirPairsCount(device: Device, points: Formula.Points) throws {
        let ranges = try ranges()
        let (x, y) = (drawn(n, d, seed: 1), drawn(m, d, seed: 2))
        let formula = Formula.x(try tensor(x, on: device)).squaredDistance(to: .y(try tensor(y, on: device)))
        var values = [[Double]](repeating: [], count: points == .y ? n : m)
        for (i, j) in pairs(ranges) { values[points == .y ? i : j].append(square(x.row(i), y.row(j))) }
        let sums = values.map { $0.reduce(0, +) }
        try expectClose(formula.sum(over: points, within: ranges).array(of: Double.self), sums, tolerance: 1e-5, scale: sums)
        let logarithms = values.map { $0.isEmpty ? -.infinity : log($0.map { exp($0) }.reduce(0, +)) }
        let found = try formula.logSumExp(over: points, within: ranges).array(of: Double.self)
        for (value, expected) in zip(found, logarithms) { #expect(value == expected || abs(value - expected) < 1e-5) }
        // Some x have no y; all y have an x.
        if points == .y { #expect(throws: TensorError.self) { try formula.min(over: points, within: ranges) } }
    }

    @Test(arguments: Device.all)
    func gradientsAgreeWithDifferences(device: Device) throws {
        let ranges = try ranges()
        let (x, y) = (drawn(n, d, seed: 3), drawn(m, d, seed: 4))
        let scale = 0.3
        var random = SplitMix64(seed: 5)
        let weights = random.values(n, in: 0.5...1.5).map { Double(Float($0)) }
        let weighing = try Tensor(weights.map { Float($0) }, on: device)
        let inputs = [try tensor(x, on: device), try tensor(y, on: device), try Tensor([Float(scale)], shape: [], on: device)]
        let slopes = try gradient(at: inputs) {
            try ((Formula.x($0[0]).squaredDistance(to: .y($0[1])) * -.parameter($0[2])).exp().sum(within: ranges) * weighing).sum()
        }
        let pairs = pairs(ranges)
        let (a, b) = (x.values, y.values)
        func total(_ a: [Double], _ b: [Double], _ scale: Double) -> Double {
            pairs.reduce(0) { sum, pair in
                let apart = (0..<d).reduce(0.0) { $0 + pow(a[pair.i * d + $1] - b[pair.j * d + $1], 2) }
                return sum + weights[pair.i] * exp(-apart * scale)
            }
        }
        let tolerance = 2e-5
        try expectClose(slopes[0], centralDifferences(a) { total($0, b, scale) }, tolerance: tolerance)
        try expectClose(slopes[1], centralDifferences(b) { total(a, $0, scale) }, tolerance: tolerance)
        try expectClose(slopes[2], centralDifferences([Double(Float(scale))]) { total(a, b, $0[0]) }, tolerance: 1e-4)
    }

    @Test(arguments: Device.all)
    func raggedBatchesAreThoseOfEach(device: Device) throws {
        let clouds = try PairRanges(batches: [3, 0, 30, 1], [40, 7, 100, 2])
        let (x, y) = (try tensor(drawn(34, 40, seed: 6), on: device), try tensor(drawn(149, 40, seed: 7), on: device))
        let kernel = KernelFunction.gaussian(bandwidth: 3)
        func part(_ points: Tensor, _ range: Range<Int>) throws -> Tensor {
            try points.slice(axis: 0, from: range.lowerBound, to: range.upperBound)
        }
        let together = try kernel(.x(x), .y(y)).sum(within: clouds).array(of: Double.self)
        let nearest = try Formula.x(x).squaredDistance(to: .y(y)).argMin(within: clouds).array(of: Int.self)
        let best = try Formula.x(x).squaredDistance(to: .y(y)).topK(2, largest: false, within: clouds)
        for (rows, columns) in zip(clouds.rows, clouds.columns) where !rows.isEmpty {
            let (own, others) = (Formula.x(try part(x, rows)), Formula.y(try part(y, columns[0])))
            expectClose(Array(together[rows]), try kernel(own, others).sum().array(of: Double.self), tolerance: 1e-6)
            let apart = own.squaredDistance(to: others)
            #expect(try Array(nearest[rows]) == apart.argMin().array(of: Int.self).map { $0 + columns[0].lowerBound })
            let places = try part(best.indices, rows).array(of: Int.self)
            #expect(try places == apart.topK(2, largest: false).indices.array(of: Int.self).map { $0 + columns[0].lowerBound })
        }
    }

    @Test func badRangesAreNamed() throws {
        let formula = Formula.x(try .ones([3, 1])).dot(.y(try .ones([5, 1])))
        expectRefusals([
            ("PairRanges", { try PairRanges(rows: [0..<2, 1..<3], columns: [[], []]) }),
            ("PairRanges", { try PairRanges(rows: [0..<2], columns: [[3..<4, 0..<2]]) }),
            ("PairRanges", { try PairRanges(rows: [0..<2], columns: []) }),
            ("PairRanges", { try PairRanges(batches: [1, 2], [3]) }),
            ("PairRanges", { try formula.sum(within: PairRanges(rows: [0..<4], columns: [[0..<5]])) }),
            ("PairRanges", { try formula.sum(within: PairRanges(rows: [0..<3], columns: [[0..<6]])) }),
            ("from 0 and -2", { try formula.sum(within: PairRanges(rows: [0..<3], columns: [[-2..<5]])) }),
            ("from -1 and 0", { try formula.sum(within: PairRanges(rows: [-1..<3], columns: [[0..<5]])) }),
            ("fewer than 2^63", { try PairRanges(batches: [1, .max], [3, 4]) }),
            ("Formula.max", { try formula.max(within: PairRanges(rows: [0..<2], columns: [[0..<5]])) }),
        ])
    }
}
