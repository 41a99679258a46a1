import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// How many steps entropic transport takes at an epsilon where plain alternating ones would take 1500 and averaged ones several thousand.
@Suite struct RelaxationTests {
    private static let count = 200

    private func clouds(on device: Device) throws -> (x: Tensor, y: Tensor, epsilon: Double) {
        func cloud(_ scale: Double, _ wave: (Double) -> (Double, Double)) throws -> Tensor {
            let values = (0..<Self.count).flatMap { place -> [Float] in
                let point = wave(Double(place))
                return [Float(scale * point.0), Float(scale * point.1)]
            }
            return try Tensor(values, shape: [Self.count, 2], on: device)
        }
        let x = try cloud(1) { (sin(1.7 * $0 + 0.2), sin(2.3 * $0)) }
        let y = try cloud(0.8) { (cos(1.3 * $0), cos(0.7 * $0 + 1)) }
        let mean = try pairwiseDistance(x, y, metric: .squaredEuclidean).mean().scalar() / 2
        return (x, y, 0.002 * mean)
    }

    /// Held costs, held kernels and none of both; errors that rise for a while do not end relaxation.
    @Test(arguments: Device.all)
    func alternatingStepsAreFew(device: Device) throws {
        let (x, y, epsilon) = try clouds(on: device)
        let matrix = try pairwiseDistance(x, y, metric: .squaredEuclidean) * 0.5
        for (cost, linearMemory) in [(TransportCost.points(x, y, power: 2), true), (.points(x, y, power: 2), false), (.matrix(matrix), false)] {
            let solution = try entropicTransport(
                cost, epsilon: epsilon, options: .init(tolerance: 1e-4, maximumIterations: 4000, linearMemory: linearMemory))
            #expect(solution.isConverged && solution.iterations < 300, "\(solution.iterations) steps to \(solution.marginalErrors)")
            let marginals = try solution.marginals()
            for marginal in [marginals.x, marginals.y] {
                let off = try marginal.array(of: Double.self).reduce(0) { $0 + abs($1 - 1 / Double(Self.count)) }
                #expect(off < 1.1e-4, "\(off)")
            }
        }
    }

    @Test(arguments: Device.all)
    func averagedStepsAreFew(device: Device) throws {
        let (x, y, epsilon) = try clouds(on: device)
        let result = try sinkhorn(x, y, epsilon: epsilon, tolerance: 1e-3, maximumIterations: 4000)
        #expect(result.isConverged && result.iterations < 400, "\(result.iterations) steps to \(result.marginalErrors)")
    }
}
