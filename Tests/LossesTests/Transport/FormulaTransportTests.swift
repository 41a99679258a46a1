import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Entropic transport of costs that are formulas, against the same problem of costs written down in doubles.
@Suite struct FormulaTransportTests {
    @Test(arguments: Device.all, CostFormula.all)
    func solutionsAreThoseOfTheCosts(device: Device, cost: CostFormula) throws {
        let problem = FormulaTransportProblem(seed: 71)
        let given = try problem.tensors(on: device)
        for (epsilon, penalty, isLinear) in [
            (0.1, MarginalPenalty.exact, true), (0.02, .exact, true), (0.02, .exact, false), (0.1, .divergence(0.4), false),
        ] {
            let label = "epsilon \(epsilon), \(penalty), linear \(isLinear)"
            let solution = try entropicTransport(
                cost.cost(given.x, given.y), a: given.a, b: given.b, epsilon: epsilon,
                options: .init(
                    source: penalty, target: penalty, tolerance: 1e-6, maximumIterations: 20_000, linearMemory: isLinear))
            let reference = problem.reference(cost, epsilon, penalty)
            let (f, g, _) = reference.solve()
            #expect(solution.isConverged, "\(label): \(solution.marginalError)")
            let plan = reference.plan(f, g)
            expectClose([try solution.value.scalar()], [reference.objective(plan)], tolerance: 4e-6, label)
            try expectClose(solution.plan(), plan.flatMap { $0 }, tolerance: 5e-6, label)
            let linear = zip(plan, reference.costs).reduce(0) { $0 + zip($1.0, $1.1).reduce(0) { $0 + $1.0 * $1.1 } }
            expectClose([try solution.linearCost().scalar()], [linear], tolerance: 1e-5, label)
            #expect(try solution.barycentricMap().shape == [9, 3])
        }
    }

    /// Of the value for points and weights, by differences of the value in doubles.
    @Test(arguments: Device.all, CostFormula.all)
    func gradientsAreThoseOfTheValue(device: Device, cost: CostFormula) throws {
        let problem = FormulaTransportProblem(seed: 73)
        let given = try problem.tensors(on: device)
        let penalty = MarginalPenalty.divergence(0.4)
        let options = EntropicTransportOptions(source: penalty, target: penalty, tolerance: 1e-6, maximumIterations: 20_000)
        func value(_ problem: FormulaTransportProblem) -> Double {
            let reference = problem.reference(cost, 0.2, penalty)
            let (f, g, _) = reference.solve()
            return reference.objective(reference.plan(f, g))
        }
        func difference(_ path: WritableKeyPath<FormulaTransportProblem, [Double]>, _ index: Int) -> Double {
            let values = [1e-5, -1e-5].map { step in
                var moved = problem
                moved[keyPath: path][index] += step
                return value(moved)
            }
            return (values[0] - values[1]) / 2e-5
        }
        let places: [(part: Int, path: WritableKeyPath<FormulaTransportProblem, [Double]>, index: Int)] = [
            (0, \.x, 2), (0, \.x, 13), (1, \.y, 0), (1, \.y, 16), (2, \.a, 3), (3, \.b, 5),
        ]
        let expected = places.map { difference($0.path, $0.index) }
        for mode in [EntropicTransportOptions.Gradient.envelope, .implicit, .unrolled(40)] {
            var options = options
            options.gradient = mode
            let slopes = try gradient(at: [given.x, given.y, given.a, given.b]) { [options] in
                try entropicTransport(cost.cost($0[0], $0[1]), a: $0[2], b: $0[3], epsilon: 0.2, options: options).value
            }
            let found = try places.map { try slopes[$0.part].array(of: Double.self)[$0.index] }
            expectClose(found, expected, tolerance: 2e-5, "\(mode)")
        }
    }

    /// The plan's derivative, which the potentials have a part in, by differences of the plan in doubles.
    @Test(arguments: Device.all)
    func plansHaveTheirGradient(device: Device) throws {
        let problem = FormulaTransportProblem(seed: 75)
        let given = try problem.tensors(on: device)
        let cost = try #require(CostFormula.all.first { $0.testDescription == "manhattan" })
        func squares(_ problem: FormulaTransportProblem) -> Double {
            let reference = problem.reference(cost, 0.2, .exact)
            let (f, g, _) = reference.solve()
            return reference.plan(f, g).reduce(0) { $1.reduce($0) { $0 + $1 * $1 } }
        }
        let expected = problem.x.indices.map { index in
            let values = [1e-5, -1e-5].map { step in
                var moved = problem
                moved.x[index] += step
                return squares(moved)
            }
            return (values[0] - values[1]) / 2e-5
        }
        for isLinear in [true, false] {
            let options = EntropicTransportOptions(
                tolerance: 1e-6, maximumIterations: 5000, gradient: .implicit, linearMemory: isLinear)
            let found = try gradient(at: given.x) {
                try entropicTransport(cost.cost($0, given.y), a: given.a, b: given.b, epsilon: 0.2, options: options).plan().square().sum()
            }
            try expectClose(found, expected, tolerance: 2e-6, "linear \(isLinear)")
        }
    }

    /// Of many points, which begin with a sample of them: the same solution as of a matrix, and nothing held for every pair.
    @Test(arguments: Device.all)
    func manyPointsTakeLinearMemory(device: Device) throws {
        func clouds(_ n: Int) throws -> (x: Tensor, y: Tensor) {
            var random = SplitMix64(seed: 77)
            func cloud() throws -> Tensor { try Tensor(random.values(n * 2).map { Float($0) }, shape: [n, 2], on: device).evaluated() }
            return (try cloud(), try cloud())
        }
        func solved(_ n: Int) throws -> (value: Double, bytes: Int) {
            let (x, y) = try clouds(n)
            let (slopes, cost) = try Profiler.measure {
                try valueWithGradient(at: x) {
                    let solution = try entropicTransport(.metric(.manhattan, $0, y), epsilon: 0.1, options: .init(tolerance: 1e-4, linearMemory: true))
                    #expect(solution.isConverged)
                    return solution.value
                }
            }
            return (try slopes.0.scalar(), cost.peakBytes)
        }
        let (few, many) = (try solved(1100), try solved(2200))
        #expect(many.bytes < 2200 * 400 && Double(many.bytes) < 2.2 * Double(few.bytes), "\(few.bytes), \(many.bytes)")
        let (x, y) = try clouds(1100)
        let whole = try entropicTransport(
            .matrix(pairwiseDistance(x, y, metric: .manhattan)), epsilon: 0.1, options: .init(tolerance: 1e-4))
        expectClose([few.value], [try whole.value.scalar()], tolerance: 1e-5)
    }

    /// Debiased barycentres of distributions on one support go by it too.
    @Test func barycentersTakeFormulas() throws {
        var random = SplitMix64(seed: 79)
        let support = try Tensor(random.values(12).map { Float($0) }, shape: [6, 2], on: .cpu)
        let masses = try Tensor(random.values(12, in: 0.5...1).map { Float($0) }, shape: [2, 6], on: .cpu)
        let distributions = try masses / masses.sum(axes: [1], keepDimensions: true)
        func weights(_ cost: TransportCost) throws -> [Double] {
            try wassersteinBarycenter(distributions: distributions, cost: cost, epsilon: 0.1, options: .init(tolerance: 1e-5)).distribution.array()
        }
        let costs = try pairwiseDistance(support, support, metric: .manhattan)
        expectClose(try weights(.metric(.manhattan, support, support)), try weights(.matrix(costs)), tolerance: 1e-5)
    }

    @Test(arguments: Device.all)
    func badFormulasAreRefused(device: Device) throws {
        let given = try FormulaTransportProblem(seed: 81).tensors(on: device)
        let (x, y) = (given.x, given.y)
        func refuse(_ cost: TransportCost) { #expect(throws: TensorError.self) { try entropicTransport(cost, epsilon: 0.1) } }
        refuse(.formula(x, y) { $0 - $1 })
        refuse(.formula(x, y) { x, _ in x.norm() })
        refuse(.formula(x, y) { ($0.squaredDistance(to: $1) - 100).log() })
        refuse(.formula(x, y) { 1 / ($0.squaredDistance(to: $1) * 0) })
        refuse(.metric(.manhattan, x, try y.slice(axis: 1, from: 0, to: 2)))
        refuse(.metric(.manhattan, x, try y.expandedDimensions(at: 0)))
        refuse(.metric(.manhattan, try Tensor.stack([x, x]), try y.expandedDimensions(at: 0)))
        refuse(.metric(.manhattan, x, try y.slice(axis: 0, from: 0, to: 0)))
        // What a derivative would pass by.
        #expect(throws: TensorError.self) {
            try gradient(at: x) { moved in
                try entropicTransport(.formula(x, y) { ($1 - .x(moved)).squaredNorm() + $0.coordinateSum() }, epsilon: 0.1).value
            }
        }
    }

    /// What the points share stays with them, on the CPU where the plan is found too; a point without mass has none of it.
    @Test(arguments: Device.all)
    func parametersGoWhereThePointsGo(device: Device) throws {
        let problem = FormulaTransportProblem(seed: 85)
        let given = try problem.tensors(on: device)
        let scales = [1.0, 0.5, 2]
        let scale = try Tensor(scales.map { Float($0) }, on: device)
        var (a, b) = (problem.a, problem.b)
        (a[4], a[5], b[0], b[1]) = (a[4] + a[5], 0, 0, b[0] + b[1])
        let solution = try entropicTransport(
            .formula(given.x, given.y) { (($0 - $1) * .parameter(scale)).squaredNorm() }, a: Tensor(a.map { Float($0) }, on: device),
            b: Tensor(b.map { Float($0) }, on: device), epsilon: 0.1, options: .init(tolerance: 1e-6, maximumIterations: 5000))
        var reference = problem.reference(
            CostFormula(testDescription: "scaled", cost: { .metric(.dot, $0, $1) }) { x, y in
                zip(zip(x, y), scales).reduce(0) { $0 + pow(($1.0.0 - $1.0.1) * $1.1, 2) }
            }, 0.1, .exact)
        (reference.a, reference.b) = (a, b)
        let (f, g, _) = reference.solve()
        let plan = reference.plan(f, g).flatMap { $0 }
        #expect(solution.isConverged)
        try expectClose(solution.plan(), plan, tolerance: 2e-6)
    }
}
