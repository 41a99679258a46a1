import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Entropic transport on a kernel that is held, against that which holds none.
@Suite struct KernelScalingTests {
    private func clouds(_ n: Int, _ m: Int, _ d: Int, on device: Device) throws -> (x: Tensor, y: Tensor) {
        var random = SplitMix64(seed: 31)
        return (
            try Tensor(random.values(n * d).map { Float($0) }, shape: [n, d], on: device),
            try Tensor(random.values(m * d).map { Float($0) }, shape: [m, d], on: device)
        )
    }

    @Test(arguments: Device.all)
    func heldAndOnlineAgree(device: Device) throws {
        let (n, m) = (70, 50)
        let (x, y) = try clouds(n, m, 3, on: device)
        var random = SplitMix64(seed: 32)
        let masses = random.values(n, in: 0.2...1)
        // A point without mass, whose row is of no account.
        let a = try Tensor(
            masses.enumerated().map { $0.offset == 3 ? 0 : Float($0.element / (masses.reduce(0, +) - masses[3])) }, on: device)
        for power in 1...2 {
            for (source, target) in [
                (MarginalPenalty.exact, MarginalPenalty.exact), (.divergence(0.4), .divergence(1)), (.exact, .divergence(0.2)),
            ] {
                for epsilon in [0.2, 0.005] {
                    func solve(_ linearMemory: Bool) throws -> EntropicTransport {
                        let options = EntropicTransportOptions(
                            source: source, target: target, tolerance: 1e-5, maximumIterations: 5000, linearMemory: linearMemory)
                        return try entropicTransport(.points(x, y, power: power), a: a, epsilon: epsilon, options: options)
                    }
                    let (held, online) = (try solve(false), try solve(true))
                    let label = "power \(power), epsilon \(epsilon), \(source), \(target)"
                    #expect(held.isConverged && online.isConverged, "\(label)")
                    try expectClose(held.value, [online.value.scalar()], tolerance: 1e-5, label)
                    try expectClose(held.plan(), online.plan().array(), tolerance: 1e-5, label)
                }
            }
        }
    }

    /// Potentials to begin with that are far off are absorbed on the way; fixed steps are as many as asked for.
    @Test(arguments: Device.all)
    func farStartsAreAbsorbed(device: Device) throws {
        let (x, y) = try clouds(40, 30, 2, on: device)
        var random = SplitMix64(seed: 33)
        var options = EntropicTransportOptions(tolerance: 1e-5, maximumIterations: 20_000)
        options.initial = (
            try Tensor(random.values(40, in: -4...4).map { Float($0) }, on: device),
            try Tensor(random.values(30, in: -4...4).map { Float($0) }, on: device)
        )
        let far = try entropicTransport(.points(x, y, power: 2), epsilon: 0.01, options: options)
        options.initial = nil
        let near = try entropicTransport(.points(x, y, power: 2), epsilon: 0.01, options: options)
        #expect(far.isConverged && near.isConverged)
        try expectClose(far.value, [near.value.scalar()], tolerance: 1e-5)
        for steps in [1, 2, 25] {
            let fixed = try entropicTransport(
                .points(x, y, power: 2), epsilon: 0.01, options: .init(tolerance: 0, maximumIterations: steps, linearMemory: false))
            #expect(fixed.iterations == steps && !fixed.isConverged)
        }
    }

    /// Of many points a sample goes first.
    @Test(arguments: Device.all.prefix(1))
    func samplesLeadTheWay(device: Device) throws {
        let (x, y) = try clouds(2100, 2050, 2, on: device)
        func solve(_ annealing: Double) throws -> EntropicTransport {
            try entropicTransport(
                .points(x, y, power: 2), epsilon: 0.1, options: .init(tolerance: 1e-4, annealing: annealing, gradient: .none))
        }
        let (sampled, plain) = (try solve(0.64), try solve(1))
        #expect(sampled.isConverged && plain.isConverged && sampled.iterations <= plain.iterations)
        try expectClose(sampled.value, [plain.value.scalar()], tolerance: 1e-5)
    }
}
