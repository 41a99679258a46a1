import LossKitDevice
import LossKitKernels
import Testing

/// What a spanning tree holds: a fixed number of bytes for each point, so that a million points take as many times as much as three thousand.
@Suite struct SpanningTreeMemoryTests {
    /// Points spread evenly, in no order.
    private func points(_ n: Int, d: Int, on device: Device) throws -> Buffer {
        let values = (0..<n * d).map { place -> Float in
            let step: Double = [0.819172513, 0.671043607, 0.549700478][place % d]
            return Float((Double(place / d) * step).truncatingRemainder(dividingBy: 1))
        }
        let points = try Buffer(byteCount: 4 * values.count, on: device)
        try values.withUnsafeBytes { try points.upload($0) }
        return points
    }

    private func bytesAPoint(_ n: Int, d: Int) throws -> Double {
        let points = try points(n, d: d, on: .cpu)
        let (tree, cost) = try Profiler.measure {
            try SpanningTree(.euclidean, n: n, d: d, points: BufferSlice(points, elementSize: 4), on: .cpu)
        }
        #expect(tree.lengths.count == n - 1)
        return Double(cost.peakBytes) / Double(n)
    }

    @Test(arguments: [2, 3])
    func aPointTakesAsManyBytesHoweverManyThereAre(d: Int) throws {
        let (few, many) = try (bytesAPoint(3000, d: d), bytesAPoint(1_000_000, d: d))
        #expect(many < 160 && many < 1.1 * few)
    }

    /// No device looks at all pairs of so many points.
    @Test(arguments: Device.all.filter(\.isOpenCL), [2, 3])
    func manyPointsGoThroughTheHostsHierarchy(device: Device, d: Int) throws {
        let n = SpanningTree.leastForHierarchy
        func tree(on device: Device) throws -> (SpanningTree, Int) {
            let points = try points(n, d: d, on: device)
            let (tree, cost) = try Profiler.measure {
                try SpanningTree(.euclidean, n: n, d: d, points: BufferSlice(points, elementSize: 4), on: device)
            }
            return (tree, cost.launches)
        }
        let ((found, launches), (expected, _)) = (try tree(on: device), try tree(on: .cpu))
        #expect(found.edges == expected.edges && found.lengths == expected.lengths)
        #expect(launches == 1)
    }
}
