import Foundation
import LossKitDevice
import LossKitTestSupport
@testable import LossKitKernels
import Testing

/// What devices find of Vietoris-Rips filtrations, against its definition and against the CPU's reduction.
@Suite struct RipsColumnsTests {
    /// Distances [clouds, n, n] of random points, of points on a grid, of those of a complete bipartite graph, which has no triangles, and random ones.
    private func distances(_ n: Int) -> [Float] {
        var random = SplitMix64(seed: 31)
        let points = random.values(3 * n)
        func between(_ scale: Double, _ i: Int, _ j: Int) -> Float {
            Float((0..<3).map { k in pow(((points[3 * i + k] - points[3 * j + k]) * scale).rounded() / scale, 2) }.reduce(0, +).squareRoot())
        }
        let numbers = random.values(n * n, in: 0...1)
        return (0..<4 * n * n).map { place in
            let cloud = place / (n * n), i = place / n % n, j = place % n
            switch cloud {
            case _ where i == j: return 0
            case 0: return between(1e6, i, j)
            case 1: return between(2, i, j)
            case 2: return i % 2 == j % 2 ? 2 : 1
            default: return Float((numbers[min(i, j) * n + max(i, j)] * 9).rounded())
            }
        }
    }
    private let thresholds: [Float] = [10, 1.5, 1.5, 7]

    private func columns(_ lengths: [Float], _ n: Int, on device: Device) throws -> RipsColumns {
        let buffer = try Buffer(byteCount: 4 * lengths.count, on: device)
        try lengths.withUnsafeBytes { try buffer.upload($0) }
        return try RipsColumns(distances: BufferSlice(buffer, elementSize: 4), n: n, thresholds: thresholds, on: device)
    }

    @Test(arguments: Device.all.filter(\.isOpenCL))
    func devicesListWhatNoRuleLeavesOut(device: Device) throws {
        let n = 22, lengths = distances(n)
        let columns = try columns(lengths, n, on: device)
        for cloud in thresholds.indices {
            let own = Array(lengths[cloud * n * n..<(cloud + 1) * n * n])
            func key(_ i: Int, _ j: Int) -> (Float, Int, Int) { (own[min(i, j) * n + max(i, j)], min(i, j), max(i, j)) }
            let pairs = (0..<n * n).filter { $0 / n < $0 % n && own[$0] <= thresholds[cloud] }.sorted { key($0 / n, $0 % n) < key($1 / n, $1 % n) }
            var component = Array(0..<n), edges: [Int64] = [], triangles: [Int64] = []
            for pair in pairs {
                let (i, j) = (pair / n, pair % n), (a, b) = (component[pair / n], component[pair % n])
                for v in 0..<n where component[v] == b { component[v] = a }
                let others = (0..<n).filter { $0 != i && $0 != j && key(i, $0) < key(i, j) && key(j, $0) < key(i, j) }
                if others.isEmpty && a == b { edges.append(Int64(pair)) }
                for v in others.dropFirst() where !others.contains(where: { $0 < v && key($0, v) < key(i, j) }) {
                    triangles.append(Int64(pair * n + v))
                }
            }
            #expect(columns.edges[cloud] == edges.sorted())
            #expect(try columns.triangles(ofCloud: cloud, cleared: []) == triangles.sorted())
            let some = triangles.enumerated().filter { $0.offset % 3 == 0 }.map(\.element)
            #expect(try columns.triangles(ofCloud: cloud, cleared: some + [7]) == triangles.filter { !some.contains($0) }.sorted())
        }
        // Of more there is room only in a second attempt.
        #expect(columns.edges.joined().count > 4 * n)
    }

    @Test(arguments: Device.all.filter(\.isOpenCL), [1, 2, 3])
    func classesAreThoseOfTheCPU(device: Device, dimension: Int) throws {
        let n = 22, lengths = distances(n)
        func classes(_ columns: RipsColumns?) throws -> [[[[Int]]]] {
            try VietorisRips.all(
                distances: lengths, columns: columns, n: n, maximumDimension: dimension, thresholds: thresholds, withCocycles: true
            ).map { rips in
                rips.classes.map { classes in
                    classes.map { [$0.birth?.0 ?? -1, $0.birth?.1 ?? -1, $0.death?.0 ?? -1, $0.death?.1 ?? -1] + $0.cocycle.map { Int($0) } }
                }
            }
        }
        let found = try classes(columns(lengths, n, on: device))
        #expect(try found == classes(nil))
        #expect(found.contains { $0[dimension].count > 0 })
    }
}
