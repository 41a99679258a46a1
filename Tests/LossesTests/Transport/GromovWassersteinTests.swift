import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Gromov-Wasserstein transport: beside POT 0.9.7 with inner problems solved to 1e-15, which gave the numbers, and mirror descent in
/// doubles.
@Suite struct GromovWassersteinTests {
    private typealias Base = EntropicTransportTests
    private static let x = structure(Base.doubles(Base.x))
    private static let y = structure(Base.doubles(Base.y))
    private static let features = ReferenceTransport.halfSquares(Base.doubles(Base.x), Base.doubles(Base.y), d: 3).flatMap { $0 }
    /// Until nothing moves.
    private static let thorough = GromovWassersteinOptions(tolerance: 1e-11, innerTolerance: 1e-13, innerIterations: 20_000)

    private static func structure(_ points: [Double]) -> [Double] {
        ReferenceTransport.halfSquares(points, points, d: 3, power: 1).flatMap { $0 }
    }

    private static func steps(_ count: Int, _ solver: GromovWassersteinOptions.Solver = .projectedGradient) -> GromovWassersteinOptions {
        GromovWassersteinOptions(solver: solver, tolerance: 0, maximumIterations: count, innerTolerance: 1e-13, innerIterations: 20_000)
    }

    /// Float64 where the device has it, float32 elsewhere.
    private struct Given {
        let (x, y, features, a, b): (Tensor, Tensor, Tensor, Tensor, Tensor)
        let tolerance: Double

        init(on device: Device) throws {
            let isExact = device.hasFloat64
            func tensor(_ values: [Double], _ shape: [Int]) throws -> Tensor {
                try isExact ? Tensor(values, shape: shape, on: device) : Tensor(values.map { Float($0) }, shape: shape, on: device)
            }
            x = try tensor(GromovWassersteinTests.x, [9, 9])
            y = try tensor(GromovWassersteinTests.y, [6, 6])
            features = try tensor(GromovWassersteinTests.features, [9, 6])
            (a, b) = (try tensor(Base.doubles(Base.a), [9]), try tensor(Base.doubles(Base.b), [6]))
            tolerance = isExact ? 1e-10 : 1e-5
        }
    }

    private func check(
        _ solution: GromovWasserstein, cost: Double, firstRow: [Double], tolerance: Double, _ label: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try expectClose(solution.cost, [cost], tolerance: tolerance, label, sourceLocation: sourceLocation)
        try expectClose(solution.plan[0], firstRow, tolerance: tolerance, label, sourceLocation: sourceLocation)
    }

    @Test(arguments: Device.all)
    func plansAgreeWithPOT(device: Device) throws {
        let given = try Given(on: device)
        let (x, y, a, b) = (given.x, given.y, given.a, given.b)
        let plain = try gromovWasserstein(x, y, a: a, b: b, epsilon: 0.1, options: Self.thorough)
        #expect(plain.isConverged && plain.plan.dtype == x.dtype && plain.plan.device == device)
        try check(
            plain, cost: 0.31346362360140767,
            firstRow: [0.0003611298836469276, 0, 0.020715531742146548, 9.299826496076748e-11, 0, 0.14872368067562236],
            tolerance: given.tolerance, "converged")
        let fused = try fusedGromovWasserstein(
            cost: given.features, x, y, alpha: 0.4, a: a, b: b, epsilon: 0.1, options: Self.thorough)
        try check(
            fused, cost: 0.620231894453726,
            firstRow: [
                0.08903791472107199, 1.5573136419783288e-15, 0.0001431652975035534, 0.05060340209259577, 4.672586448138165e-18,
                0.03001586028324124,
            ], tolerance: given.tolerance, "fused")
        // The same steps from the same start.
        try check(
            gromovWasserstein(x, y, a: a, b: b, epsilon: 0.1, options: Self.steps(3)), cost: 0.7010023848626348,
            firstRow: [0.00036879256437448194, 0, 0.03094024168363339, 1.010660713421151e-12, 0, 0.1384913081453956],
            tolerance: given.tolerance, "three steps")
        try check(
            gromovWasserstein(x, y, a: a, b: b, epsilon: 1, options: Self.steps(4, .proximalPoint)), cost: 0.9602103992731438,
            firstRow: [
                0.02506071858071016, 1.0091794229370914e-07, 0.05498984056040546, 0.0002785784317585559, 5.361581775797852e-07,
                0.08947056774542003,
            ], tolerance: given.tolerance, "proximal")
        let start = ReferenceTransport(
            costs: (0..<9).map { Array(Self.features[$0 * 6..<($0 + 1) * 6]) }, a: Base.doubles(Base.a), b: Base.doubles(Base.b),
            epsilon: 0.05)
        let (f, g, _) = start.solve()
        var options = Self.steps(2)
        options.initial = try Tensor(start.plan(f, g).flatMap { $0 }.map { Float($0) }, shape: [9, 6], on: device)
        try check(
            gromovWasserstein(x, y, a: a, b: b, epsilon: 0.1, options: options), cost: 0.6779503138848619,
            firstRow: [0.10758730156191809, 0, 1.1105511620138027e-06, 0.051262048784536815, 0, 0.010949881496797171], tolerance: 1e-5,
            "from a plan")
    }

    @Test(arguments: Device.all)
    func structuresNeedNotBeSymmetric(device: Device) throws {
        let given = try Given(on: device)
        func skewed(_ values: [Double], _ share: Double, _ wave: (Double) -> Double) throws -> Tensor {
            let side = Int(Double(values.count).squareRoot())
            return try Tensor(
                values.enumerated().map { Float($0.element + share * wave(Double($0.offset))) }, shape: [side, side], on: device)
        }
        let solution = try gromovWasserstein(
            skewed(Self.x, 0.3, sin), skewed(Self.y, 0.2, cos), a: given.a, b: given.b, epsilon: 0.2, options: Self.thorough)
        try check(
            solution, cost: 0.39038344666750247,
            firstRow: [0.004379773316105419, 0, 0.00039515115102316587, 2.31661881372418e-06, 0, 0.16502310130846468], tolerance: 1e-6,
            "skewed")
    }

    /// Mirror descent by its definition, in doubles.
    private struct Reference {
        var x: [Double]
        var y: [Double]
        var features: [Double]
        var alpha: Double
        var a: [Double]
        var b: [Double]
        var epsilon: Double

        private var pairs: [(Int, Int)] { a.indices.flatMap { i in b.indices.map { (i, $0) } } }

        func cost(_ plan: [[Double]]) -> Double {
            let (n, m) = (a.count, b.count)
            var sum = 0.0
            for (i, j) in pairs {
                sum += (1 - alpha) * features[i * m + j] * plan[i][j]
                for (k, l) in pairs {
                    let off = x[i * n + k] - y[j * m + l]
                    sum += alpha * off * off * plan[i][j] * plan[k][l]
                }
            }
            return sum
        }

        /// The objective with its entropy.
        var value: Double {
            let (n, m) = (a.count, b.count)
            var plan = a.map { mass in b.map { mass * $0 } }
            for _ in 0..<200 {
                let last = plan
                let costs = a.indices.map { i in
                    b.indices.map { j in
                        pairs.reduce((1 - alpha) * features[i * m + j]) { (sum: Double, pair: (Int, Int)) -> Double in
                            let (k, l) = pair
                            let (out, back) = (x[i * n + k] - y[j * m + l], x[k * n + i] - y[l * m + j])
                            return sum + alpha * (out * out + back * back) * last[k][l]
                        }
                    }
                }
                let inner = ReferenceTransport(costs: costs, a: a, b: b, epsilon: epsilon)
                let (f, g, _) = inner.solve()
                plan = inner.plan(f, g)
                if pairs.allSatisfy({ abs(plan[$0.0][$0.1] - last[$0.0][$0.1]) < 1e-14 }) { break }
            }
            let entropy = pairs.reduce(0.0) { (sum: Double, pair: (Int, Int)) -> Double in
                let mass = plan[pair.0][pair.1]
                return sum + mass * log(mass / (a[pair.0] * b[pair.1]))
            }
            return cost(plan) + epsilon * entropy
        }
    }

    /// Value and its derivatives for structures, features and weights, beside central differences of the whole descent.
    @Test(arguments: Device.all)
    func derivativesAreThoseOfTheDescent(device: Device) throws {
        var random = SplitMix64(seed: 8)
        let (n, m) = (4, 3)
        let reference = Reference(
            x: random.values(n * n, in: 0...1), y: random.values(m * m, in: 0...1), features: random.values(n * m, in: 0...1), alpha: 0.6,
            a: [0.1, 0.3, 0.4, 0.2], b: [0.5, 0.2, 0.3], epsilon: 0.4)
        let home = device.hasFloat64 ? device : .cpu
        let inputs = try [
            Tensor(reference.x, shape: [n, n], on: home), Tensor(reference.y, shape: [m, m], on: home),
            Tensor(reference.features, shape: [n, m], on: home), Tensor(reference.a, on: home), Tensor(reference.b, on: home),
        ]
        let (value, slopes) = try valueWithGradient(at: inputs) {
            try fusedGromovWasserstein(
                cost: $0[2], $0[0], $0[1], alpha: 0.6, a: $0[3], b: $0[4], epsilon: 0.4, options: Self.thorough
            ).value * 1.7
        }
        try expectClose(value, [reference.value * 1.7], tolerance: 1e-10)
        func differences(_ path: WritableKeyPath<Reference, [Double]>) -> [Double] {
            centralDifferences(reference[keyPath: path], step: 1e-4) { moved in
                var other = reference
                other[keyPath: path] = moved
                return other.value * 1.7
            }
        }
        try expectClose(slopes[0].flattened(), differences(\.x), tolerance: 1e-6)
        try expectClose(slopes[1].flattened(), differences(\.y), tolerance: 1e-6)
        try expectClose(slopes[2].flattened(), differences(\.features), tolerance: 1e-6)
        // Mass that moves from one point to another: the rest is not defined.
        for (slope, path) in [(slopes[3], \Reference.a), (slopes[4], \Reference.b)] {
            let found = try slope.array(of: Double.self)
            for i in found.indices.dropFirst() {
                let difference = centralDifferences([0], step: 1e-4) { moved in
                    var other = reference
                    other[keyPath: path][i] += moved[0]
                    other[keyPath: path][0] -= moved[0]
                    return other.value * 1.7
                }
                expectClose([found[i] - found[0]], difference, tolerance: 1e-6)
            }
        }
    }

    /// A space that is turned over is apart by nothing; one point is apart by all distances; lengths scale.
    @Test(arguments: Device.all)
    func closedFormsHold(device: Device) throws {
        let given = try Given(on: device)
        let (order, places) = ([3, 0, 5, 1, 4, 2], [1, 3, 5, 0, 4, 2])
        let indices = try Tensor(order.map { Int64($0) }, on: device)
        let turned = try given.y.rows(at: indices).transposed().rows(at: indices)
        var options = GromovWassersteinOptions(solver: .proximalPoint, tolerance: 1e-7, maximumIterations: 100)
        // The plan is known but for a little: the problem has many minima.
        let start = (0..<36).map { (place: Int) -> Float in
            let near: Float = place % 6 == places[place / 6] ? 0.8 / 6 : 0
            return near + 0.2 / 36
        }
        options.initial = try Tensor(start, shape: [6, 6], on: device)
        let same = try gromovWasserstein(given.y, turned, epsilon: 0.05, options: options)
        #expect(try abs(same.cost.scalar()) < 1e-6)
        let plan = try same.plan.array(of: Double.self)
        for i in 0..<6 { #expect(abs(plan[i * 6 + places[i]] - 1.0 / 6) < 1e-6) }
        let point = try Tensor.zeros([1, 1], on: device)
        let single = try gromovWasserstein(given.x, point, a: given.a, epsilon: 0.1)
        let a = Base.doubles(Base.a)
        let all = (0..<81).reduce(0.0) { (sum: Double, place: Int) -> Double in
            let length = Self.x[place]
            return sum + length * length * a[place / 9] * a[place % 9]
        }
        try expectClose(single.cost, [all], tolerance: 1e-6)
        let small = try gromovWasserstein(given.x, given.y, epsilon: 0.1, options: Self.steps(5))
        let large = try gromovWasserstein(given.x * 100, given.y * 100, epsilon: 1000, options: Self.steps(5))
        try expectClose(large.value * 1e-4, [small.value.scalar()], tolerance: 1e-5)
        // Points without weight do not count.
        let weights = try Tensor([0.25, 0, 0.5, 0, 0.25, 0] as [Float], on: device)
        let kept = try Tensor([0, 2, 4] as [Int64], on: device)
        let part = try given.y.rows(at: kept).transposed().rows(at: kept).transposed()
        let fewer = try gromovWasserstein(
            given.x, part, b: Tensor([0.25, 0.5, 0.25] as [Float], on: device), epsilon: 0.2, options: Self.thorough)
        let whole = try gromovWasserstein(given.x, given.y, b: weights, epsilon: 0.2, options: Self.thorough)
        try expectClose(whole.value, [fewer.value.scalar()], tolerance: 1e-6)
        #expect(try whole.plan.sum(axes: [0]).array(of: Double.self)[1] == 0)
    }

    @Test(arguments: Device.all)
    func resultsSayHowTheyCameAbout(device: Device) throws {
        let given = try Given(on: device)
        let early = try gromovWasserstein(given.x, given.y, epsilon: 0.1, options: .init(maximumIterations: 2, innerIterations: 3))
        #expect(!early.isConverged && early.iterations == 2 && early.change > 1e-3)
        let plan = try early.plan.array(of: Double.self)
        let rows = (0..<9).reduce(0.0) { (total: Double, i: Int) -> Double in
            let sum = plan[i * 6..<i * 6 + 6].reduce(0, +)
            return total + abs(sum - 1.0 / 9)
        }
        expectClose([early.marginalErrors.x], [rows], tolerance: 1e-6)
        #expect(early.marginalErrors.x > 1e-6)
        // Exponents beyond what doubles hold.
        let sharp = try gromovWasserstein(given.x, given.y, epsilon: 1e-4, options: .init(maximumIterations: 3, innerIterations: 2000))
        #expect(try sharp.plan.isFinite().all().booleans()[0] && sharp.value.scalar().isFinite)
        try expectClose(sharp.plan.sum(), [1], tolerance: 1e-4)
    }

    @Test(arguments: Device.all)
    func badInputIsAnsweredInOneLine(device: Device) throws {
        let given = try Given(on: device)
        let (x, y, features) = (given.x, given.y, given.features)
        expectRefusals([
            ("structure x", { try gromovWasserstein(features, y, epsilon: 1) }),
            ("structure y", { try gromovWasserstein(x, features, epsilon: 1) }),
            ("structure x", { try gromovWasserstein(x / 0, y, epsilon: 1) }), ("epsilon", { try gromovWasserstein(x, y, epsilon: 0) }),
            ("features' cost", { try fusedGromovWasserstein(cost: x, x, y, epsilon: 1) }),
            ("alpha", { try fusedGromovWasserstein(cost: features, x, y, alpha: 1.5, epsilon: 1) }),
            ("weights a", { try gromovWasserstein(x, y, a: given.b, epsilon: 1) }),
            ("weights a", { try gromovWasserstein(x, y, a: given.a * 2, epsilon: 1) }),
            ("weights b", { try gromovWasserstein(x, y, b: -given.b, epsilon: 1) }),
            ("maximumIterations", { try gromovWasserstein(x, y, epsilon: 1, options: .init(maximumIterations: 0)) }),
            ("initial plan", { try gromovWasserstein(x, y, epsilon: 1, options: .init(initial: x)) }),
            ("initial plan", { try gromovWasserstein(x, y, epsilon: 1, options: .init(initial: -features)) }),
            ("derivative of value", { try gradient(at: x) { try gromovWasserstein($0, y, epsilon: 1).plan.sum() } }),
        ])
        #expect(throws: TensorError.notDifferentiable(operation: "gromovWasserstein", order: 2)) {
            try gradient(at: x) { try gradient(at: $0) { try gromovWasserstein($0, y, epsilon: 1).value }.square().sum() }
        }
    }
}
