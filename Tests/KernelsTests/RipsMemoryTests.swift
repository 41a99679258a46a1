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

    /// With ties, and the same classes as where the reduction finds them itself.
    @Test(arguments: Device.all.filter(\.isOpenCL))
    func devicesFindTheEdgesThatCompleteTriangles(device: Device) throws {
        let (clouds, n) = (2, 21)
        let lengths = (distances(n) + distances(n).map { ($0 * 3).rounded() }).map { $0 }
        let buffer = try Buffer(byteCount: 4 * lengths.count, on: device)
        try lengths.withUnsafeBytes { try buffer.upload($0) }
        let apparent = try VietorisRips.apparentEdges(BufferSlice(buffer, elementSize: 4), clouds: clouds, n: n, on: device)
        for cloud in 0..<clouds {
            let own = lengths[cloud * n * n..<(cloud + 1) * n * n], first = cloud * n * n
            func key(_ i: Int, _ j: Int) -> (Float, Int, Int) { (own[first + min(i, j) * n + max(i, j)], min(i, j), max(i, j)) }
            for i in 0..<n {
                for j in 0..<n {
                    let completes = i < j && (0..<n).contains { $0 != i && $0 != j && key(i, $0) < key(i, j) && key(j, $0) < key(i, j) }
                    #expect(apparent[first + i * n + j] == (completes ? 1 : 0))
                }
            }
            func classes(_ apparent: ArraySlice<UInt8>) throws -> [[Int]] {
                try VietorisRips(distances: own, apparent: apparent, n: n, maximumDimension: 2, threshold: 10).classes.joined().map {
                    [$0.birth?.0 ?? -1, $0.birth?.1 ?? -1, $0.death?.0 ?? -1, $0.death?.1 ?? -1]
                }
            }
            #expect(try classes(apparent[first..<first + n * n]) == classes([]))
        }
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
