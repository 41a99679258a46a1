import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Derivatives of losses of potentials, plan and map by every mode, against differences of a solver in doubles.
@Suite struct TransportDerivativeTests {
    private typealias Base = EntropicTransportTests

    /// Numbers by which the entries of plan and potentials enter a loss.
    private static let planWeights = (0..<54).map { Float(cos(0.9 * Double($0))) }
    private static let rowWeights = (0..<9).map { Float(sin(1.9 * Double($0))) }

    /// A loss of plan, potentials and map that a constant moved between the potentials does not change.
    private func loss(_ solution: EntropicTransport, on device: Device) throws -> Tensor {
        let weights = try Tensor(Self.planWeights, shape: [9, 6], on: device)
        let rows = try Tensor(Self.rowWeights, on: device)
        let f = try solution.potentials.x - solution.potentials.x.mean()
        let map = try solution.barycentricMap(values: weights.transposed())
        return try (solution.plan() * weights).sum() + (f * rows).sum() * 0.3 + map.square().sum() * 0.05
    }

    private func loss(_ reference: ReferenceTransport) -> Double {
        let (f, g, _) = reference.solve()
        let plan = reference.plan(f, g)
        let mean = f.reduce(0, +) / Double(f.count)
        var value = 0.0
        for i in f.indices {
            value += 0.3 * Double(Self.rowWeights[i]) * (f[i] - mean)
            let mass = plan[i].reduce(0, +)
            for j in g.indices { value += plan[i][j] * Double(Self.planWeights[i * 6 + j]) }
            for k in f.indices {
                let mapped = g.indices.reduce(0.0) { $0 + plan[i][$1] * Double(Self.planWeights[k * 6 + $1]) } / mass
                value += 0.05 * mapped * mapped
            }
        }
        return value
    }

    private func differences(_ reference: ReferenceTransport, ofWeights: Bool) -> [Double] {
        let (x, y) = (Base.doubles(Base.x), Base.doubles(Base.y))
        func difference(_ change: (inout ReferenceTransport, Double) -> Void) -> Double {
            var (up, down) = (reference, reference)
            change(&up, 1e-5)
            change(&down, -1e-5)
            return (loss(up) - loss(down)) / 2e-5
        }
        let points = [3, 13].map { place in
            difference { reference, h in
                var moved = x
                moved[place] += h
                reference.costs = ReferenceTransport.halfSquares(moved, y, d: 3)
            }
        }
        let others = [2, 16].map { place in
            difference { reference, h in
                var moved = y
                moved[place] += h
                reference.costs = ReferenceTransport.halfSquares(x, moved, d: 3)
            }
        }
        return points + others + (ofWeights ? [difference { $0.a[3] += $1 }, difference { $0.b[4] += $1 }] : [])
    }

    private static let penalties: [(MarginalPenalty, MarginalPenalty)] = [
        (.exact, .exact), (.divergence(0.5), .divergence(2)), (.divergence(0.7), .range(0...0.9)),
        (.totalVariation(0.4), .totalVariation(0.2)), (.exact, .divergence(0.3)),
    ]

    @Test(arguments: Device.all, penalties.indices)
    func plansAndPotentialsHaveDerivatives(device: Device, index: Int) throws {
        let (source, target) = Self.penalties[index]
        let given = try Base.Given(on: device)
        let isFree = source != .exact && target != .exact
        let expected = differences(Base.reference(epsilon: 0.3, source: source, target: target), ofWeights: isFree)
        for mode in [EntropicTransportOptions.Gradient.implicit, .unrolled(60)] {
            let slopes = try gradient(at: [given.x, given.y, given.a, given.b]) {
                let options = Base.options(source, target, tolerance: 1e-6, gradient: mode)
                return try loss(
                    entropicTransport(.points($0[0], $0[1], power: 2), a: $0[2], b: $0[3], epsilon: 0.3, options: options), on: device)
            }
            let (x, y) = (try slopes[0].array(of: Double.self), try slopes[1].array(of: Double.self))
            var actual = [x[3], x[13], y[2], y[16]]
            if isFree { actual += [try slopes[2][3].scalar(), try slopes[3][4].scalar()] }
            expectClose(actual, expected, tolerance: 1e-3, "\(mode), \(source), \(target)")
        }
        // Costs given as a matrix have the derivative that points pass on.
        let costs = try pairwiseDistance(given.x, given.y, metric: .squaredEuclidean) * 0.5
        func ofCosts(_ mode: EntropicTransportOptions.Gradient) throws -> [Double] {
            try gradient(at: costs) {
                let options = Base.options(source, target, tolerance: 1e-6, gradient: mode)
                return try loss(entropicTransport(.matrix($0), a: given.a, b: given.b, epsilon: 0.3, options: options), on: device)
            }.array()
        }
        expectClose(try ofCosts(.implicit), try ofCosts(.unrolled(60)), tolerance: 5e-4)
    }

    /// Products with the Hessian of the value, through the potentials' own derivative.
    @Test(arguments: Device.all)
    func theValueHasAHessian(device: Device) throws {
        let given = try Base.Given(on: device)
        let direction = try Tensor((0..<27).map { Float(cos(3.3 * Double($0))) }, shape: [9, 3], on: device)
        func value(_ x: Tensor) throws -> Tensor {
            let options = Base.options(tolerance: 1e-6, gradient: .implicit)
            return try entropicTransport(.points(x, given.y, power: 2), a: given.a, b: given.b, epsilon: 0.3, options: options).value
        }
        let product = try gradient(at: given.x) { x in try (gradient(at: x, of: value) * direction).sum() }
        let h = 2e-2
        let ahead = try gradient(at: given.x + direction * h, of: value)
        let behind = try gradient(at: given.x - direction * h, of: value)
        try expectClose(product, ((ahead - behind) / (2 * h)).array(), tolerance: 2e-4)
    }

    /// What a mode cannot give is an error.
    @Test(arguments: Device.all)
    func modesSayWhatTheyCannot(device: Device) throws {
        let given = try Base.Given(on: device)
        func solved(_ x: Tensor, _ mode: EntropicTransportOptions.Gradient, mass: Double? = nil) throws -> EntropicTransport {
            try entropicTransport(.points(x, given.y, power: 2), epsilon: 0.3, options: Base.options(mass: mass, gradient: mode))
        }
        #expect(throws: TensorError.self) { try gradient(at: given.x) { try solved($0, .envelope).plan().square().sum() } }
        #expect(throws: TensorError.self) { try gradient(at: given.x) { try solved($0, .envelope).potentials.x.square().sum() } }
        #expect(throws: TensorError.self) { try gradient(at: given.x) { try solved($0, .envelope).barycentricMap().sum() } }
        #expect(throws: TensorError.self) { try solved(given.x, .implicit, mass: 0.5) }
        #expect(throws: TensorError.self) {
            try gradient(at: given.x) { x in try gradient(at: x) { try solved($0, .envelope).value }.sum() }
        }
        #expect(throws: TensorError.self) {
            try gradient(at: given.x) { x in try gradient(at: x) { try solved($0, .implicit).potentials.x.square().sum() }.sum() }
        }
        let none = try gradient(at: given.x) { try solved($0, .none).plan().square().sum() + $0.sum() }
        try expectClose(none, [Double](repeating: 1, count: 27), tolerance: 0)
        #expect(try gradient(at: given.x) { try solved($0, .envelope, mass: 0.5).value }.isFinite().all().booleans()[0])
    }

    /// Scaling cost and epsilon scales the value; a GeomLoss blur is the root of epsilon; OTT's tau is a share.
    @Test func conventionsConvert() throws {
        let given = try Base.Given(on: .cpu)
        let blur = 0.4
        let epsilon = TransportCost.epsilon(blur: blur)
        #expect(abs(epsilon - 0.16) < 1e-15 && TransportCost.epsilon(blur: blur, power: 1) == blur)
        let half = try entropicTransport(.points(given.x, given.y, power: 2), epsilon: epsilon, options: Base.options())
        let whole = try pairwiseDistance(given.x, given.y, metric: .squaredEuclidean)
        let twice = try entropicTransport(.matrix(whole), epsilon: 2 * blur * blur, options: Base.options())
        try expectClose(twice.value, [2 * half.value.scalar()], tolerance: 1e-5)
        try expectClose(twice.plan(), half.plan().array(), tolerance: 1e-5)
        let rho = TransportCost.rho(tau: 0.8, epsilon: epsilon)
        #expect(abs(rho / (rho + epsilon) - 0.8) < 1e-12)
        // POT's objective with sum P log P, for uniform weights: H(a) + H(b) = log(9 * 6).
        let plan = try half.plan().array(of: Double.self)
        let entropy = plan.reduce(0) { $0 + $1 * log($1) }
        let objective = try half.linearCost().scalar() + epsilon * entropy
        try expectClose(half.value, [objective + epsilon * log(54)], tolerance: 1e-5)
    }
}
