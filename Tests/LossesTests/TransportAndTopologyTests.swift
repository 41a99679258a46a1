import Foundation
import LossKit
import LossKitTestSupport
import Testing

@Suite struct TransportAndTopologyTests {
    @Test(arguments: Device.all)
    func sinkhornNeedsNoMatrix(device: Device) throws {
        var random = SplitMix64(seed: 1)
        let n = 700
        let x = try Tensor(random.values(2 * n).map { Float($0) }, shape: [n, 2], on: device)
        let y = try Tensor(random.values(2 * n).map { Float($0) }, shape: [n, 2], on: device)
        let (_, cost) = try Profiler.measure {
            try valueWithGradient(at: x) { try sinkhornDivergence($0, y, tolerance: 0, maximumIterations: 3) }.gradient.evaluated()
        }
        #expect(cost.peakBytes < 64 * 4 * n, "a matrix of pairs would take \(4 * n * n) bytes")
        let (_, tree) = try Profiler.measure { try gradient(at: x) { try mstLength($0) }.evaluated() }
        #expect(tree.peakBytes < 64 * 4 * n)
    }

    @Test(arguments: Device.all)
    func sinkhornReportsItsTrueMarginalError(device: Device) throws {
        var random = SplitMix64(seed: 6)
        let (n, m, epsilon) = (30, 20, 0.1)
        let (xs, ys) = (random.values(2 * n).map { Float($0) }, random.values(2 * m).map { Float($0) })
        let result = try sinkhorn(
            Tensor(xs, shape: [n, 2], on: device), Tensor(ys, shape: [m, 2], on: device), epsilon: epsilon, tolerance: 1e-3)
        #expect(result.isConverged)
        let (f, g): ([Double], [Double]) = (try result.potentials.x.array(), try result.potentials.y.array())
        var error = 0.0
        for i in 0..<n {
            var row = 0.0
            for j in 0..<m {
                let (u, v) = (Double(xs[2 * i]) - Double(ys[2 * j]), Double(xs[2 * i + 1]) - Double(ys[2 * j + 1]))
                row += exp((f[i] + g[j] - (u * u + v * v) / 2) / epsilon) / Double(n * m)
            }
            error += abs(row - 1 / Double(n))
        }
        #expect(abs(error - result.marginalError) <= 0.01 * error + 1e-5)
        let stopped = try sinkhorn(
            Tensor(xs, shape: [n, 2], on: device), Tensor(ys, shape: [m, 2], on: device), epsilon: 0.001, tolerance: 1e-9,
            maximumIterations: 5)
        #expect(!stopped.isConverged && stopped.iterations == 5)
    }

    /// Far from the origin, with a far point that carries no mass: the same divergence, and a finite error.
    @Test(arguments: Device.all)
    func sinkhornForgetsTheOriginAndMasslessPoints(device: Device) throws {
        var random = SplitMix64(seed: 9)
        let (xs, ys) = (random.values(20).map { Float(Int($0 * 64)) / 64 }, random.values(20).map { Float(Int($0 * 64)) / 64 })
        let (x, y) = (try Tensor(xs, shape: [10, 2], on: device), try Tensor(ys, shape: [10, 2], on: device))
        let near = try sinkhorn(x, y, tolerance: 1e-5)
        // Multiples of 1/64 are exact at 1e4.
        let far = try sinkhorn(x + 10_000, y + 10_000, tolerance: 1e-5)
        expectClose([try far.value.scalar()], [try near.value.scalar()], tolerance: 1e-4)
        let withFarPoint = try Tensor.concatenate([x, Tensor([50, 50] as [Float], shape: [1, 2], on: device)])
        let mass = try Tensor((0..<11).map { $0 < 10 ? Float(0.1) : 0 }, on: device)
        let massless = try sinkhorn(withFarPoint, y, a: mass, tolerance: 1e-5)
        #expect(massless.marginalError.isFinite)
        expectClose([try massless.value.scalar()], [try near.value.scalar()], tolerance: 1e-3)
    }

    @Test(arguments: Device.all)
    func latticesHaveTheSameTreeEverywhere(device: Device) throws {
        let points = (0..<49).flatMap { [Float($0 % 7), Float($0 / 7)] }
        let tree = try minimumSpanningTree(Tensor(points, shape: [49, 2], on: device))
        let expected = kruskal(Matrix(rows: 49, columns: 2, values: points.map { Double($0) })).flatMap { [$0.0, $0.1] }
        #expect(try tree.edges.array(of: Int.self) == expected)
        #expect(try tree.lengths.sum().scalar() == 48)
        let same = try Tensor([Float](repeating: 2, count: 10), shape: [5, 2], on: device)
        #expect(try gradient(at: same) { try mstLength($0) }.array(of: Float.self) == [Float](repeating: 0, count: 10))
    }

    @Test(arguments: Device.all)
    func badInputIsAnsweredInOneLine(device: Device) throws {
        let one = try Tensor([1, 2] as [Float], shape: [1, 2], on: device)
        let two = try Tensor([1, 2, 3, 4] as [Float], shape: [2, 2], on: device)
        let broken = try Tensor([1, .nan, 3, 4] as [Float], shape: [2, 2], on: device)
        let calls: [(String, () throws -> Tensor)] = [
            ("one point", { try mstLength(one) }), ("NaN point", { try mstLength(broken) }),
            ("NaN cloud", { try sinkhornDivergence(two, broken) }),
            ("no mass", { try sinkhornDivergence(two, two, a: Tensor.zeros([2], on: device), b: Tensor.zeros([2], on: device)) }),
            ("tiny epsilon", { try sinkhornDivergence(two, two, epsilon: 1e-40) }),
            ("epsilon", { try sinkhornDivergence(two, two, epsilon: 0) }),
            ("dimensions", { try pairwiseDistance(two, Tensor.zeros([2, 3], on: device)) }),
            ("masses", { try sinkhornDivergence(two, two, a: Tensor.ones([2], on: device)) }),
            ("negative weights", { try sinkhornDivergence(two, two, a: Tensor([2, -1] as [Float], on: device)) }),
            ("shapes", { try mse(predictions: one, targets: two) }),
            ("smoothing", { try crossEntropy(logits: two, targets: two, labelSmoothing: 2) }),
        ]
        for (name, call) in calls {
            do {
                _ = try call()
                Issue.record("\(name): no error")
            } catch {
                #expect(!"\(error)".contains("\n") && "\(error)".contains(" got "), "\(name): \(error)")
            }
        }
        let second = { try gradient(at: two) { try gradient(at: $0) { try sinkhornDivergence($0, one) }.sum() } }
        #expect(throws: TensorError.notDifferentiable(operation: "sinkhornDivergence", order: 2)) { try second() }
        #expect(try two.sum().scalar() == 10)
    }
}
