import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Entropic transport where the solution is known.
@Suite struct TransportClosedFormTests {
    private func cloud(_ n: Int, _ d: Int, seed: UInt64, on device: Device) throws -> Tensor {
        var random = SplitMix64(seed: seed)
        return try Tensor(random.values(n * d).map { Float(Int($0 * 64)) / 64 }, shape: [n, d], on: device)
    }

    private let options = EntropicTransportOptions(tolerance: 1e-6, maximumIterations: 5000)

    /// Of one point and one point everything is the cost between them, whatever epsilon is.
    @Test(arguments: Device.all, [1e-4, 0.1, 10])
    func diracs(device: Device, epsilon: Double) throws {
        let x = try Tensor([0.5, -1, 2] as [Float], shape: [1, 3], on: device)
        let y = try Tensor([1.5, 1, 0] as [Float], shape: [1, 3], on: device)
        for (power, cost, slope) in [(2, 4.5, [-1, -2, 2]), (1, 3, [-1 / 3, -2 / 3, 2 / 3])] as [(Int, Double, [Double])] {
            let (value, gradient) = try valueWithGradient(at: x) {
                try entropicTransport(.points($0, y, power: power), epsilon: epsilon, options: options).value
            }
            try expectClose(value, [cost], tolerance: 1e-6)
            try expectClose(gradient, slope, tolerance: 1e-6)
            let solution = try entropicTransport(.points(x, y, power: power), epsilon: epsilon, options: options)
            try expectClose(solution.potentials.x + solution.potentials.y, [cost], tolerance: 1e-6)
            try expectClose(solution.plan(), [1], tolerance: 1e-6)
            try expectClose(sinkhornDivergence(x, y, epsilon: epsilon, power: power), [cost], tolerance: 1e-6)
        }
    }

    /// A cloud that is moved by t: `OT(x, x + t) = OT(x, x) + |t|^2 / 2`, and the divergence is `|t|^2 / 2` at every epsilon.
    @Test(arguments: Device.all, [0.01, 0.1, 1])
    func translations(device: Device, epsilon: Double) throws {
        let x = try cloud(12, 2, seed: 61, on: device)
        let shift = try Tensor([0.75, -0.5] as [Float], on: device)
        let half = (0.75 * 0.75 + 0.5 * 0.5) / 2
        func value(_ y: Tensor) throws -> Double {
            try entropicTransport(.points(x, y, power: 2), epsilon: epsilon, options: options).value.scalar()
        }
        let (apart, within) = (try value(x + shift), try value(x))
        expectClose([apart], [within + half], tolerance: 2e-6)
        let (divergence, slope) = try valueWithGradient(at: x) {
            try sinkhornDivergence($0, x + shift, epsilon: epsilon, tolerance: 1e-6, maximumIterations: 5000)
        }
        try expectClose(divergence, [half], tolerance: 2e-6)
        // Every point is pulled along by its share.
        try expectClose(slope, (0..<12).flatMap { _ in [-0.75 / 12, 0.5 / 12] }, tolerance: 5e-6)
    }

    /// The order of points does not count, and the plan follows it.
    @Test(arguments: Device.all)
    func permutations(device: Device) throws {
        let (x, y) = (try cloud(9, 3, seed: 62, on: device), try cloud(7, 3, seed: 63, on: device))
        let order = [4, 0, 6, 2, 1, 5, 3]
        let moved = try Tensor.stack(order.map { y[$0] })
        let (plain, other) = (
            try entropicTransport(.points(x, y, power: 2), epsilon: 0.05, options: options),
            try entropicTransport(.points(x, moved, power: 2), epsilon: 0.05, options: options)
        )
        try expectClose(other.value, [plain.value.scalar()], tolerance: 1e-6)
        let (plan, permuted) = (try plain.plan().array(of: Double.self), try other.plan().array(of: Double.self))
        expectClose(permuted, (0..<9).flatMap { i in order.map { plan[i * 7 + $0] } }, tolerance: 1e-6)
        // Of permuted copies with few, far points and a small epsilon the plan is the permutation.
        let far = try Tensor([0, 0, 4, 0, 0, 4, 4, 4] as [Float], shape: [4, 2], on: device)
        let swapped = try Tensor.stack([far[2], far[0], far[3], far[1]])
        let solution = try entropicTransport(.points(far, swapped, power: 2), epsilon: 0.05, options: options)
        try expectClose(solution.plan(), [0, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0].map { $0 / 4 }, tolerance: 1e-6)
    }

    /// Between Gaussians on the line with deviations s and t the plan is Gaussian with the covariance
    /// `c = sqrt(epsilon^2 / 4 + s^2 t^2) - epsilon / 2`: the value is `(m^2 + s^2 + t^2) / 2 - c - epsilon / 2 log(1 - c^2 / (s t)^2)`, and
    /// x goes to `m + c / s^2 x` on average.
    @Test(arguments: Device.all, [0.05, 0.5])
    func gaussiansOnTheLine(device: Device, epsilon: Double) throws {
        let (mean, s, t, count) = (0.7, 0.5, 0.8, 160)
        func grid(_ mean: Double, _ deviation: Double) throws -> (points: [Double], point: Tensor, weight: Tensor) {
            let points = (0..<count).map { place -> Double in
                let share: Double = 2 * (Double(place) + 0.5) / Double(count) - 1
                return Double(Float(mean + 6 * deviation * share))
            }
            let densities = points.map { point -> Double in
                let off: Double = (point - mean) / deviation
                return exp(-off * off / 2)
            }
            let sum = densities.reduce(0, +)
            return (
                points, try Tensor(points.map { Float($0) }, shape: [count, 1], on: device),
                try Tensor(densities.map { Float($0 / sum) }, on: device)
            )
        }
        let (from, to) = (try grid(0, s), try grid(mean, t))
        let c = (epsilon * epsilon / 4 + s * s * t * t).squareRoot() - epsilon / 2
        let expected = (mean * mean + s * s + t * t) / 2 - c - epsilon / 2 * log(1 - c * c / (s * s * t * t))
        let solution = try entropicTransport(
            .points(from.point, to.point, power: 2), a: from.weight, b: to.weight, epsilon: epsilon, options: options)
        #expect(solution.isConverged)
        try expectClose(solution.value, [expected], tolerance: 1e-5)
        let map = try solution.barycentricMap().array(of: Double.self)
        let middle = from.points.indices.filter { abs(from.points[$0]) < 2.5 * s }
        expectClose(middle.map { map[$0] }, middle.map { mean + c / (s * s) * from.points[$0] }, tolerance: 1e-4)
    }
}
