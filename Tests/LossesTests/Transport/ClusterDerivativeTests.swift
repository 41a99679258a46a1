import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// The implicit derivative where clusters hardly exchange mass, and the system behind it is nearly singular.
@Suite struct ClusterDerivativeTests {
    /// Two clusters on each side with half of the mass each, so far apart that about `exp(-distance^2 / 2 / epsilon)` is exchanged.
    private static func clouds(distance: Double) -> (x: [Double], y: [Double]) {
        var random = SplitMix64(seed: 109)
        func cloud() -> [Double] {
            (0..<6).flatMap { index -> [Double] in
                let place = random.values(2, in: -0.2...0.2)
                return [Double(Float(place[0] + (index < 3 ? 0 : distance))), Double(Float(place[1]))]
            }
        }
        return (cloud(), cloud())
    }

    @Test(arguments: Device.all, [0.9, 1.2])
    func plansHaveTheirGradient(device: Device, distance: Double) throws {
        let (x, y) = Self.clouds(distance: distance)
        let weights = [Double](repeating: 1 / 6, count: 6)
        func squares(_ x: [Double]) -> Double {
            let reference = ReferenceTransport(costs: ReferenceTransport.halfSquares(x, y, d: 2), a: weights, b: weights, epsilon: 0.1)
            let (f, g, _) = reference.solve(iterations: 200_000)
            return reference.plan(f, g).reduce(0) { $1.reduce($0) { $0 + $1 * $1 } }
        }
        let expected = x.indices.map { index in
            let values = [1e-5, -1e-5].map { step in
                var moved = x
                moved[index] += step
                return squares(moved)
            }
            return (values[0] - values[1]) / 2e-5
        }
        let points = [x, y].map { $0.map { Float($0) } }
        let (moving, still) = (try Tensor(points[0], shape: [6, 2], on: device), try Tensor(points[1], shape: [6, 2], on: device))
        let options = EntropicTransportOptions(tolerance: 1e-7, maximumIterations: 20_000, gradient: .implicit)
        let found = try gradient(at: moving) {
            try entropicTransport(.points($0, still, power: 2), epsilon: 0.1, options: options).plan().square().sum()
        }
        try expectClose(found, expected, tolerance: 2e-6)
    }
}
