import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// Tuning changes how fast kernels are and nothing else.
@Suite struct KernelTunerTests {
    private static let devices = Device.all.filter(\.isOpenCL)

    /// Odd sizes, so that the last tile, group and block are not full.
    private func results(on device: Device) throws -> [[Double]] {
        var random = SplitMix64(seed: 11)
        let logits = try Tensor(random.values(77 * 1003, in: -4...4).map { Float($0) }, shape: [77, 1003], on: device)
        let labels = try Tensor((0..<77).map { $0 * 131 % 1003 }, on: device)
        let x = try Tensor(random.values(301 * 3, in: -1...1).map { Float($0) }, shape: [301, 3], on: device)
        let y = try Tensor(random.values(203 * 3, in: -1...1).map { Float($0) }, shape: [203, 3], on: device)
        let weights = try Tensor(random.values(301, in: 0.5...1.5).map { Float($0) }, on: device)
        let rows = try valueWithGradient(at: logits) { logits in
            try rowCrossEntropy(logits: logits, targets: .labels(labels, ignored: -100)).loss.sum()
        }
        let sums = try gradient(at: [x, y]) { points in
            let exponent = Formula.x(points[0]).squaredDistance(to: .y(points[1])) * -0.5
            return try (exponent.exp().sum() * weights + exponent.logSumExp()).sum()
        }
        let product = try Tensor.zeros([301, 203], on: device).evaluated()
        try Matmul(batch: 1, m: 301, n: 203, k: 3, isDouble: false).run(
            MatrixOperand(slice: x.slice(), rowStride: 3, columnStride: 1, batchStride: 0),
            MatrixOperand(slice: y.slice(), rowStride: 1, columnStride: 3, batchStride: 0), into: product.output(), on: device, by: .kernel)
        let softmax = try logits.softmax(axis: 1)
        return try [rows.value, rows.gradient, sums[0], sums[1], product, softmax].map { try $0.array(of: Double.self) }
    }

    @Test(arguments: devices) func everyAllowedValueGivesTheSameResults(device: Device) throws {
        let expected = try results(on: .cpu)
        let traits = try #require(device.traits)
        var tried = 0
        for tunable in Tunable.allCases {
            for value in tunable.allowed(on: traits) {
                let actual = try Tuning.$trial.withValue(Tuning(tunable, value)) { try results(on: device) }
                for (part, (actual, expected)) in zip(actual, expected).enumerated() {
                    try #require(actual.count == expected.count)
                    let largest = expected.map(abs).max() ?? 1
                    expectClose(
                        actual, expected, tolerance: 1e-5, scale: expected.map { _ in largest }, "\(tunable) \(value) part \(part)")
                }
                tried += 1
            }
        }
        #expect(tried > 3)
    }

    @Test(arguments: devices) func findsValuesThatAreAllowed(device: Device) throws {
        let tuner = KernelTuner(device: device, rounds: 1, share: 32)
        var told: [Tunable?] = []
        let (tuning, findings) = try tuner.run { told.append($1) }
        #expect(findings.map(\.tunable) == tuner.tunables && told == tuner.tunables + [nil])
        let traits = try #require(device.traits)
        for finding in findings {
            #expect(finding.before == device.tuned(finding.tunable) && finding.tunable.allowed(on: traits).contains(finding.after))
            #expect(finding.secondsBefore > 0 && finding.secondsAfter > 0)
            #expect(tuning[finding.tunable] ?? finding.before == finding.after)
            #expect(finding.after == finding.before ? finding.gain == 1 : finding.gain > 1)
        }
    }

    @Test func theCPUHasNothingToTune() throws {
        #expect(KernelTuner(device: .cpu).tunables.isEmpty)
        #expect(try KernelTuner(device: .cpu).run { _, _ in }.findings.isEmpty)
    }
}
