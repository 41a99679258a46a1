import LossKitDevice
import LossKitKernels
import Testing

/// What a spanning tree holds: a fixed number of bytes for each point, so that a million points take as many times as much as three thousand.
@Suite struct SpanningTreeMemoryTests {
    private func bytesAPoint(_ n: Int, d: Int) throws -> Double {
        // Spread evenly, in no order.
        let values = (0..<n * d).map { place -> Float in
            let step: Double = [0.819172513, 0.671043607, 0.549700478][place % d]
            return Float((Double(place / d) * step).truncatingRemainder(dividingBy: 1))
        }
        let points = try Buffer(byteCount: 4 * values.count, on: .cpu)
        try values.withUnsafeBytes { try points.upload($0) }
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
}
