import Foundation
import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// Gradients of both sets of points from one look at each pair.
@Suite struct FormulaBothTests {
    /// Points [n, d], every third of y within 1e-3 of one of x, so that products alone would lose their differences.
    private struct Clouds {
        let x, y: [[Double]]
        let weights: [Double]

        init(_ n: Int, _ m: Int, _ d: Int) {
            var random = SplitMix64(seed: 31)
            func points(_ count: Int) -> [[Double]] { (0..<count).map { _ in random.values(d).map { Double(Float($0)) } } }
            let x = points(n)
            self.x = x
            y = points(m).enumerated().map { j, point in
                j % 3 > 0 ? point : zip(x[j % n], point).map { Double(Float($0 + 1e-3 * $1)) }
            }
            weights = random.values(m, in: 0.5...1.5).map { Double(Float($0)) }
        }

        func tensors(_ dtype: DType, on device: Device) throws -> [Tensor] {
            let d = x[0].count
            return try [
                Tensor(x.flatMap { $0 }, shape: [x.count, d], on: device).asType(dtype),
                Tensor(y.flatMap { $0 }, shape: [y.count, d], on: device).asType(dtype),
                Tensor(weights, shape: [weights.count], on: device).asType(dtype),
            ]
        }

        /// From the derivative of a function with respect to each squared distance the points' gradients, and the sums of their
        /// terms' magnitudes.
        func gradients(_ slope: (_ i: Int, _ j: Int) -> Double) -> (values: [[Double]], scales: [[Double]]) {
            let d = x[0].count
            var values = [[Double](repeating: 0, count: x.count * d), [Double](repeating: 0, count: y.count * d)]
            var scales = values.map { $0.map { _ in 1e-6 } }
            for i in x.indices {
                for j in y.indices {
                    let weight = 2 * slope(i, j)
                    for k in 0..<d {
                        let term = weight * (x[i][k] - y[j][k])
                        values[0][i * d + k] += term
                        values[1][j * d + k] -= term
                        scales[0][i * d + k] += abs(term)
                        scales[1][j * d + k] += abs(term)
                    }
                }
            }
            return (values, scales)
        }

        func square(_ i: Int, _ j: Int) -> Double { zip(x[i], y[j]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } }
    }

    /// Several blocks of rows and of columns, the last of each not full; the last size in more than one stretch of columns.
    @Test(arguments: Device.all, [(300, 700, 40), (129, 257, 33), (2, 3, 64), (130, 9900, 40)])
    func gradientsOfWeightedLogSumExpAgreeWithTheFormula(device: Device, size: (Int, Int, Int)) throws {
        let clouds = Clouds(size.0, size.1, size.2)
        let scale = 0.7 / Double(size.2)
        let slopes = try gradient(at: clouds.tensors(.float32, on: device)) {
            try (Formula.x($0[0]).squaredDistance(to: .y($0[1])) * -scale).logSumExp(weights: .y($0[2])).sum()
        }
        var shares = clouds.x.indices.map { i in
            clouds.y.indices.map { clouds.weights[$0] * exp(-scale * clouds.square(i, $0)) }
        }
        for i in shares.indices {
            let total = shares[i].reduce(0, +)
            for j in shares[i].indices { shares[i][j] /= total }
        }
        let expected = clouds.gradients { -scale * shares[$0][$1] }
        for side in 0..<2 {
            expectClose(
                try slopes[side].array(of: Double.self), expected.values[side], tolerance: 4e-6, scale: expected.scales[side], "\(side)")
        }
        let weighing = clouds.y.indices.map { j in shares.reduce(0) { $0 + $1[j] } / clouds.weights[j] }
        expectClose(try slopes[2].array(of: Double.self), weighing, tolerance: 4e-6, scale: weighing)
    }

    /// Each side alone is reduced by itself, and must give the same.
    @Test(arguments: Device.all, [DType.float32, .float64])
    func bothAgreeWithEachAlone(device: Device, dtype: DType) throws {
        guard dtype != .float64 || device.hasFloat64 else { return }
        let clouds = Clouds(200, 600, 50)
        let tensors = try clouds.tensors(dtype, on: device)
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
                try expectClose(
                    both[side], alone.array(of: Double.self), tolerance: dtype == .float64 ? 1e-12 : 5e-6, "\(name) \(side)")
            }
        }
    }

    @Test func oneLookAtThePairsServesBothOnTheCPU() throws {
        let tensors = try Clouds(300, 400, 40).tensors(.float32, on: .cpu)
        func launches(_ sides: Range<Int>) throws -> Int {
            try Profiler.measure {
                for slope in try gradient(at: Array(tensors[sides]), of: { asked in
                    let (x, y) = (sides.contains(0) ? asked[0] : tensors[0], sides.contains(1) ? asked[asked.count - 1] : tensors[1])
                    return try (Formula.x(x).squaredDistance(to: .y(y)) * -0.02).logSumExp().sum()
                }) { _ = try slope.evaluated() }
            }.1.launches
        }
        #expect(try launches(0..<2) == launches(0..<1))
        #expect(try launches(0..<2) == launches(1..<2))
    }

    private static func printBits() throws {
        let tensors = try Clouds(700, 5000, 96).tensors(.float32, on: .cpu)
        let slopes = try gradient(at: Array(tensors[..<2])) {
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
