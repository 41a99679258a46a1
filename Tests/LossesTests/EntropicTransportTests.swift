import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Entropic transport of every kind: its objective and marginals recomputed in doubles, beside POT 0.9.7, which gave the numbers.
@Suite struct EntropicTransportTests {
    static let x = (0..<27).map { Float(sin(1.7 * Double($0) + 0.2)) }
    static let y = (0..<18).map { Float(cos(1.3 * Double($0))) }

    static func weights(_ values: [Double]) -> [Float] {
        let sum = values.reduce(0, +)
        return values.map { Float($0 / sum) }
    }
    static let a = weights((0..<9).map { 1 + 0.5 * cos(5 * Double($0)) })
    static let b = weights((0..<6).map { 1 + 0.7 * sin(4 * Double($0)) })
    static func doubles(_ values: [Float]) -> [Double] { values.map { Double($0) } }

    struct Given {
        let x: Tensor
        let y: Tensor
        let a: Tensor
        let b: Tensor

        init(on device: Device) throws {
            x = try Tensor(EntropicTransportTests.x, shape: [9, 3], on: device)
            y = try Tensor(EntropicTransportTests.y, shape: [6, 3], on: device)
            a = try Tensor(EntropicTransportTests.a, on: device)
            b = try Tensor(EntropicTransportTests.b, on: device)
        }
    }

    static func reference(
        epsilon: Double = 0.1, power: Int = 2, source: MarginalPenalty = .exact, target: MarginalPenalty = .exact
    ) -> ReferenceTransport {
        ReferenceTransport(
            costs: ReferenceTransport.halfSquares(doubles(x), doubles(y), d: 3, power: power), a: doubles(a), b: doubles(b),
            epsilon: epsilon, source: source, target: target)
    }

    static func options(
        _ source: MarginalPenalty = .exact, _ target: MarginalPenalty = .exact, mass: Double? = nil, tolerance: Double = 1e-5,
        gradient: EntropicTransportOptions.Gradient = .envelope
    ) -> EntropicTransportOptions {
        EntropicTransportOptions(
            source: source, target: target, mass: mass, tolerance: tolerance, maximumIterations: 3000, gradient: gradient)
    }

    @Test(arguments: Device.all)
    func valuesAgreeWithPOT(device: Device) throws {
        let given = try Given(on: device)
        func solved(_ power: Int = 2, _ source: MarginalPenalty = .exact, _ target: MarginalPenalty = .exact) throws -> EntropicTransport {
            try entropicTransport(
                .points(given.x, given.y, power: power), a: given.a, b: given.b, epsilon: 0.1, options: Self.options(source, target))
        }
        let balanced = try solved()
        try expectClose(balanced.value, [0.6931013603435648], tolerance: 2e-6)
        try expectClose(balanced.linearCost(), [0.5861582974213195], tolerance: 1e-5)
        try expectClose(solved(1).value, [1.0049216131178182], tolerance: 2e-6)
        let unbalanced = try solved(2, .divergence(0.5), .divergence(0.5))
        try expectClose(unbalanced.value, [0.3300937165025116], tolerance: 2e-6)
        try expectClose(unbalanced.plan().sum(), [0.6999147950516311], tolerance: 1e-5)
        try expectClose(solved(2, .exact, .divergence(0.5)).value, [0.4574343118840656], tolerance: 2e-6)
        let partial = try entropicTransport(.points(given.x, given.y, power: 2), epsilon: 0.1, options: Self.options(mass: 0.6))
        try expectClose(partial.plan().sum(), [0.6], tolerance: 1e-5)
        try expectClose(partial.linearCost(), [0.06240481064760659], tolerance: 1e-5)
        #expect(partial.isConverged)
    }

    static let penalties: [(MarginalPenalty, MarginalPenalty)] = [
        (.exact, .exact), (.divergence(0.5), .divergence(2)), (.exact, .divergence(0.3)), (.totalVariation(0.4), .totalVariation(0.2)),
        (.range(0.5...1.5), .range(0.8...1.2)), (.divergence(0.7), .range(0...0.9)), (.totalVariation(0.3), .exact),
    ]

    /// The value is the plan's objective, so there is no gap between primal and dual, and the reported errors are the plan's.
    @Test(arguments: Device.all, penalties.indices)
    func plansAreCertified(device: Device, index: Int) throws {
        let (source, target) = Self.penalties[index]
        let given = try Given(on: device)
        for power in 1...2 {
            let reference = Self.reference(power: power, source: source, target: target)
            let least = reference.value
            let online = TransportCost.points(given.x, given.y, power: power)
            let matrix = TransportCost.matrix(try Tensor(reference.costs.flatMap { $0 }.map { Float($0) }, shape: [9, 6], on: device))
            for cost in [online, matrix] {
                let solution = try entropicTransport(cost, a: given.a, b: given.b, epsilon: 0.1, options: Self.options(source, target))
                let label = "power \(power), \(source), \(target)"
                #expect(solution.isConverged && solution.marginalError <= 1e-5, "\(label)")
                let (f, g): ([Double], [Double]) = (try solution.potentials.x.array(), try solution.potentials.y.array())
                let plan = reference.plan(f, g)
                try expectClose(solution.plan(), plan.flatMap { $0 }, tolerance: 1e-5, label)
                try expectClose(solution.value, [reference.objective(plan)], tolerance: 2e-5, label)
                try expectClose(solution.value, [least], tolerance: 1e-5, label)
                let (rows, columns) = reference.marginals(plan)
                let sums = try solution.marginals()
                try expectClose(sums.x, rows, tolerance: 1e-5, label)
                try expectClose(sums.y, columns, tolerance: 1e-5, label)
            }
        }
    }

    /// Stopped early, it says so, with the true distances of the marginals.
    @Test(arguments: Device.all)
    func earlyStopsAreReported(device: Device) throws {
        let given = try Given(on: device)
        let reference = Self.reference(epsilon: 0.02)
        for steps in [1, 3, 12] {
            let options = EntropicTransportOptions(tolerance: 1e-7, maximumIterations: steps)
            let solution = try entropicTransport(
                .points(given.x, given.y, power: 2), a: given.a, b: given.b, epsilon: 0.02, options: options)
            let (rows, columns) = reference.marginals(
                reference.plan(try solution.potentials.x.array(), try solution.potentials.y.array()))
            let off = zip(rows, reference.a).reduce(0) { $0 + abs($1.0 - $1.1) }
            let other = zip(columns, reference.b).reduce(0) { $0 + abs($1.0 - $1.1) }
            #expect(!solution.isConverged && solution.iterations == steps)
            expectClose([solution.marginalErrors.x, solution.marginalErrors.y], [off, other], tolerance: 3e-5)
        }
    }

    @Test(arguments: Device.all)
    func gradientsOfTheValueAreDifferences(device: Device) throws {
        let given = try Given(on: device)
        for (source, target) in Self.penalties.dropFirst() {
            let reference = Self.reference(source: source, target: target)
            let costs = try Tensor(reference.costs.flatMap { $0 }.map { Float($0) }, shape: [9, 6], on: device)
            let options = Self.options(source, target, tolerance: 1e-6)
            let slopes = try gradient(at: [given.x, given.y, given.a, given.b]) {
                try entropicTransport(.points($0[0], $0[1], power: 2), a: $0[2], b: $0[3], epsilon: 0.1, options: options).value
            }
            let ofCost = try gradient(at: costs) {
                try entropicTransport(.matrix($0), a: given.a, b: given.b, epsilon: 0.1, options: options).value
            }
            func difference(_ change: (inout ReferenceTransport, Double) -> Void) -> Double {
                var (up, down) = (reference, reference)
                change(&up, 1e-5)
                change(&down, -1e-5)
                return (up.value - down.value) / 2e-5
            }
            let (x, y) = (Self.doubles(Self.x), Self.doubles(Self.y))
            let expected = [
                difference { reference, h in
                    var moved = x
                    moved[4] += h
                    reference.costs = ReferenceTransport.halfSquares(moved, y, d: 3)
                },
                difference { reference, h in
                    var moved = y
                    moved[7] += h
                    reference.costs = ReferenceTransport.halfSquares(x, moved, d: 3)
                }, difference { $0.a[3] += $1 }, difference { $0.b[2] += $1 }, difference { $0.costs[2][3] += $1 },
            ]
            let actual = try [
                slopes[0].flattened()[4], slopes[1].flattened()[7], slopes[2][3], slopes[3][2], ofCost.flattened()[2 * 6 + 3],
            ].map { try $0.scalar() }
            // An exact side's weight cannot move alone.
            let isFree = [true, true, source != .exact && target != .exact, source != .exact && target != .exact, true]
            for place in actual.indices where isFree[place] {
                expectClose([actual[place]], [expected[place]], tolerance: 2e-4, "\(source), \(target), \(place)")
            }
        }
    }

    @Test(arguments: Device.all)
    func batchesAndWarmStarts(device: Device) throws {
        let given = try Given(on: device)
        let (x, y) = (try Tensor.stack([given.x, given.x * 0.5]), try Tensor.stack([given.y, given.y + 0.3]))
        let options = Self.options()
        let both = try entropicTransport(.points(x, y, power: 2), a: given.a, b: given.b, epsilon: 0.2, options: options)
        for entry in 0..<2 {
            let one = try entropicTransport(.points(x[entry], y[entry], power: 2), a: given.a, b: given.b, epsilon: 0.2, options: options)
            try expectClose(both.value[entry], [one.value.scalar()], tolerance: 1e-5)
            try expectClose(both.plan()[entry], one.plan().array(), tolerance: 1e-5)
            try expectClose(both.barycentricMap()[entry], one.barycentricMap().array(), tolerance: 1e-4)
        }
        var warm = Self.options(tolerance: 1e-4)
        let cold = try entropicTransport(.points(given.x, given.y, power: 2), epsilon: 0.05, options: warm)
        warm.initial = cold.potentials
        let again = try entropicTransport(.points(given.x, given.y, power: 2), epsilon: 0.05, options: warm)
        #expect(again.isConverged && again.iterations < cold.iterations && again.schedule.isEmpty)
        try expectClose(again.value, [cold.value.scalar()], tolerance: 2e-5)
    }

    /// In many dimensions costs are held, unless that is ruled out: the same solution, and no matrix.
    @Test(arguments: Device.all)
    func costsAreHeldOnlyWhereThatIsAllowed(device: Device) throws {
        var random = SplitMix64(seed: 9)
        let (n, d) = (300, 16)
        let x = try Tensor(random.values(n * d).map { Float($0) }, shape: [n, d], on: device)
        let y = try Tensor(random.values(n * d).map { Float($0) }, shape: [n, d], on: device)
        for power in 1...2 {
            func solved(_ linearMemory: Bool) throws -> (EntropicTransport, Int) {
                let options = EntropicTransportOptions(tolerance: 1e-4, linearMemory: linearMemory)
                let (solution, cost) = try Profiler.measure {
                    try entropicTransport(.points(x, y, power: power), epsilon: 0.5, options: options)
                }
                return (solution, cost.peakBytes)
            }
            let (held, online) = (try solved(false), try solved(true))
            try expectClose(held.0.value, [online.0.value.scalar()], tolerance: 1e-5)
            #expect(online.1 < 4 * n * n, "a matrix of pairs would take \(4 * n * n) bytes")
        }
    }

    /// At a small epsilon the plan is an assignment, and the cost that of the exact one.
    @Test(arguments: Device.all)
    func smallEpsilonsFindTheAssignment(device: Device) throws {
        let x = try Tensor((0..<12).map { Float(sin(2.1 * Double($0 * $0))) }, shape: [6, 2], on: device)
        let y = try Tensor((0..<12).map { Float(cos(1.1 * Double($0 * $0)) + 2) }, shape: [6, 2], on: device)
        let exact = try assignment(cost: pairwiseDistance(x, y, metric: .squaredEuclidean))
        let options = EntropicTransportOptions(tolerance: 1e-4, maximumIterations: 20_000)
        let solution = try entropicTransport(.points(x, y, power: 2), epsilon: 1e-3, options: options)
        #expect(solution.isConverged)
        // Potentials of about 5, each rounded to a 2^-22 of them and divided by epsilon, leave masses off by a thousandth of themselves.
        let rounding = 1e-3
        let values = (x: try x.array(of: Double.self), y: try y.array(of: Double.self))
        let sixth = [Double](repeating: 1 / 6, count: 6)
        let reference = ReferenceTransport(
            costs: ReferenceTransport.halfSquares(values.x, values.y, d: 2), a: sixth, b: sixth, epsilon: 1e-3)
        let (f, g, _) = reference.solve(iterations: 200_000)
        let plan = reference.plan(f, g)
        try expectClose(solution.plan(), plan.flatMap { $0 }, tolerance: rounding / 6)
        let map = plan.flatMap { row in (0..<2).map { k in row.indices.reduce(0) { $0 + 6 * row[$1] * values.y[2 * $1 + k] } } }
        try expectClose(solution.barycentricMap(), map, tolerance: 3 * rounding)
        // The cost of the plan is above the least by at most epsilon times the plan's entropy.
        let least = try exact.cost.scalar() / 12
        let cost = try solution.linearCost().scalar()
        let entropy = plan.joined().reduce(0) { $0 - ($1 > 0 ? $1 * log($1) : 0) }
        #expect(cost >= (1 - rounding) * least && cost <= (1 + rounding) * least + 1e-3 * (entropy - log(6)))
        let columns = try exact.columns.array(of: Int.self)
        #expect(plan.indices.allSatisfy { plan[$0].max() == plan[$0][columns[$0]] })
    }

    @Test(arguments: Device.all)
    func edgesStayFinite(device: Device) throws {
        let given = try Given(on: device)
        let single = try Tensor([0.5, 1] as [Float], shape: [1, 2], on: device)
        let same = try Tensor([Float](repeating: 0.25, count: 8), shape: [4, 2], on: device)
        for (x, y, epsilon) in [
            (single, single + 1, 0.1), (same, same, 0.1), (same, single, 1e-6), (given.x, given.x, 1e-4),
            (given.x + 10_000, given.y + 10_000, 0.1),
        ] as [(Tensor, Tensor, Double)] {
            let options = EntropicTransportOptions(maximumIterations: 50)
            let (value, slope) = try valueWithGradient(at: x) {
                try entropicTransport(.points($0, y, power: 2), epsilon: epsilon, options: options).value
            }
            #expect(try value.scalar().isFinite && slope.isFinite().all().booleans()[0])
        }
        let shifted = try entropicTransport(.points(single, single + 1, power: 2), epsilon: 0.1)
        try expectClose(shifted.value, [1], tolerance: 1e-6)
    }

    @Test(arguments: Device.all)
    func badInputIsAnsweredInOneLine(device: Device) throws {
        let given = try Given(on: device)
        let (x, y) = (given.x, given.y)
        func call(
            _ cost: TransportCost? = nil, a: [Float]? = nil, epsilon: Double = 0.1, options: EntropicTransportOptions = .init()
        ) throws -> Tensor {
            let mass = try a.map { try Tensor($0, on: device) }
            return try entropicTransport(cost ?? .points(x, y, power: 2), a: mass, epsilon: epsilon, options: options).value
        }
        var wide = EntropicTransportOptions()
        wide.initial = (try Tensor.zeros([3], on: device), try Tensor.zeros([6], on: device))
        let calls: [(String, () throws -> Tensor)] = [
            ("NaN", { try call(.points(x / 0, y, power: 2)) }), ("infinite cost", { try call(.matrix(x / 0)) }),
            ("power", { try call(.points(x, y, power: 3)) }), ("nothing", { try call(.matrix(Tensor.zeros([0, 3], on: device))) }),
            ("epsilon", { try call(epsilon: 0) }), ("negative", { try call(a: [-1, 1, 1, 0, 0, 0, 0, 0, 0]) }),
            ("masses", { try call(a: [1, 1, 1, 0, 0, 0, 0, 0, 0]) }), ("empty", { try call(a: [0, 0, 0, 0, 0, 0, 0, 0, 0]) }),
            ("mass", { try call(options: EntropicTransportOptions(mass: 1.5)) }),
            ("no mass", { try call(options: EntropicTransportOptions(mass: 0)) }),
            ("rho", { try call(options: EntropicTransportOptions(source: .divergence(-1))) }),
            ("range", { try call(options: EntropicTransportOptions(target: .range(-1...1))) }),
            ("steps", { try call(options: EntropicTransportOptions(maximumIterations: 0)) }), ("start", { try call(options: wide) }),
            ("unrolled", { try call(options: EntropicTransportOptions(gradient: .unrolled(0))) }),
            ("values", { try entropicTransport(.matrix(x), epsilon: 1).barycentricMap() }),
        ]
        for (name, call) in calls {
            do {
                _ = try call().scalar()
                Issue.record("\(name): no error")
            } catch {
                #expect(!"\(error)".contains("\n") && "\(error)".contains(" got "), "\(name): \(error)")
            }
        }
    }

    /// What is wrong is named, with its place.
    @Test(arguments: Device.all)
    func badElementsAreNamed(device: Device) throws {
        let given = try Given(on: device)
        func message(_ body: () throws -> EntropicTransport) -> String {
            do {
                _ = try body()
                return "no error"
            } catch {
                return "\(error)"
            }
        }
        var weights = Self.a
        weights[4] = -0.25
        let negative = try Tensor(weights, on: device)
        #expect(
            message { try entropicTransport(.points(given.x, given.y, power: 2), a: negative, epsilon: 0.1) }.contains(
                "finite weights that are not negative, got -0.25 at [4]"))
        var points = Self.x
        points[3 * 5 + 1] = .infinity
        let far = try Tensor(points, shape: [9, 3], on: device)
        #expect(
            message { try entropicTransport(.points(far, given.y, power: 2), epsilon: 0.1) }.contains(
                "finite coordinates, got inf at [5, 1]"))
        var costs = [Float](repeating: 1, count: 12)
        costs[7] = .nan
        let broken = try Tensor(costs, shape: [3, 4], on: device)
        #expect(message { try entropicTransport(.matrix(broken), epsilon: 0.1) }.contains("finite costs, got nan at [1, 3]"))
    }
}
