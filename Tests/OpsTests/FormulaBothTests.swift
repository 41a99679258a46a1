import Foundation
import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// Gradients of both sets of points from one look at each pair.
@Suite struct FormulaBothTests {
    private func tensors(_ clouds: PairedClouds, _ dtype: DType = .float32, on device: Device) throws -> [Tensor] {
        let d = clouds.x[0].count
        return try [
            Tensor(clouds.x.flatMap { $0 }, shape: [clouds.x.count, d], on: device).asType(dtype),
            Tensor(clouds.y.flatMap { $0 }, shape: [clouds.y.count, d], on: device).asType(dtype),
            Tensor(clouds.weights, shape: [clouds.weights.count], on: device).asType(dtype),
        ].map { try $0.evaluated() }
    }

    /// Several blocks of rows and of columns, the last of each not full; the last size in more than one stretch of columns.
    @Test(arguments: Device.all, [(300, 700, 40), (129, 257, 33), (2, 3, 64), (130, 9900, 40)])
    func gradientsOfWeightedLogSumExpAgreeWithTheFormula(device: Device, size: (Int, Int, Int)) throws {
        let clouds = PairedClouds(size.0, size.1, size.2)
        let scale = 0.7 / Double(size.2)
        let slopes = try gradient(at: tensors(clouds, on: device)) {
            try (Formula.x($0[0]).squaredDistance(to: .y($0[1])) * -scale).logSumExp(weights: .y($0[2])).sum()
        }
        let expected = clouds.slopesOfLogSumExp(scale: scale)
        for part in 0..<3 {
            expectClose(
                try slopes[part].array(of: Double.self), expected.values[part], tolerance: 4e-6, scale: expected.scales[part], "\(part)")
        }
    }

    /// Each side alone is reduced by itself, and must give the same.
    @Test(arguments: Device.all)
    func bothAgreeWithEachAlone(device: Device) throws {
        guard device.hasFloat64 else { return }
        let tensors = try tensors(PairedClouds(200, 600, 50), .float64, on: device)
        let kernels: [(String, (Formula, Formula) -> Formula)] = [
            ("Gaussian", { ($0.squaredDistance(to: $1) * -0.02).exp() }), ("hinge", { (1 - $0.dot($1)).relu() }),
            ("energy", { -$0.distance(to: $1) }), ("scaled", { $0.dot($1).tanh() * $1 }),
        ]
        for (name, kernel) in kernels {
            func slopes(_ isAsked: [Bool]) throws -> [Tensor] {
                try gradient(at: zip(tensors, isAsked).filter { $1 }.map { $0.0 }) { asked in
                    let x = isAsked[0] ? asked[0] : tensors[0]
                    return try kernel(.x(x), .y(isAsked[1] ? asked[asked.count - 1] : tensors[1])).sum().square().sum()
                }
            }
            let both = try slopes([true, true])
            for (side, alone) in [try slopes([true, false])[0], try slopes([false, true])[0]].enumerated() {
                let expected = try alone.array(of: Double.self)
                let scale = expected.reduce(0) { Swift.max($0, abs($1)) }
                expectClose(
                    try both[side].array(of: Double.self), expected, tolerance: 1e-12, scale: expected.map { _ in scale }, "\(name) \(side)")
            }
        }
    }

    @Test func oneLookAtThePairsServesBothOnTheCPU() throws {
        let tensors = try tensors(PairedClouds(300, 400, 40), on: .cpu)
        func launches(_ sides: Range<Int>) throws -> Int {
            try Profiler.measure {
                for slope in try gradient(at: Array(tensors[sides]), of: { asked in
                    let (x, y) = (sides.contains(0) ? asked[0] : tensors[0], sides.contains(1) ? asked[asked.count - 1] : tensors[1])
                    return try (Formula.x(x).squaredDistance(to: .y(y)) * -0.02).logSumExp().sum()
                }) { _ = try slope.evaluated() }
            }.1.launches
        }
        let (both, first, second) = (try launches(0..<2), try launches(0..<1), try launches(1..<2))
        #expect(both == first)
        #expect(both == second)
    }

    private static func printBits() throws {
        var random = Philox(seed: 8)
        let points = try [[700, 96], [5000, 96]].map { try Tensor.uniform($0, low: -1, high: 1, using: &random, on: .cpu) }
        let slopes = try gradient(at: points) {
            try (Formula.x($0[0]).squaredDistance(to: .y($0[1])) * -0.02).logSumExp().sum()
        }
        for (side, slope) in slopes.enumerated() {
            PrintedBits.print("side \(side)", try slope.array(of: Float.self).map(\.bitPattern))
        }
    }

    /// How many threads work is chosen once a process, so each number of them runs in its own.
    @Test func threadsDoNotChangeABit() async throws {
        let one = try await #require(processExitsWith: .success, observing: [\.standardOutputContent]) {
            setenv("LOSSKIT_THREADS", "1", 1)
            try Self.printBits()
        }
        let many = try await #require(processExitsWith: .success, observing: [\.standardOutputContent]) {
            setenv("LOSSKIT_THREADS", "5", 1)
            try Self.printBits()
        }
        let (first, second) = (PrintedBits.lines(one.standardOutputContent), PrintedBits.lines(many.standardOutputContent))
        #expect(first.count == 2)
        #expect(first == second)
    }
}
