import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Entropic transport where rounding, ties or a vanishing epsilon could spoil value or gradient.
@Suite struct TransportEdgeTests {
    private func solved(
        _ x: Tensor, _ y: Tensor, a: Tensor? = nil, epsilon: Double = 0.1, tolerance: Double = 1e-5
    ) throws -> (value: Double, slope: [Double]) {
        let options = EntropicTransportOptions(tolerance: tolerance, maximumIterations: 20_000)
        let (value, slope) = try valueWithGradient(at: x) {
            try entropicTransport(.points($0, y, power: 2), a: a, epsilon: epsilon, options: options).value
        }
        return (try value.scalar(), try slope.array())
    }

    /// Multiples of 1/64, which are exact at 1e4.
    private func cloud(_ n: Int, seed: UInt64, on device: Device) throws -> Tensor {
        var random = SplitMix64(seed: seed)
        return try Tensor(random.values(2 * n).map { Float(Int($0 * 64)) / 64 }, shape: [n, 2], on: device)
    }

    @Test(arguments: Device.all)
    func farCloudsAreLikeNearOnes(device: Device) throws {
        let (x, y) = (try cloud(10, seed: 41, on: device), try cloud(8, seed: 42, on: device))
        let (near, far) = (try solved(x, y), try solved(x + 10_000, y + 10_000))
        expectClose([far.value], [near.value], tolerance: 1e-5)
        expectClose(far.slope, near.slope, tolerance: 1e-5)
    }

    /// A point twice with half its mass each is that point.
    @Test(arguments: Device.all)
    func duplicatesShareTheirPull(device: Device) throws {
        let (x, y) = (try cloud(6, seed: 43, on: device), try cloud(8, seed: 44, on: device))
        let twice = try Tensor.concatenate([x, x])
        let (once, double) = (try solved(x, y), try solved(twice, y))
        expectClose([double.value], [once.value], tolerance: 1e-5)
        expectClose(double.slope, (once.slope + once.slope).map { $0 / 2 }, tolerance: 1e-5)
    }

    @Test(arguments: Device.all)
    func onePointIsPulledToTheMean(device: Device) throws {
        let y = try cloud(8, seed: 45, on: device)
        let x = try Tensor([0.25, -0.5] as [Float], shape: [1, 2], on: device)
        let one = try solved(x, y)
        let costs = try pairwiseDistance(x, y, metric: .squaredEuclidean) * 0.5
        expectClose([one.value], [try costs.mean().scalar()], tolerance: 1e-6)
        expectClose(one.slope, try (x - y.mean(axes: [0], keepDimensions: true)).array(), tolerance: 1e-6)
    }

    /// Identical clouds: the derivative for one of them is that of the formula in doubles.
    @Test(arguments: Device.all)
    func identicalCloudsHaveTheirGradient(device: Device) throws {
        let x = try cloud(6, seed: 46, on: device)
        let points = try x.array(of: Double.self)
        let sixth = [Double](repeating: 1 / 6, count: 6)
        func value(_ moved: [Double]) -> Double {
            ReferenceTransport(costs: ReferenceTransport.halfSquares(moved, points, d: 2), a: sixth, b: sixth, epsilon: 0.1).value
        }
        let expected = points.indices.map { place in
            var (up, down) = (points, points)
            up[place] += 1e-5
            down[place] -= 1e-5
            return (value(up) - value(down)) / 2e-5
        }
        expectClose(try solved(x, x).slope, expected, tolerance: 1e-5)
    }

    /// At a vanishing epsilon points are pulled to their partners alone.
    @Test(arguments: Device.all)
    func smallEpsilonsPullToPartners(device: Device) throws {
        let x = try cloud(6, seed: 47, on: device)
        let y = x * 1.25 + 3
        let found = try solved(x, y, epsilon: 1e-4, tolerance: 1e-4)
        // A scaled and moved cloud is the image of a convex function's gradient.
        expectClose(found.slope, try ((x - y) / 6).array(), tolerance: 1e-4)
        expectClose([found.value], [try (x - y).square().sum().scalar() / 12], tolerance: 1e-3)
    }
}
