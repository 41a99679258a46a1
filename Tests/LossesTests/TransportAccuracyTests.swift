import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// What a solution says of itself, recomputed in doubles from its potentials and their remainders.
@Suite struct TransportAccuracyTests {
    private struct Problem {
        let x: [Double]
        let y: [Double]
        let a: [Double]
        let b: [Double]
        let d: Int

        /// Random clouds in float32, with random weights.
        init(_ n: Int, _ m: Int, _ d: Int, seed: UInt64) {
            var random = SplitMix64(seed: seed)
            func points(_ count: Int) -> [Double] { random.values(count * d).map { Double(Float($0)) } }
            func weights(_ count: Int) -> [Double] {
                let values = random.values(count, in: 0.5...1.5)
                return values.map { Double(Float($0 / values.reduce(0, +))) }
            }
            (x, y, self.d) = (points(n), points(m), d)
            (a, b) = (weights(n), weights(m))
        }

        func tensors(on device: Device) throws -> [Tensor] {
            func tensor(_ values: [Double], _ shape: [Int]) throws -> Tensor {
                try Tensor(values.map { Float($0) }, shape: shape, on: device)
            }
            return [try tensor(x, [a.count, d]), try tensor(y, [b.count, d]), try tensor(a, [a.count]), try tensor(b, [b.count])]
        }

        func reference(
            _ epsilon: Double, power: Int = 2, source: MarginalPenalty = .exact, target: MarginalPenalty = .exact
        ) -> ReferenceTransport {
            ReferenceTransport(
                costs: ReferenceTransport.halfSquares(x, y, d: d, power: power), a: a, b: b, epsilon: epsilon, source: source,
                target: target)
        }
    }

    private func potentials(_ solution: EntropicTransport) throws -> (f: [Double], g: [Double]) {
        func whole(_ single: Tensor, _ rest: Tensor) throws -> [Double] {
            zip(try single.array(of: Double.self), try rest.array(of: Double.self)).map { $0 + $1 }
        }
        return (
            try whole(solution.potentials.x, solution.potentialRemainders.x),
            try whole(solution.potentials.y, solution.potentialRemainders.y)
        )
    }

    /// The larger L1 distance of the marginals from what is best for the potentials.
    private func error(_ reference: ReferenceTransport, _ f: [Double], _ g: [Double]) -> Double {
        let (rows, columns) = reference.marginals(reference.plan(f, g))
        func off(_ marginal: [Double], _ weights: [Double], _ potential: [Double], _ penalty: MarginalPenalty) -> Double {
            marginal.indices.reduce(0) { sum, i in
                if case .divergence(let rho) = penalty { return sum + abs(marginal[i] - weights[i] * exp(-potential[i] / rho)) }
                return sum + abs(marginal[i] - weights[i])
            }
        }
        return max(off(rows, reference.a, f, reference.source), off(columns, reference.b, g, reference.target))
    }

    /// Of so many points that most pairs are never looked at again.
    @Test(arguments: [1e-4, 1e-5])
    func errorsOfManyPointsAreTrue(tolerance: Double) throws {
        let problem = Problem(2200, 2000, 2, seed: 57)
        let inputs = try problem.tensors(on: .cpu)
        for (source, target) in [(MarginalPenalty.exact, MarginalPenalty.exact), (.divergence(0.5), .divergence(1))] {
            let reference = problem.reference(0.003, source: source, target: target)
            let solution = try entropicTransport(
                .points(inputs[0], inputs[1], power: 2), a: inputs[2], b: inputs[3], epsilon: 0.003,
                options: .init(source: source, target: target, tolerance: tolerance, maximumIterations: 3000, linearMemory: true))
            let (f, g) = try potentials(solution)
            let error = error(reference, f, g)
            #expect(solution.isConverged && error <= tolerance + 2e-6, "\(error)")
            #expect(abs(error - solution.marginalError) < 2e-6)
        }
    }

    /// Down to an epsilon of a thousandth of the cost, by every way of solving.
    @Test(arguments: Device.all, [0.2, 0.02, 0.001])
    func errorsAreTrue(device: Device, epsilon: Double) throws {
        let problem = Problem(40, 30, 3, seed: 51)
        let inputs = try problem.tensors(on: device)
        for (source, target) in [
            (MarginalPenalty.exact, MarginalPenalty.exact), (.divergence(0.5), .divergence(1)), (.exact, .divergence(0.3)),
        ] {
            for power in 1...2 {
                let reference = problem.reference(epsilon, power: power, source: source, target: target)
                // Costs as matrices are those of the problem in float32.
                var rounded = reference
                rounded.costs = reference.costs.map { $0.map { Double(Float($0)) } }
                let costs = try Tensor(rounded.costs.flatMap { $0.map { Float($0) } }, shape: [40, 30], on: device)
                let points = TransportCost.points(inputs[0], inputs[1], power: power)
                for (cost, reference, isLinear) in [
                    (points, reference, false), (points, reference, true), (.matrix(costs), rounded, false),
                ] {
                    for (tolerance, steps) in [(1e-5, 20_000), (0, 7)] {
                        let options = EntropicTransportOptions(
                            source: source, target: target, tolerance: tolerance, maximumIterations: steps, linearMemory: isLinear)
                        let solution = try entropicTransport(cost, a: inputs[2], b: inputs[3], epsilon: epsilon, options: options)
                        let (f, g) = try potentials(solution)
                        let label = "epsilon \(epsilon), power \(power), \(source), \(target), linear \(isLinear), \(steps) steps"
                        let found = error(reference, f, g)
                        #expect(abs(solution.marginalError - found) <= 2e-6 + 1e-5 * found, "\(label): \(solution.marginalError), \(found)")
                        #expect(solution.isConverged == (solution.marginalError <= tolerance), "\(label)")
                        #expect(solution.isConverged == (tolerance > 0), "\(label): \(solution.marginalError)")
                        // The plan that is handed out is that plan.
                        let plan = reference.plan(f, g).flatMap { $0 }
                        try expectClose(solution.plan(), plan, tolerance: 3e-6 * (plan.max() ?? 1), label)
                        let sums = try solution.marginals()
                        let (rows, columns) = reference.marginals(reference.plan(f, g))
                        try expectClose(sums.x, rows, tolerance: 2e-6, label)
                        try expectClose(sums.y, columns, tolerance: 2e-6, label)
                    }
                }
            }
        }
    }

    /// Unrolled steps end in float32; what is said is said of those.
    @Test(arguments: Device.all)
    func errorsOfUnrolledStepsAreTrue(device: Device) throws {
        let problem = Problem(20, 15, 2, seed: 52)
        let inputs = try problem.tensors(on: device)
        let options = EntropicTransportOptions(tolerance: 1e-6, maximumIterations: 5000, gradient: .unrolled(3))
        let solution = try entropicTransport(
            .points(inputs[0], inputs[1], power: 2), a: inputs[2], b: inputs[3], epsilon: 0.001, options: options)
        let (f, g) = try potentials(solution)
        let found = error(problem.reference(0.001), f, g)
        #expect(abs(solution.marginalError - found) <= 2e-6 + 1e-5 * found, "\(solution.marginalError), \(found)")
    }

    /// The debiased divergence says it of the potentials it gives.
    @Test(arguments: Device.all, [0.2, 0.005])
    func errorsOfDivergencesAreTrue(device: Device, epsilon: Double) throws {
        let problem = Problem(30, 25, 2, seed: 53)
        let inputs = try problem.tensors(on: device)
        for steps in [5, 1000] {
            let result = try sinkhorn(
                inputs[0], inputs[1], a: inputs[2], b: inputs[3], epsilon: epsilon, tolerance: 1e-4, maximumIterations: steps)
            let found = error(problem.reference(epsilon), try result.potentials.x.array(), try result.potentials.y.array())
            #expect(abs(result.marginalError - found) <= 2e-6 + 1e-5 * found, "\(steps): \(result.marginalError), \(found)")
        }
    }

    /// From the solution of the same problem a step or two are enough, and of a near one a part of the steps.
    @Test(arguments: Device.all)
    func warmStartsAreShort(device: Device) throws {
        let problem = Problem(60, 50, 2, seed: 54)
        let inputs = try problem.tensors(on: device)
        for isLinear in [false, true] {
            for epsilon in [0.05, 0.01] {
                func solve(_ x: Tensor, from start: (x: Tensor, y: Tensor)?) throws -> EntropicTransport {
                    let options = EntropicTransportOptions(
                        tolerance: 1e-5, maximumIterations: 3000, initial: start, linearMemory: isLinear)
                    return try entropicTransport(
                        .points(x, inputs[1], power: 2), a: inputs[2], b: inputs[3], epsilon: epsilon, options: options)
                }
                let cold = try solve(inputs[0], from: nil)
                let again = try solve(inputs[0], from: cold.potentials)
                let moved = inputs[0] * 1.001
                let (near, far) = (try solve(moved, from: cold.potentials), try solve(moved, from: nil))
                let label = "epsilon \(epsilon), linear \(isLinear)"
                #expect(cold.isConverged && again.isConverged && near.isConverged && far.isConverged, "\(label)")
                #expect(again.iterations <= 3, "\(label): \(again.iterations) of \(cold.iterations)")
                #expect(near.iterations <= far.iterations * 3 / 4, "\(label): \(near.iterations) of \(far.iterations)")
            }
        }
    }

    /// What is held without pairs grows with the points.
    @Test(arguments: Device.all)
    func linearMemoryIsLinear(device: Device) throws {
        func peak(_ n: Int) throws -> Int {
            let inputs = try Problem(n, n, 10, seed: 55).tensors(on: device)
            let options = EntropicTransportOptions(tolerance: 1e-3, maximumIterations: 5, linearMemory: true)
            return try Profiler.measure {
                try valueWithGradient(at: inputs[0]) {
                    try entropicTransport(
                        .points($0, inputs[1], power: 2), a: inputs[2], b: inputs[3], epsilon: 0.5, options: options
                    ).value
                }
            }.measurement.peakBytes
        }
        let (small, large) = (try peak(300), try peak(600))
        #expect(large <= 2 * small + 8192, "\(small), \(large)")
        #expect(large <= 100 * 4 * 1200, "\(large) bytes for 1200 points")
    }
}
