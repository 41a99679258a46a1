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

    /// Of the matrix of ten thousand points against as many, on two threads; each has blocks of columns of its own.
    @Test func manyCoordinatesHoldLessThanAHundredthOfALargeMatrix() throws {
        let matrix = 4 * 10_000 * 10_000
        for d in [64, 128] {
            let (x, y) = (try drawn(40, d, seed: 1, on: .cpu), try drawn(10_000, d, seed: 2, on: .cpu))
            for bytes in [try extra(x, y) { try $0.exp().sum() }, try extra(x, y) { try $0.logSumExp() }] {
                #expect(bytes * 2 < matrix / 100 * Swift.max(2, Device.cpu.computeUnits))
            }
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
}
