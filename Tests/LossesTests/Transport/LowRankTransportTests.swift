import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Transport of low rank: beside POT 0.9.7's `lowrank_sinkhorn`, which gave the numbers, and problems whose best plan is of low rank.
@Suite struct LowRankTransportTests {
    private typealias Base = EntropicTransportTests

    /// Clouds whose mean cost is 1, with weights.
    private struct Given {
        let (x, y, a, b): (Tensor, Tensor, Tensor, Tensor)

        init(on device: Device) throws {
            let scale: Float = 0.80156565
            x = try Tensor(Base.x.map { $0 * scale }, shape: [9, 3], on: device)
            y = try Tensor(Base.y.map { $0 * scale }, shape: [6, 3], on: device)
            (a, b) = (try Tensor(Base.a, on: device), try Tensor(Base.b, on: device))
        }
    }

    private static let asPOT = LowRankTransportOptions(start: .deterministic, tolerance: 0, maximumIterations: 100)
    private static let exact = LowRankTransportOptions(
        start: .deterministic, tolerance: 1e-8, maximumIterations: 3000, innerTolerance: 1e-11, innerIterations: 10000)

    /// Without entropy in POT's own 100 steps; with it, where POT takes 3000.
    @Test(arguments: Device.all)
    func valuesAreThoseOfPOT(device: Device) throws {
        let given = try Given(on: device)
        let cases: [(rank: Int, epsilon: Double, options: LowRankTransportOptions, value: Double, linear: Double)] = [
            (2, 0, Self.asPOT, 0.5946222516501091, 0.5946222516501091), (3, 0.05, Self.exact, 0.2031268552585418, 0.45897678854682233),
        ]
        for one in cases {
            let solution = try lowRankTransport(
                given.x, given.y, a: given.a, b: given.b, rank: one.rank, epsilon: one.epsilon, options: one.options)
            let label = "rank \(one.rank), epsilon \(one.epsilon)"
            try expectClose(solution.value, [one.value], tolerance: 2e-6, label)
            try expectClose(solution.linearCost, [one.linear], tolerance: 2e-6, label)
            #expect(solution.marginalError < 1e-6 && solution.isConverged == (one.epsilon > 0), "\(label)")
        }
        // Above the best of all plans, and nearer to it with the rank.
        var costs: [Double] = []
        for rank in [1, 2, 5] {
            costs.append(try lowRankTransport(given.x, given.y, a: given.a, b: given.b, rank: rank).linearCost.scalar())
        }
        expectClose([costs[0]], [1], tolerance: 1e-6)
        #expect(costs[1] < 0.62 && costs[2] < 0.5 && costs[2] > 0.36923316680400853, "\(costs)")
    }

    /// Groups of points in single places: the best plan moves each group, and its rank is their number.
    @Test(arguments: Device.all)
    func groupsMoveAsOne(device: Device) throws {
        let places: [[Float]] = [[0, 0], [3, 1], [-2, 4]]
        let ends: [[Float]] = [[0.5, 0.2], [2.7, 1.4], [-1.9, 3.4]]
        var (sources, targets, expected): ([[Float]], [[Float]], [Double]) = ([], [], [])
        for place in 0..<30 {
            sources.append(places[place % 3])
            expected += ends[place % 3].map { Double($0) }
        }
        for place in 0..<24 { targets.append(ends[(place + 1) % 3]) }
        let (x, y) = (try Tensor(sources, on: device), try Tensor(targets, on: device))
        let solution = try lowRankTransport(x, y, rank: 3)
        #expect(solution.isConverged)
        // The squares of the ways are 0.29, 0.25 and 0.37.
        try expectClose(solution.linearCost, [(0.29 + 0.25 + 0.37) / 6], tolerance: 1e-4)
        try expectClose(solution.barycentricMap(values: y), expected, tolerance: 1e-3)
        // Spread about a little, the cost is above the best one by about the spread.
        var random = SplitMix64(seed: 2)
        func spread(_ cloud: Tensor) throws -> Tensor {
            try cloud + Tensor(random.values(cloud.count, in: -0.05...0.05).map { Float($0) }, shape: cloud.shape, on: device)
        }
        let (p, q) = (try spread(x), try spread(y))
        let costs = try pairwiseDistance(p, q, metric: .squaredEuclidean) * 0.5
        let full = try exactTransport(
            a: Tensor.full([30], 1.0 / 30, on: device), b: Tensor.full([24], 1.0 / 24, on: device), cost: costs
        ).cost.scalar()
        let found = try lowRankTransport(p, q, rank: 3).linearCost.scalar()
        #expect(found >= full - 1e-6 && found < full + 3e-3, "\(found) and \(full)")
    }

    @Test(arguments: Device.all)
    func plansAreTheirFactors(device: Device) throws {
        let given = try Given(on: device)
        let solution = try lowRankTransport(given.x, given.y, a: given.a, b: given.b, rank: 3, epsilon: 0.05)
        let (q, r, g): ([Double], [Double], [Double]) = (
            try solution.factors.q.array(), try solution.factors.r.array(), try solution.factors.g.array()
        )
        let (x, y): ([Double], [Double]) = (try given.x.array(), try given.y.array())
        var (plan, rows, linear) = ([Double](repeating: 0, count: 54), [Double](repeating: 0, count: 9), 0.0)
        var (moved, ofX) = ([Double](repeating: 0, count: 27), [Double](repeating: 0, count: 27))
        var ofY = [Double](repeating: 0, count: 18)
        for i in 0..<9 {
            for j in 0..<6 {
                for k in 0..<3 { plan[i * 6 + j] += q[i * 3 + k] * r[j * 3 + k] / g[k] }
                let mass = plan[i * 6 + j]
                rows[i] += mass
                for axis in 0..<3 {
                    let off = x[i * 3 + axis] - y[j * 3 + axis]
                    linear += mass * off * off / 2
                    moved[i * 3 + axis] += mass * y[j * 3 + axis]
                    ofX[i * 3 + axis] -= 1.3 * mass * off
                    ofY[j * 3 + axis] += 1.3 * mass * off
                }
            }
        }
        try expectClose(solution.plan(rows: 2..<5).flattened(), Array(plan[12..<30]), tolerance: 1e-6)
        expectClose(rows, Base.doubles(Base.a), tolerance: 1e-6)
        try expectClose(solution.applied(to: given.y), moved, tolerance: 1e-6)
        try expectClose(solution.barycentricMap(values: given.y), moved.indices.map { moved[$0] / rows[$0 / 3] }, tolerance: 1e-5)
        try expectClose(solution.linearCost, [linear], tolerance: 1e-6)
        var entropy = 0.0
        for mass in q + r + g { entropy += mass * log(mass) }
        try expectClose(solution.value, [linear + 0.05 * entropy], tolerance: 1e-5)
        let slopes = try gradient(at: [given.x, given.y]) {
            try lowRankTransport($0[0], $0[1], a: given.a, b: given.b, rank: 3, epsilon: 0.05).value * -1.3
        }
        try expectClose(slopes[0], ofX, tolerance: 1e-5)
        try expectClose(slopes[1], ofY, tolerance: 1e-5)
    }

    /// Central differences of the value that is returned, of whole descents, also where steps by the entropy's slope would swing for ever.
    @Test(arguments: [0.05, 0.3, 2])
    func derivativesAreThoseOfTheDescent(epsilon: Double) throws {
        var random = SplitMix64(seed: 5)
        var start = [random.values(12), random.values(10)]
        for count in [6, 5] {
            let masses = random.values(count, in: 1...2)
            start.append(masses.map { $0 / masses.reduce(0, +) })
        }
        func value(_ given: [Tensor]) throws -> LowRankTransport {
            try lowRankTransport(
                given[0].reshaped([6, 2]), given[1].reshaped([5, 2]), a: given[2], b: given[3], rank: 2, epsilon: epsilon,
                options: Self.exact)
        }
        func tensors(_ values: [[Double]]) throws -> [Tensor] { try values.map { try Tensor($0, on: .cpu) } }
        #expect(try value(tensors(start)).isConverged)
        let slopes = try gradient(at: tensors(start)) { try value($0).value * -1.3 }
        for (input, place) in [(0, 7), (1, 3), (2, 1), (3, 0)] {
            var differences: [Double] = []
            for sign in [1.0, -1.0] {
                var moved = start
                moved[input][place] += sign * 3e-5
                differences.append(try value(tensors(moved)).value.scalar())
            }
            let found: [Double] = try slopes[input].array()
            expectClose([found[place]], [-1.3 * (differences[0] - differences[1]) / 6e-5], tolerance: 2e-6, "input \(input), \(place)")
        }
    }

    /// A length that is far too long is halved until the value falls, and the minimum is one.
    @Test func lengthsThatAreTooLongAreHalved() throws {
        let x = [0.27, -0.46, -0.92, -0.97, 0.63, 0.83, 0.21, 0.46, 0.09, 0.87, 0.63, -0.99]
        let y = [0.71, -0.93, 0.46, -0.65, 0.73, 0.08, -0.4, -0.15, -0.94, -0.75]
        func solved(_ length: Double, _ steps: Int) throws -> LowRankTransport {
            var options = Self.exact
            (options.stepLength, options.maximumIterations) = (length, steps)
            return try lowRankTransport(
                Tensor(x, shape: [6, 2], on: .cpu), Tensor(y, shape: [5, 2], on: .cpu), rank: 2, epsilon: 0.02, options: options)
        }
        let (usual, bold) = (try solved(10, 1000), try solved(300, 1000))
        #expect(usual.isConverged && bold.isConverged)
        try expectClose(usual.value, [0.5158387639008827], tolerance: 1e-8)
        try expectClose(bold.value, [0.5158387639008827], tolerance: 1e-8)
        var last = Double.infinity
        for steps in [1, 2, 4, 8, 16, 32] {
            let value = try solved(300, steps).value.scalar()
            #expect(value <= last + 1e-9, "\(steps)")
            last = value
        }
    }

    /// Costs of any size, points far away, equal clouds, single points.
    @Test(arguments: Device.all)
    func edgesHold(device: Device) throws {
        let given = try Given(on: device)
        var options = Self.asPOT
        options.maximumIterations = 10
        let usual = try lowRankTransport(given.x, given.y, rank: 2, options: options).linearCost.scalar()
        for scale in [1e-3, 1e3] {
            let scaled = try lowRankTransport(given.x * scale, given.y * scale, rank: 2, options: options)
            try expectClose(scaled.linearCost / (scale * scale), [usual], tolerance: 1e-5)
        }
        let far = try lowRankTransport(given.x + 1024, given.y + 1024, rank: 2, options: options)
        try expectClose(far.linearCost, [usual], tolerance: 1e-3)
        let point = try Tensor([0.25, 0.5] as [Float], shape: [1, 2], on: device)
        try expectClose(lowRankTransport(point, point + 1, rank: 4).linearCost, [1], tolerance: 1e-6)
        let same = try Tensor.ones([5, 2], on: device)
        try expectClose(lowRankTransport(same, same, rank: 2).linearCost, [0], tolerance: 1e-6)
    }

    @Test(arguments: Device.all)
    func badInputIsAnsweredInOneLine(device: Device) throws {
        let given = try Given(on: device)
        let (x, y) = (given.x, given.y)
        let short = LowRankTransportOptions(maximumIterations: 1)
        var (none, flat) = (short, short)
        (none.maximumIterations, flat.stepLength) = (0, 0)
        let (noSteps, noLength) = (none, flat)
        expectRefusals([
            ("rank", { try lowRankTransport(x, y, rank: 0) }), ("epsilon", { try lowRankTransport(x, y, rank: 2, epsilon: -1) }),
            ("coordinates", { try lowRankTransport(x / 0, y, rank: 2) }), ("points", { try lowRankTransport(x[0], y, rank: 2) }),
            ("points", { try lowRankTransport(x, y.slice(axis: 1, to: 2), rank: 2) }),
            ("weights a", { try lowRankTransport(x, y, a: given.b, rank: 2) }),
            ("weights a", { try lowRankTransport(x, y, a: given.a * 2, rank: 2) }),
            ("weights b", { try lowRankTransport(x, y, b: given.b * 0, rank: 2) }),
            ("maximumIterations", { try lowRankTransport(x, y, rank: 2, options: noSteps) }),
            ("stepLength", { try lowRankTransport(x, y, rank: 2, options: noLength) }),
        ])
        let few = try lowRankTransport(x, y, rank: 2, options: short)
        #expect(!few.isConverged && few.iterations == 1)
        expectRefusals([
            ("values", { try few.applied(to: x) }), ("rows", { try few.plan(rows: 3..<10) }),
            (
                "one of the linear cost",
                { try gradient(at: x) { try lowRankTransport($0, y, rank: 2, epsilon: 0.1, options: short).linearCost } }
            ),
            ("the plan", { try gradient(at: x) { try lowRankTransport($0, y, rank: 2, options: short).factors.q.sum() } }),
        ])
    }
}
