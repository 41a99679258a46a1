import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// The implicit derivative where the system behind it is nearly singular, and where it is large.
@Suite struct ImplicitDerivativeTests {
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

    /// Where clusters hardly exchange mass.
    @Test(arguments: Device.all, [0.9, 1.2])
    func clustersHaveTheirGradient(device: Device, distance: Double) throws {
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

    /// A plan of more than one block: of points that are many copies of few, each copy has its share of what the few have.
    @Test(arguments: Device.all)
    func blocksAddUp(device: Device) throws {
        let (few, copies) = (30, 70)
        var random = SplitMix64(seed: 111)
        func cloud() throws -> Tensor { try Tensor(random.values(few * 2).map { Float($0) }, shape: [few, 2], on: device).evaluated() }
        let (x, y, direction) = (try cloud(), try cloud(), try cloud())
        func slope(copies: Int) throws -> Tensor {
            func copied(_ points: Tensor) throws -> Tensor { try Tensor.concatenate([Tensor](repeating: points, count: copies)).evaluated() }
            let (others, directions) = (try copied(y), try copied(direction))
            let options = EntropicTransportOptions(tolerance: 1e-6, maximumIterations: 5000, gradient: .implicit)
            return try gradient(at: copied(x)) {
                let solution = try entropicTransport(.points($0, others, power: 2), epsilon: 0.1, options: options)
                return try (solution.barycentricMap() * directions).sum()
            }
        }
        let expected = try slope(copies: 1).array(of: Double.self)
        let found = try slope(copies: copies).reshaped([copies, few, 2])
        for copy in [0, 34, copies - 1] { try expectClose(found[copy], expected, tolerance: 2e-5, "\(copy)") }
    }
}
