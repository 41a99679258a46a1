import Foundation
import LossKitDevice
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// What reductions of formulas hold beside their inputs, outputs and gradients.
@Suite struct FormulaCostTests {
    private func drawn(_ n: Int, _ d: Int, seed: UInt64, on device: Device) throws -> Tensor {
        var random = SplitMix64(seed: seed)
        return try Tensor(random.values(n * d).map { Float($0) }, shape: [n, d], on: device)
    }

    /// The most bytes held beyond the inputs, forward and backward, less those of the value's rows and the gradients.
    private func extra(_ x: Tensor, _ y: Tensor, _ reduce: (Formula) throws -> Tensor) throws -> Int {
        try Profiler.measure {
            let slopes = try gradient(at: [x, y]) { try reduce(Formula.x($0[0]).squaredDistance(to: .y($0[1])) * -0.5).sum() }
            for slope in slopes { _ = try slope.evaluated() }
        }.1.peakBytes - 4 * (x.count + y.count + x.shape[0])
    }

    /// Nothing depends on how many pairs there are: a hundredth of the matrix is enough, with room for every thread's blocks of columns.
    @Test func reductionsHoldLessThanAHundredthOfTheMatrix() throws {
        let (n, matrix) = (4000, 4 * 4000 * 4000)
        let (x, y) = (try drawn(n, 1, seed: 1, on: .cpu), try drawn(n, 1, seed: 2, on: .cpu))
        #expect(try extra(x, y) { try $0.exp().sum() } < matrix / 100)
        #expect(try extra(x, y) { try $0.logSumExp() } < matrix / 100)
    }

    /// Ten thousand points against as many, on two threads; each has blocks of columns of its own.
    @Test(arguments: [3, 64, 128])
    func manyCoordinatesHoldLessThanAHundredthOfALargeMatrix(d: Int) throws {
        let (n, matrix) = (10_000, 4 * 10_000 * 10_000)
        let (x, y) = (try drawn(n, d, seed: 1, on: .cpu), try drawn(n, d, seed: 2, on: .cpu))
        for bytes in [try extra(x, y) { try ($0 * (1 / Double(d))).exp().sum() }, try extra(x, y) { try $0.logSumExp() }] {
            #expect(bytes * 2 < matrix / 100 * Swift.max(2, Device.cpu.computeUnits))
        }
    }

    @Test(arguments: Device.all)
    func memoryDoesNotGrowWithThePairs(device: Device) throws {
        let few = try drawn(10, 3, seed: 1, on: device)
        func peak(_ m: Int) throws -> Int {
            let many = try drawn(m, 3, seed: 2, on: device)
            return try Profiler.measure {
                _ = try Formula.x(few).squaredDistance(to: .y(many)).min().evaluated()
                _ = try kernelProduct(.gaussian(bandwidth: 1), few, many, many).evaluated()
            }.1.peakBytes
        }
        #expect(try peak(100_000) == peak(1000))
    }

    /// The matrix would take 4 GB; each side is reduced once, and differentiated.
    @Test func aMillionPointsAgainstAThousandTakeTheMemoryOfThePoints() throws {
        let (n, m, d) = (1_000_000, 1000, 3)
        var random = Philox(seed: 3)
        let x = try Tensor.uniform([n, d], low: -1, high: 1, using: &random, on: .cpu)
        let y = try Tensor.uniform([m, d], low: -1, high: 1, using: &random, on: .cpu)
        let (found, cost) = try Profiler.measure {
            let exponents = Formula.x(x).squaredDistance(to: .y(y)) * .constant(-0.5)
            let (totals, slope) = try valueWithGradient(at: x) { x in
                try (Formula.x(x).squaredDistance(to: .y(y)) * .constant(-0.5)).logSumExp().mean()
            }
            return try (totals: totals.evaluated(), slope: slope.evaluated(), sums: exponents.exp().sum(over: .x).evaluated())
        }
        // Values, their cotangents and the gradient, and a thread's blocks.
        #expect(cost.peakBytes < 4 * n * (d + 5) + 8 << 20)
        let (points, others) = (try x.array(of: Float.self), try y.array(of: Float.self))
        func square(_ i: Int, _ j: Int) -> Double {
            (0..<d).reduce(0) { $0 + pow(Double(points[i * d + $1]) - Double(others[j * d + $1]), 2) }
        }
        let sums = try found.sums.array(of: Double.self)
        for j in [0, 999] {
            let expected = (0..<n).reduce(0) { $0 + exp(-0.5 * square($1, j)) }
            #expect(abs(sums[j] - expected) < 1e-5 * expected)
        }
        let slopes = try found.slope.array(of: Double.self)
        for i in [0, 500_000, n - 1] {
            let weights = (0..<m).map { exp(-0.5 * square(i, $0)) }
            let total = weights.reduce(0, +)
            for axis in 0..<d {
                let pull = (0..<m).reduce(0) { $0 + weights[$1] * (Double(others[$1 * d + axis]) - Double(points[i * d + axis])) }
                #expect(abs(slopes[i * d + axis] * Double(n) - pull / total) < 1e-5)
            }
        }
        #expect(try found.totals.scalar().isFinite)
    }
}
