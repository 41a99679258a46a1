import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Derivatives of transport for what the points of a cost share: a ground metric can be learned.
@Suite struct FormulaParameterTests {
    private static let scales = [0.7, 1.2, 0.4]
    private static let power = 0.3

    /// `s sum_k scales_k |x_k - y_k| + sum_k scales_k (x_k - y_k)^2 / 2`, which takes the scales twice.
    private static func cost(_ x: Tensor, _ y: Tensor, _ scales: Tensor, _ s: Tensor) -> TransportCost {
        .formula(x, y) { x, y in
            let difference = x - y
            return (difference.absolute() * .parameter(scales)).coordinateSum() * .parameter(s)
                + (difference.square() * .parameter(scales)).coordinateSum() / 2
        }
    }

    /// The same in doubles, of the scales and s.
    private static func reference(
        _ problem: FormulaTransportProblem, _ parameters: [Double], _ penalty: MarginalPenalty = .exact
    ) -> ReferenceTransport {
        let cost = CostFormula(testDescription: "scaled", cost: { .metric(.dot, $0, $1) }) { x, y in
            zip(zip(x, y), parameters).reduce(0) {
                let difference = abs($1.0.0 - $1.0.1)
                return $0 + $1.1 * (parameters[3] * difference + difference * difference / 2)
            }
        }
        return problem.reference(cost, 0.2, penalty)
    }

    /// Central differences of a function of the scales and s.
    private static func differences(_ function: ([Double]) -> Double) -> [Double] {
        (0..<4).map { index in
            let values = [1e-5, -1e-5].map { step in
                var moved = scales + [power]
                moved[index] += step
                return function(moved)
            }
            return (values[0] - values[1]) / 2e-5
        }
    }

    private static func parameters(on device: Device) throws -> [Tensor] {
        [try Tensor(scales.map { Float($0) }, on: device), try Tensor(Float(power), on: device)]
    }

    @Test(arguments: Device.all, [MarginalPenalty.exact, .divergence(0.4)])
    func theValueHasThem(device: Device, penalty: MarginalPenalty) throws {
        let problem = FormulaTransportProblem(seed: 89)
        let given = try problem.tensors(on: device)
        let expected = Self.differences { parameters in
            let reference = Self.reference(problem, parameters, penalty)
            let (f, g, _) = reference.solve()
            return reference.objective(reference.plan(f, g))
        }
        for mode in [EntropicTransportOptions.Gradient.envelope, .implicit, .unrolled(40)] {
            let options = EntropicTransportOptions(
                source: penalty, target: penalty, tolerance: 1e-6, maximumIterations: 20_000, gradient: mode)
            let slopes = try gradient(at: Self.parameters(on: device)) {
                try entropicTransport(
                    Self.cost(given.x, given.y, $0[0], $0[1]), a: given.a, b: given.b, epsilon: 0.2, options: options
                ).value
            }
            #expect(slopes.map(\.shape) == [[3], []])
            expectClose(try slopes.flatMap { try $0.array(of: Double.self) }, expected, tolerance: 2e-5, "\(mode)")
        }
    }

    /// The plan's derivative goes through the potentials too.
    @Test(arguments: Device.all)
    func plansHaveThem(device: Device) throws {
        let problem = FormulaTransportProblem(seed: 91)
        let given = try problem.tensors(on: device)
        let expected = Self.differences { parameters in
            let reference = Self.reference(problem, parameters)
            let (f, g, _) = reference.solve()
            return reference.plan(f, g).reduce(0) { $1.reduce($0) { $0 + $1 * $1 } }
        }
        for mode in [EntropicTransportOptions.Gradient.implicit, .unrolled(80)] {
            let options = EntropicTransportOptions(tolerance: 1e-6, maximumIterations: 20_000, gradient: mode)
            let slopes = try gradient(at: Self.parameters(on: device)) {
                try entropicTransport(
                    Self.cost(given.x, given.y, $0[0], $0[1]), a: given.a, b: given.b, epsilon: 0.2, options: options
                ).plan().square().sum()
            }
            expectClose(try slopes.flatMap { try $0.array(of: Double.self) }, expected, tolerance: 2e-6, "\(mode)")
        }
    }

    /// Second derivatives.
    @Test(arguments: Device.all)
    func theValueHasAHessian(device: Device) throws {
        let problem = FormulaTransportProblem(seed: 93)
        let given = try problem.tensors(on: device)
        let direction = [0.6, -0.4, 0.9]
        func value(_ scales: Tensor, _ s: Tensor) throws -> Tensor {
            let options = EntropicTransportOptions(tolerance: 1e-6, maximumIterations: 20_000, gradient: .implicit)
            return try entropicTransport(
                Self.cost(given.x, given.y, scales, s), a: given.a, b: given.b, epsilon: 0.2, options: options
            ).value
        }
        func slopes(_ step: Double) -> [Double] {
            (0..<4).map { index in
                let values = [1e-4, -1e-4].map { small in
                    var moved = zip(Self.scales, direction).map { $0 + step * $1 } + [Self.power]
                    moved[index] += small
                    let reference = Self.reference(problem, moved)
                    let (f, g, _) = reference.solve()
                    return reference.objective(reference.plan(f, g))
                }
                return (values[0] - values[1]) / 2e-4
            }
        }
        let expected = zip(slopes(1e-3), slopes(-1e-3)).map { ($0 - $1) / 2e-3 }
        let products = try gradient(at: Self.parameters(on: device)) { parameters in
            let slope = try gradient(at: parameters[0]) { try value($0, parameters[1]) }
            return try (slope * Tensor(direction.map { Float($0) }, on: device)).sum()
        }
        expectClose(try products.flatMap { try $0.array(of: Double.self) }, expected, tolerance: 2e-5)
    }

    /// Each of a divergence's three problems has a part in them.
    @Test(arguments: Device.all)
    func divergencesHaveThem(device: Device) throws {
        let problem = FormulaTransportProblem(seed: 97)
        let given = try problem.tensors(on: device)
        typealias Cloud = (points: [Double], weights: [Double])
        let (x, y) = ((problem.x, problem.a), (problem.y, problem.b))
        func value(_ scales: [Double]) -> Double {
            func transport(_ x: Cloud, _ y: Cloud) -> Double {
                let costs = x.weights.indices.map { i in
                    y.weights.indices.map { j in
                        scales.indices.reduce(0) { $0 + scales[$1] * abs(x.points[3 * i + $1] - y.points[3 * j + $1]) }
                    }
                }
                let reference = ReferenceTransport(costs: costs, a: x.weights, b: y.weights, epsilon: 0.4)
                let (f, g, _) = reference.solve()
                return reference.objective(reference.plan(f, g))
            }
            return transport(x, y) - (transport(x, x) + transport(y, y)) / 2
        }
        let expected = Self.differences { value(Array($0.dropLast())) }.dropLast()
        let found = try gradient(at: Self.parameters(on: device)[0]) { scales in
            try sinkhornDivergence(
                given.x, given.y, a: given.a, b: given.b, epsilon: 0.4, tolerance: 1e-6, maximumIterations: 20_000
            ) { (($0 - $1).absolute() * .parameter(scales)).coordinateSum() }
        }
        expectClose(try found.array(), Array(expected), tolerance: 1e-5)
    }

    /// Of many points, which begin with a sample of them and are never written out.
    @Test(arguments: Device.all)
    func manyPointsHaveThem(device: Device) throws {
        var random = SplitMix64(seed: 95)
        func cloud() throws -> Tensor { try Tensor(random.values(1100 * 3).map { Float($0) }, shape: [1100, 3], on: device).evaluated() }
        let (x, y) = (try cloud(), try cloud())
        let scales = try Self.parameters(on: device)[0]
        func slope(isLinear: Bool, _ cost: @escaping @Sendable (Tensor) throws -> TransportCost) throws -> [Double] {
            let options = EntropicTransportOptions(tolerance: 1e-5, linearMemory: isLinear)
            return try gradient(at: scales) { try entropicTransport(cost($0), epsilon: 0.2, options: options).value }.array()
        }
        let online = try slope(isLinear: true) { scales in .formula(x, y) { (($0 - $1).absolute() * .parameter(scales)).coordinateSum() } }
        let written = try slope(isLinear: false) { scales in
            .matrix(try pairwiseDistance(x * scales, y * scales, metric: .manhattan))
        }
        expectClose(online, written, tolerance: 1e-4)
    }
}
