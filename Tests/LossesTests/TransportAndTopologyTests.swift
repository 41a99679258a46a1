import Foundation
import LossKit
@testable import LossKitOracles
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
        // Without doubles the CPU has a copy of the points.
        #expect(cost.peakBytes <= (device.hasFloat64 ? 64 : 80) * 4 * n, "a matrix of pairs would take \(4 * n * n) bytes")
        let (_, tree) = try Profiler.measure { try gradient(at: x) { try mstLength($0) }.evaluated() }
        #expect(tree.peakBytes < 64 * 4 * n)
    }

    @Test(arguments: Device.all, [nil, 0.7] as [Double?])
    func sinkhornReportsItsTrueMarginalErrors(device: Device, reach: Double?) throws {
        var random = SplitMix64(seed: 6)
        let (n, m, epsilon) = (30, 20, 0.1)
        let (xs, ys) = (random.values(2 * n).map { Float($0) }, random.values(2 * m).map { Float($0) })
        var weights = random.values(n + m, in: 0.5...1.5)
        if reach == nil {
            let (a, b) = (weights[..<n].reduce(0, +), weights[n...].reduce(0, +))
            weights = weights.enumerated().map { $0.element / ($0.offset < n ? a : b) }
        }
        weights = weights.map { Double(Float($0)) }
        let (x, y) = (try Tensor(xs, shape: [n, 2], on: device), try Tensor(ys, shape: [m, 2], on: device))
        let (a, b) = (try Tensor(weights[..<n].map { Float($0) }, on: device), try Tensor(weights[n...].map { Float($0) }, on: device))
        for tolerance in [1e-1, 1e-3] {
            let result = try sinkhorn(x, y, a: a, b: b, epsilon: epsilon, reach: reach, tolerance: tolerance)
            #expect(result.isConverged && result.marginalError <= tolerance)
            let (f, g): ([Double], [Double]) = (try result.potentials.x.array(), try result.potentials.y.array())
            var (rows, columns) = ([Double](repeating: 0, count: n), [Double](repeating: 0, count: m))
            for i in 0..<n {
                for j in 0..<m {
                    let (u, v) = (Double(xs[2 * i]) - Double(ys[2 * j]), Double(xs[2 * i + 1]) - Double(ys[2 * j + 1]))
                    let mass = weights[i] * weights[n + j] * exp((f[i] + g[j] - (u * u + v * v) / 2) / epsilon)
                    rows[i] += mass
                    columns[j] += mass
                }
            }
            func error(_ marginal: [Double], _ potential: [Double], _ weights: ArraySlice<Double>) -> Double {
                zip(zip(marginal, potential), weights).reduce(0) { sum, entry in
                    sum + abs(entry.0.0 - entry.1 * exp(-entry.0.1 / (reach.map { $0 * $0 } ?? .infinity)))
                }
            }
            let expected = (error(rows, f, weights[..<n]), error(columns, g, weights[n...]))
            #expect(abs(expected.0 - result.marginalErrors.x) <= 0.01 * expected.0 + 3e-5)
            #expect(abs(expected.1 - result.marginalErrors.y) <= 0.01 * expected.1 + 3e-5)
        }
        let stopped = try sinkhorn(x, y, a: a, b: b, epsilon: 0.001, reach: reach, tolerance: 1e-9, maximumIterations: 5)
        #expect(!stopped.isConverged && stopped.iterations == 5)
    }

    /// A step runs one kernel, for both sides of the problem between the clouds and the problems within.
    @Test(arguments: Device.all)
    func aStepOfSinkhornIsOneLaunch(device: Device) throws {
        var random = SplitMix64(seed: 8)
        let (x, y) = (
            try Tensor(random.values(60).map { Float($0) }, shape: [20, 3], on: device),
            try Tensor(random.values(45).map { Float($0) }, shape: [15, 3], on: device)
        )
        func launches(_ steps: Int) throws -> Int {
            // So wide an epsilon needs no schedule; without a tolerance no error is looked at.
            let solve = { try sinkhorn(x, y, epsilon: 1e3, tolerance: 0, maximumIterations: steps).value.evaluated() }
            _ = try solve()
            return try Profiler.measure(solve).1.launches
        }
        #expect(try launches(38) - launches(32) == 6)
    }

    /// Equal clouds are apart by 0 and nothing pulls at them, wherever the iteration stops; nearly equal ones by no more than rounding.
    @Test(arguments: Device.all)
    func sinkhornOfEqualCloudsIsZero(device: Device) throws {
        var random = SplitMix64(seed: 15)
        for (d, power, reach) in [(2, 2, nil), (3, 1, nil), (16, 2, nil), (2, 2, 0.8)] as [(Int, Int, Double?)] {
            let values = random.values(60 * d).map { Float($0) }
            let mass = random.values(60, in: 0.5...1.5)
            let weights = try Tensor(mass.map { Float($0 / mass.reduce(0, +)) }, on: device)
            let (x, y) = (try Tensor(values, shape: [60, d], on: device), try Tensor(values, shape: [60, d], on: device))
            for steps in [1, 7, 200] {
                let (value, slope) = try valueWithGradient(at: x) {
                    try sinkhornDivergence($0, y, a: weights, b: weights, power: power, reach: reach, maximumIterations: steps)
                }
                let label = "\(d) dimensions, power \(power), \(steps) steps"
                #expect(try value.scalar() == 0, "\(label)")
                #expect(try slope.absolute().max().scalar() == 0, "\(label)")
            }
            #expect(try abs(sinkhornDivergence(x * 1e-20, x * 2e-20, power: power).scalar()) <= 1e-19, "\(d) dimensions, tiny")
        }
    }

    /// Diracs, translations and one-dimensional Gaussians have divergences and derivatives in closed form.
    @Test(arguments: Device.all)
    func sinkhornAgreesWithClosedForms(device: Device) throws {
        let (one, other) = (
            try Tensor([1, 2, 3] as [Float], shape: [1, 3], on: device), try Tensor([4, 6, 3] as [Float], shape: [1, 3], on: device)
        )
        for power in 1...2 {
            let (value, slope) = try valueWithGradient(at: one) { try sinkhornDivergence($0, other, epsilon: 0.1, power: power) }
            expectClose([try value.scalar()], [power == 2 ? 12.5 : 5], tolerance: 1e-6)
            try expectClose(slope, power == 2 ? [-3, -4, 0] : [-0.6, -0.8, 0], tolerance: 1e-6)
        }
        var random = SplitMix64(seed: 12)
        let cloud = try Tensor(random.values(80).map { Float($0) }, shape: [40, 2], on: device)
        let moved = try cloud + Tensor([3, -4] as [Float], on: device)
        let (value, slope) = try valueWithGradient(at: cloud) { try sinkhornDivergence($0, moved, epsilon: 0.2, tolerance: 1e-6) }
        expectClose([try value.scalar()], [12.5], tolerance: 1e-5)
        try expectClose(slope, (0..<80).map { ($0 % 2 == 0 ? -3 : 4) / 40 }, tolerance: 1e-5)
        // Between N(0, s^2) and N(u, t^2) the plan is a Gaussian of covariance c, which minimises -c - epsilon / 2 log(1 - c^2 / (s t)^2).
        // Gauss-Hermite points hold their integrals to rounding.
        let (s, t, u, epsilon, n) = (1.0, 0.5, 0.7, 0.5, 30)
        let rule = hermite(n)
        func nodes(_ mean: Double, _ deviation: Double) throws -> Tensor {
            try Tensor(rule.nodes.map { Float(mean + deviation * $0) }, shape: [n, 1], on: device)
        }
        let masses = try Tensor(rule.weights.map { Float($0) }, on: device)
        func plain(_ s: Double, _ t: Double) -> Double {
            let c = ((epsilon * epsilon + 4 * s * s * t * t).squareRoot() - epsilon) / 2
            return (s * s + t * t) / 2 - c - epsilon / 2 * log(1 - c * c / (s * s * t * t))
        }
        let expected = u * u / 2 + plain(s, t) - plain(s, s) / 2 - plain(t, t) / 2
        let divergence = try sinkhornDivergence(nodes(0, s), nodes(u, t), a: masses, b: masses, epsilon: epsilon, tolerance: 1e-6)
        expectClose([try divergence.scalar()], [expected], tolerance: 1e-5)
    }

    /// Nodes and weights of the standard normal: the eigenvalues of Hermite's recurrence, and the squares of its vectors' first entries.
    private func hermite(_ n: Int) -> (nodes: [Double], weights: [Double]) {
        let values = (0..<n * n).map { abs($0 / n - $0 % n) == 1 ? Double(max($0 / n, $0 % n)).squareRoot() : 0 }
        let (nodes, vectors) = symmetricEigen(Matrix(rows: n, columns: n, values: values))
        return (nodes, (0..<n).map { vectors[0, $0] * vectors[0, $0] })
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
        expectClose([try far.value.scalar()], [try near.value.scalar()], tolerance: 1e-5)
        let withFarPoint = try Tensor.concatenate([x, Tensor([50, 50] as [Float], shape: [1, 2], on: device)])
        let mass = try Tensor((0..<11).map { $0 < 10 ? Float(0.1) : 0 }, on: device)
        let massless = try sinkhorn(withFarPoint, y, a: mass, tolerance: 1e-5)
        #expect(massless.marginalError.isFinite)
        expectClose([try massless.value.scalar()], [try near.value.scalar()], tolerance: 2e-5)
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
