import Foundation
import LossKitDevice
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// Neighbours against sorting all distances in doubles.
@Suite struct NearestNeighborsTests {
    private func value(_ metric: Metric, _ a: ArraySlice<Double>, _ b: ArraySlice<Double>) -> Double {
        let pairs = zip(a, b)
        switch metric {
        case .squaredEuclidean: return pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        case .euclidean: return pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        case .manhattan: return pairs.reduce(0) { $0 + abs($1.0 - $1.1) }
        case .chebyshev: return pairs.reduce(0) { max($0, abs($1.0 - $1.1)) }
        case .dot: return pairs.reduce(0) { $0 + $1.0 * $1.1 }
        case .cosine:
            let (p, q) = (a.reduce(0) { $0 + $1 * $1 }, b.reduce(0) { $0 + $1 * $1 })
            return 1 - pairs.reduce(0) { $0 + $1.0 * $1.1 } / (p * q).squareRoot()
        }
    }

    private func tensor(_ points: Matrix, on device: Device) throws -> Tensor {
        try Tensor(points.values.map { Float($0) }, shape: points.shape, on: device)
    }

    private func drawn(_ n: Int, _ d: Int, seed: UInt64, span: Int? = nil, offset: Double = 0) -> Matrix {
        var random = SplitMix64(seed: seed)
        let values = (0..<n * d).map { _ in
            span.map { Double(Int.random(in: -$0...$0, using: &random)) }
                ?? Double(Float(Double.random(in: -1...1, using: &random) + offset))
        }
        return Matrix(rows: n, columns: d, values: values)
    }

    /// All distances of a query in order: by distance, of equal ones by index.
    private func ranked(_ metric: Metric, _ x: Matrix, _ i: Int, _ y: Matrix, excludingSelf: Bool) -> [(distance: Double, index: Int)] {
        let d = x.columns
        let all = (0..<y.rows).filter { !(excludingSelf && $0 == i) }.map { j in
            (distance: value(metric, x.values[i * d..<(i + 1) * d], y.values[j * d..<(j + 1) * d]), index: j)
        }
        return all.sorted { a, b in
            a.distance == b.distance ? a.index < b.index : (metric == .dot ? a.distance > b.distance : a.distance < b.distance)
        }
    }

    /// Whole numbers leave no room for rounding: ties are many, and exact.
    @Test(arguments: Device.all, Metric.allCases.filter { $0 != .cosine })
    func tiesGoToTheLowerIndex(device: Device, metric: Metric) throws {
        for (n, m, d, k, span) in [(7, 40, 2, 5, 2), (30, 300, 17, 12, 1), (5, 1030, 20, 40, 1), (9, 70, 64, 70, 1), (3, 2100, 16, 3, 4)] {
            let (x, y) = (drawn(n, d, seed: 1, span: span), drawn(m, d, seed: 2, span: span))
            let found = try nearestNeighbors(of: tensor(x, on: device), in: tensor(y, on: device), k: k, metric: metric)
            let expected = (0..<n).map { ranked(metric, x, $0, y, excludingSelf: false).prefix(k) }
            #expect(try found.indices.array(of: Int.self) == expected.flatMap { $0.map(\.index) }, "\(metric) \(n) \(m) \(d) \(k)")
            try expectClose(found.distances, expected.flatMap { $0.map(\.distance) }, tolerance: 2e-7, "\(metric) \(n) \(m) \(d) \(k)")
        }
    }

    @Test(arguments: Device.all, Metric.allCases)
    func distancesAreTheSmallestThereAre(device: Device, metric: Metric) throws {
        for (n, d, k, isSelf) in [(50, 3, 4, true), (130, 33, 10, true), (70, 24, 69, true), (90, 18, 1, false)] {
            let x = drawn(n, d, seed: 3)
            let y = isSelf ? x : drawn(1100, d, seed: 4)
            let a = try tensor(x, on: device)
            let b = isSelf ? a : try tensor(y, on: device)
            let found = try nearestNeighbors(of: a, in: b, k: k, metric: metric, excludingSelf: isSelf)
            let (distances, indices) = (try found.distances.array(of: Double.self), try found.indices.array(of: Int.self))
            for i in 0..<n {
                let expected = ranked(metric, x, i, y, excludingSelf: isSelf)
                let own = Array(distances[i * k..<(i + 1) * k])
                expectClose(own, expected.prefix(k).map(\.distance), tolerance: 4e-6, "\(metric) \(n) row \(i)")
                let exact = Dictionary(uniqueKeysWithValues: expected.map { ($0.index, $0.distance) })
                expectClose(own, indices[i * k..<(i + 1) * k].map { exact[$0] ?? .infinity }, tolerance: 4e-6, "\(metric) \(n) row \(i)")
                #expect(Set(indices[i * k..<(i + 1) * k]).count == k)
            }
        }
    }

    @Test(arguments: Device.all)
    func manyNeighborsComeInOrder(device: Device) throws {
        let (x, y) = (drawn(3, 16, seed: 5, span: 3), drawn(3000, 16, seed: 6, span: 3))
        let found = try nearestNeighbors(of: tensor(x, on: device), in: tensor(y, on: device), k: 1024, metric: .squaredEuclidean)
        let expected = (0..<3).flatMap { ranked(.squaredEuclidean, x, $0, y, excludingSelf: false).prefix(1024).map(\.index) }
        #expect(try found.indices.array(of: Int.self) == expected)
    }

    /// Points whose products cannot tell them apart: equal ones, tight clusters far apart, and lengths that float32 does not hold.
    @Test(arguments: Device.all)
    func productsThatTellNothingAreNotTrusted(device: Device) throws {
        let (n, d) = (200, 20)
        let same = try Tensor([Float](repeating: 0.3, count: n * d), shape: [n, d], on: device)
        let first = try nearestNeighbors(of: same, in: same, k: 3, excludingSelf: true)
        #expect(try first.distances.array(of: Float.self).allSatisfy { $0 == 0 })
        #expect(try first.indices.array(of: Int.self) == (0..<n).flatMap { i in Array((0..<4).filter { $0 != i }.prefix(3)) })
        var clusters = drawn(n, d, seed: 7)
        for place in clusters.values.indices {
            clusters.values[place] = Double(Float(clusters.values[place] * 1e-4 + (place / d % 2 == 0 ? 50 : -50)))
        }
        let points = try tensor(clusters, on: device)
        let found = try nearestNeighbors(of: points, in: points, k: 4, metric: .squaredEuclidean, excludingSelf: true)
        let expected = (0..<n).flatMap { ranked(.squaredEuclidean, clusters, $0, clusters, excludingSelf: true).prefix(4).map(\.distance) }
        expectClose(try found.distances.array(of: Double.self), expected, tolerance: 1e-5, scale: expected)
        let far = try nearestNeighbors(of: points * 1e30, in: points * 1e30, k: 2, metric: .squaredEuclidean)
        #expect(try far.indices.array(of: Int.self).count == 2 * n)
    }

    @Test(arguments: Device.all, Metric.allCases)
    func gradientsAgreeWithDifferences(device: Device, metric: Metric) throws {
        let (n, m, d, k) = (4, 9, 3, 2)
        let (x, y) = (drawn(n, d, seed: 8), drawn(m, d, seed: 9))
        var random = SplitMix64(seed: 10)
        let weights = random.values(n * k, in: 0.5...1.5).map { Double(Float($0)) }
        let weighing = try Tensor(weights.map { Float($0) }, shape: [n, k], on: device)
        let slopes = try gradient(at: [tensor(x, on: device), tensor(y, on: device)]) {
            try (nearestNeighbors(of: $0[0], in: $0[1], k: k, metric: metric).distances * weighing).sum()
        }
        func total(_ x: Matrix, _ y: Matrix) -> Double {
            (0..<n).reduce(0) { sum, i in
                sum
                    + zip(ranked(metric, x, i, y, excludingSelf: false).prefix(k), weights[(i * k)...]).reduce(0) {
                        $0 + $1.0.distance * $1.1
                    }
            }
        }
        let differences = centralDifferences(x.values + y.values) {
            total(Matrix(rows: n, columns: d, values: Array($0[..<(n * d)])), Matrix(rows: m, columns: d, values: Array($0[(n * d)...])))
        }
        for (slope, part) in zip(slopes, [differences[..<(n * d)], differences[(n * d)...]]) {
            try expectClose(slope, Array(part), tolerance: 1e-5, "\(metric)")
        }
    }

    /// Points that float32 sums of differences put in one place, and that only doubles tell apart.
    @Test(arguments: [Metric.squaredEuclidean, .euclidean, .dot], [16, 64])
    func productsFindWhatDoublesTell(metric: Metric, d: Int) throws {
        let (n, m, k) = (60, 900, 10)
        let x = drawn(n, d, seed: 13)
        var y = drawn(m, d, seed: 14)
        for j in m / 3..<m {
            for axis in 0..<d { y.values[j * d + axis] = y.values[j % (m / 3) * d + axis] }
            // The first third again a unit in the last place away, then the same once more: ties.
            if j < 2 * m / 3 { y.values[j * d + j % d] = Double(Float(y.values[j * d + j % d]).nextUp) }
        }
        let found = try nearestNeighbors(of: tensor(x, on: .cpu), in: tensor(y, on: .cpu), k: k, metric: metric)
        let expected = (0..<n).flatMap { ranked(metric, x, $0, y, excludingSelf: false).prefix(k).map(\.index) }
        #expect(try found.indices.array(of: Int.self) == expected)
    }

    @Test(arguments: Device.all)
    func anyDistanceFindsItsNearest(device: Device) throws {
        let (n, m, d, k) = (600, 2100, 2, 3)
        let (x, y) = (drawn(n, d, seed: 15, span: 3), drawn(m, d, seed: 16, span: 3))
        let (queries, points) = (try tensor(x, on: device), try tensor(y, on: device))
        let found = try nearestNeighbors(of: queries, in: points, k: k) { try pairwiseDistance($0, $1, metric: .manhattan) }
        let expected = (0..<n).flatMap { ranked(.manhattan, x, $0, y, excludingSelf: false).prefix(k).map(\.index) }
        #expect(try found.indices.array(of: Int.self) == expected)
        let own = try nearestNeighbors(of: queries, in: queries, k: k, excludingSelf: true) { try pairwiseDistance($0, $1, p: 1) }
        let others = (0..<n).flatMap { ranked(.manhattan, x, $0, x, excludingSelf: true).prefix(k).map(\.index) }
        #expect(try own.indices.array(of: Int.self) == others)
        let few = try queries.slice(axis: 0, from: 0, to: 5) * 0.3
        let slopes = try gradient(at: [few, points]) {
            try nearestNeighbors(of: $0[0], in: $0[1], k: k) { try pairwiseDistance($0, $1, metric: .haversine) }.distances.sum()
        }
        let places = try nearestNeighbors(of: few, in: points, k: k) { try pairwiseDistance($0, $1, metric: .haversine) }.indices
        let direct = try gradient(at: [few, points]) {
            let near = try $0[1].take(places.flattened()).reshaped([5, k, d])
            return try pairwiseDistance($0[0].expandedDimensions(at: 1), near, metric: .haversine).sum()
        }
        for (slope, wanted) in zip(slopes, direct) { try expectClose(slope, wanted.array(of: Double.self), tolerance: 1e-6) }
    }

    @Test(arguments: Device.all)
    func noMatrixIsHeld(device: Device) throws {
        let points = try tensor(drawn(6000, 16, seed: 11), on: device)
        let cost = try Profiler.measure { try nearestNeighbors(of: points, in: points, k: 5, excludingSelf: true).distances.evaluated() }
        // 144 MB would be all distances.
        #expect(cost.measurement.peakBytes < 12 << 20)
    }

    @Test(arguments: Device.all)
    func badInputIsNamed(device: Device) throws {
        let points = try tensor(drawn(6, 2, seed: 12), on: device)
        var numbers = try points.array(of: Float.self)
        numbers[5] = .nan
        let (broken, origin) = (try Tensor(numbers, shape: [6, 2], on: device), try Tensor.zeros([1, 2], on: device))
        expectRefusals(
            [0, -1, 7, 1025].map { k in ("k in 1...6", { try nearestNeighbors(of: points, in: points, k: k) }) } + [
                ("k in 1...5", { try nearestNeighbors(of: points, in: points, k: 6, excludingSelf: true) }),
                ("points [m, d]", { try nearestNeighbors(of: points, in: Tensor.zeros([6, 3], on: device), k: 1) }),
                ("floating-point", { try nearestNeighbors(of: points.asType(.int32), in: points, k: 1) }),
                ("point 2", { try nearestNeighbors(of: points, in: broken, k: 1) }),
                ("point 0", { try nearestNeighbors(of: origin, in: points, k: 1, metric: .cosine) }),
                ("query 2", { try nearestNeighbors(of: broken, in: points, k: 1) { try pairwiseDistance($0, $1) } }),
                ("distances [6, 6]", { try nearestNeighbors(of: points, in: points, k: 1) { x, _ in x } }),
            ])
        #expect(try nearestNeighbors(of: Tensor.zeros([0, 2], on: device), in: points, k: 3).indices.shape == [0, 3])
    }
}

@Suite struct KMeansTests {
    private func blobs(_ n: Int, on device: Device) throws -> Tensor {
        var random = SplitMix64(seed: 20)
        let values = (0..<n).flatMap { i in random.values(3, in: -0.4...0.4).map { Float($0) + [0, 5, -7, 12][i % 4] } }
        return try Tensor(values, shape: [n, 3], on: device)
    }

    @Test(arguments: Device.all)
    func groupsThatAreApartAreFound(device: Device) throws {
        let n = 120
        let points = try blobs(n, on: device)
        let found = try kMeans(points, clusters: 4, seed: 3)
        let places = try found.assignments.array(of: Int.self)
        #expect(found.hasConverged)
        #expect(Set(places).count == 4)
        #expect((0..<n).allSatisfy { places[$0] == places[$0 % 4] })
        // Each centre is the mean of its points, and the inertia is what is left.
        let (x, centers) = (try points.array(of: Double.self), try found.centers.array(of: Double.self))
        var inertia = 0.0
        for cluster in 0..<4 {
            let members = (0..<n).filter { places[$0] == cluster }
            for axis in 0..<3 {
                let mean = members.reduce(0) { $0 + x[$1 * 3 + axis] } / Double(members.count)
                #expect(abs(mean - centers[cluster * 3 + axis]) < 1e-5)
                inertia += members.reduce(0) { $0 + (x[$1 * 3 + axis] - mean) * (x[$1 * 3 + axis] - mean) }
            }
        }
        #expect(abs(found.inertia - inertia) < 1e-4)
        let again = try kMeans(points, clusters: 4, seed: 3)
        #expect(try again.centers.array(of: Float.self) == found.centers.array(of: Float.self))
    }

    @Test(arguments: Device.all)
    func iterationsOnlyImprove(device: Device) throws {
        var random = SplitMix64(seed: 21)
        let points = try Tensor(random.values(400 * 5).map { Float($0) }, shape: [400, 5], on: device)
        let inertias = try (0...6).map { try kMeans(points, clusters: 9, maximumIterations: $0, seed: 1).inertia }
        #expect(zip(inertias, inertias.dropFirst()).allSatisfy { $0 >= $1 - 1e-4 })
    }

    @Test(arguments: Device.all)
    func asManyClustersAsPointsTakeOneEach(device: Device) throws {
        let points = try blobs(8, on: device)
        let found = try kMeans(points, clusters: 8)
        #expect(Set(try found.assignments.array(of: Int.self)).count == 8)
        #expect(found.inertia == 0)
        let same = try Tensor.ones([5, 2], on: device)
        #expect(try kMeans(same, clusters: 3).inertia == 0)
    }

    @Test(arguments: Device.all)
    func badInputIsNamed(device: Device) throws {
        let points = try Tensor.zeros([4, 2], on: device)
        expectRefusals([
            ("clusters in 1...4", { try kMeans(points, clusters: 0) }), ("clusters in 1...4", { try kMeans(points, clusters: 5) }),
            ("points [n, d]", { try kMeans(points.flattened(), clusters: 1) }),
            ("maximumIterations", { try kMeans(points, clusters: 1, maximumIterations: -1) }),
            ("query 0", { try kMeans(Tensor([Float.nan, 1], shape: [2, 1], on: device), clusters: 1) }),
        ])
    }
}
