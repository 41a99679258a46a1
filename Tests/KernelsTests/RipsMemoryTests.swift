import Foundation
import LossKitDevice
import LossKitKernels
import Testing

/// What the reduction of a Vietoris-Rips filtration holds.
@Suite struct RipsMemoryTests {
    /// The distances of points around a circle, not quite on it.
    private func distances(_ n: Int) -> ArraySlice<Float> {
        let points = (0..<n).map { i -> (Double, Double) in
            let angle = 2 * Double.pi * Double(i * 7919 % n) / Double(n), radius = 1 + 0.1 * sin(Double(i * i))
            return (radius * cos(angle), radius * sin(angle))
        }
        return ((0..<n * n).map { Float(hypot(points[$0 / n].0 - points[$0 % n].0, points[$0 / n].1 - points[$0 % n].1)) })[...]
    }

    /// A table of ranks, and less than four bytes for each simplex that there can be.
    @Test(arguments: [60, 200])
    func loopsTakeFourBytesASimplex(n: Int) throws {
        let rips = try VietorisRips(distances: distances(n), n: n, maximumDimension: 1, threshold: 10)
        #expect(rips.classes[1].count > 0)
        let (edges, triangles) = (n * (n - 1) / 2, n * (n - 1) * (n - 2) / 6)
        #expect(rips.peakBytes < 20 * n * n + 4 * (edges + triangles))
    }

    @Test func whatExceedsTheLimitIsAnError() throws {
        let n = 100
        let peak = try VietorisRips(distances: distances(n), n: n, maximumDimension: 1, threshold: 10).peakBytes
        for limit in [1, peak / 3] {
            #expect(throws: DeviceError.self) {
                try VietorisRips(distances: distances(n), n: n, maximumDimension: 1, threshold: 10, limit: limit)
            }
        }
        #expect(try VietorisRips(distances: distances(n), n: n, maximumDimension: 1, threshold: 10, limit: 2 * peak).peakBytes <= 2 * peak)
    }
}
