import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// The conversions that ``TransportCost`` states, held by what others give in float64 for the inputs of ``EntropicTransportTests``:
/// Tests/Peers/transport_golden.py printed the numbers.
@Suite struct TransportConventionTests {
    private typealias Base = EntropicTransportTests
    private let epsilon = 0.1
    private let rho = 0.5

    private func value(
        _ device: Device, power: Int = 2, epsilon: Double, rho: Double? = nil, costs: ((Tensor) throws -> Tensor)? = nil
    ) throws -> EntropicTransport {
        let given = try Base.Given(on: device)
        let penalty = rho.map { MarginalPenalty.divergence($0) } ?? .exact
        var cost = TransportCost.points(given.x, given.y, power: power)
        if let costs {
            let half = try Tensor(Base.reference(power: power).costs.flatMap { $0 }.map { Float($0) }, shape: [9, 6], on: device)
            cost = .matrix(try costs(half))
        }
        return try entropicTransport(
            cost, a: given.a, b: given.b, epsilon: epsilon, options: Base.options(penalty, penalty, tolerance: 1e-6))
    }

    /// `blur` and `reach` are lengths. Its annealed, averaged steps end 5e-6 short of convergence at the scaling 0.9995.
    @Test(arguments: Device.all)
    func geomLoss(device: Device) throws {
        let (blur, reach) = (epsilon.squareRoot(), rho.squareRoot())
        func check(_ power: Int, blur: Double, reach: Double?, _ expected: Double) throws {
            let solution = try value(
                device, power: power, epsilon: TransportCost.epsilon(blur: blur, power: power),
                rho: reach.map { TransportCost.epsilon(blur: $0, power: power) })
            try expectClose(solution.value, [expected], tolerance: 1e-5, "power \(power)")
        }
        try check(2, blur: blur, reach: nil, 0.6930971147272785)
        try check(2, blur: blur, reach: reach, 0.33009109695086397)
        try check(1, blur: epsilon, reach: nil, 1.0049207277365833)
        try check(1, blur: epsilon, reach: rho, 0.5352214783600837)
        let given = try Base.Given(on: device)
        func divergence(_ reach: Double?) throws -> Tensor {
            try sinkhornDivergence(
                given.x, given.y, a: given.a, b: given.b, epsilon: TransportCost.epsilon(blur: blur), reach: reach, tolerance: 1e-6,
                maximumIterations: 3000)
        }
        try expectClose(divergence(nil), [0.5173981184871284], tolerance: 1e-5)
        try expectClose(divergence(reach), [0.16836518169704584], tolerance: 1e-5)
    }

    /// Its `sqeuclidean` is twice the cost: `reg` and `reg_m` are doubled, the objective is halved.
    @Test(arguments: Device.all)
    func pot(device: Device) throws {
        let balanced = try value(device, epsilon: epsilon)
        try expectClose(balanced.linearCost(), [0.5861582974213195], tolerance: 2e-6)
        try expectClose(balanced.value, [0.6931013603435648], tolerance: 2e-6)
        // By the same number on all three: its own units.
        let doubled = try value(device, epsilon: 2 * epsilon) { $0 * 2 }
        try expectClose(doubled.value, [2 * 0.6931013603435648], tolerance: 2e-6)
        try expectClose(doubled.plan(), balanced.plan().array(), tolerance: 1e-6)
        // With sum P log P in place of KL the objective is less by the entropies of the weights.
        let weights = Base.doubles(Base.a) + Base.doubles(Base.b)
        let entropies = weights.reduce(0) { $0 - $1 * log($1) }
        expectClose([try balanced.value.scalar() - epsilon * entropies], [0.31152885728949087], tolerance: 2e-6)
        let unbalanced = try value(device, epsilon: epsilon, rho: rho)
        try expectClose(unbalanced.plan().sum(), [0.6999147950516312], tolerance: 2e-6)
        try expectClose(unbalanced.linearCost(), [0.11465833071385108], tolerance: 2e-6)
        try expectClose(unbalanced.value, [0.3300937165025115], tolerance: 2e-6)
    }

    /// Its `SqEuclidean` is twice the cost too; `scale_cost` divides costs by a number, here their mean.
    @Test(arguments: Device.all)
    func ott(device: Device) throws {
        try expectClose(value(device, epsilon: epsilon).value, [0.6931013603435687], tolerance: 2e-6)
        try expectClose(value(device, power: 1, epsilon: epsilon).value, [1.0049216131178258], tolerance: 2e-6)
        // epsilon=0.05 with scale_cost="mean" of the squared distances.
        let mean = 3.123645973276257
        let scaled = try value(device, epsilon: 0.05 * mean / 2)
        try expectClose(scaled.value * (2 / mean), [0.4284625531160259], tolerance: 2e-6)
        // tau in place of rho, and the entropy of the plan alone.
        #expect(abs(TransportCost.rho(tau: rho / (rho + epsilon), epsilon: epsilon) - rho) < 1e-15)
        let (a, b) = (Base.doubles(Base.a), Base.doubles(Base.b))
        let products = a.flatMap { p in b.map { Float(epsilon * log(p * $0)) } }
        let unbalanced = try value(device, epsilon: epsilon, rho: TransportCost.rho(tau: rho / (rho + epsilon), epsilon: epsilon)) {
            try $0 + Tensor(products, shape: [9, 6], on: device)
        }
        try expectClose(unbalanced.plan().sum(), [1.0074046370702652], tolerance: 5e-6)
    }
}
