import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// A cloud on which a spanning tree can go wrong.
struct Cloud: Sendable, CustomTestStringConvertible {
    let name: String
    let d: Int
    let values: [Float]
    var n: Int { values.count / d }
    var testDescription: String { name }

    func tensor(on device: Device) throws -> Tensor { try Tensor(values, shape: [n, d], on: device) }

    private init(_ name: String, d: Int, _ values: [Double]) {
        (self.name, self.d, self.values) = (name, d, values.map { Float($0) })
    }

    private static func random(_ n: Int, _ d: Int, seed: UInt64) -> [Double] {
        var random = SplitMix64(seed: seed)
        return random.values(n * d)
    }

    /// Coordinate k of point i by a function.
    private init(_ name: String, n: Int, d: Int, _ coordinate: (_ i: Int, _ k: Int) -> Double) {
        let values: [Double] = (0..<n * d).map { coordinate($0 / d, $0 % d) }
        self.init(name, d: d, values)
    }

    static let all: [Cloud] = [
        Cloud("two points", d: 3, random(2, 3, seed: 1)),
        Cloud("plane", d: 2, random(131, 2, seed: 2)),
        Cloud("seventeen dimensions", d: 17, random(97, 17, seed: 3)),
        Cloud("boxes", d: 3, random(1100, 3, seed: 4)),
        Cloud("five dimensions", d: 5, random(1025, 5, seed: 5)),
        Cloud("lattice", n: 34 * 34, d: 2) { i, k in Double(k == 0 ? i * 19 % 34 : i / 34) },
        Cloud("duplicates", n: 1200, d: 2) { i, k in Double(k == 0 ? i % 7 : i % 3) },
        Cloud("one place", n: 50, d: 4) { _, _ in 1.5 },
        Cloud("line", n: 90, d: 3) { i, k in Double((k + 1) * i * i) },
        // Squared lengths that differ in their last bits round to one length.
        Cloud("near ties", n: 60, d: 2) { i, k in k == 0 ? Double(3 * i) : 1 + Double(i * 37 % 60) * 0x1p-23 },
        Cloud("tiny and huge", n: 40, d: 2) { i, k in pow(10, Double(k == 0 ? i - 22 : i % 5 - 20)) },
        Cloud("one coordinate", n: 64, d: 1) { i, _ in Double(i * 29 % 64) },
    ]

    /// A length from the sum, coordinate by coordinate, of a function of the differences.
    struct Length: Sendable {
        let next: @Sendable (_ sum: Float, _ difference: Float) -> Float
        let isRoot: Bool

        static let euclidean = Length(next: { $0 + $1 * $1 }, isRoot: true)
        static let squared = Length(next: { $0 + $1 * $1 }, isRoot: false)
        static let manhattan = Length(next: { $0 + abs($1) }, isRoot: false)
        static let chebyshev = Length(next: { max($0, abs($1)) }, isRoot: false)
    }

    private func distance(_ length: Length, _ a: Int, _ b: Int) -> Float {
        var sum: Float = 0
        for k in 0..<d { sum = length.next(sum, values[a * d + k] - values[b * d + k]) }
        return length.isRoot ? sum.squareRoot() : sum
    }

    /// How far each point's k-th nearest other one is.
    func cores(_ length: Length, _ k: Int) -> [Float] {
        (0..<n).map { i in
            var nearest: [Float] = []
            for j in 0..<n where j != i {
                let next = distance(length, i, j)
                guard nearest.count < k || next < nearest[k - 1] else { continue }
                nearest.insert(next, at: nearest.firstIndex { $0 > next } ?? nearest.count)
                if nearest.count > k { nearest.removeLast() }
            }
            return nearest[k - 1]
        }
    }

    /// Prim's algorithm over all pairs in the order (length, i, j), then sorted by it. No edge is shorter than the cores of its ends.
    func tree(_ length: Length, cores: [Float]? = nil) -> [(length: Float, i: Int, j: Int)] {
        func edge(_ a: Int, _ b: Int) -> (length: Float, i: Int, j: Int) {
            var apart = distance(length, a, b)
            if let cores { apart = max(apart, cores[a], cores[b]) }
            return (apart, a < b ? a : b, a < b ? b : a)
        }
        var outside = Array(1..<n)
        var nearest = outside.map { edge(0, $0) }
        var tree: [(length: Float, i: Int, j: Int)] = []
        while let place = outside.indices.min(by: { nearest[$0] < nearest[$1] }) {
            let (added, found) = (outside[place], nearest[place])
            tree.append(found)
            outside.swapAt(place, outside.count - 1)
            nearest.swapAt(place, nearest.count - 1)
            outside.removeLast()
            nearest.removeLast()
            for index in outside.indices {
                let fresh = edge(added, outside[index])
                if fresh < nearest[index] { nearest[index] = fresh }
            }
        }
        return tree.sorted { $0 < $1 }
    }

    /// Trees that several tests share.
    static let trees = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0.tree(.euclidean)) })
    static let manhattanTrees = Dictionary(uniqueKeysWithValues: all.filter { $0.n <= 1100 }.map { ($0.name, $0.tree(.manhattan)) })
}

@Suite struct SpanningTreeTests {
    private func expectTree(_ tree: MinimumSpanningTree, _ expected: [(length: Float, i: Int, j: Int)], _ label: String) throws {
        #expect(try tree.edges.array(of: Int.self) == expected.flatMap { [$0.i, $0.j] }, "\(label)")
        #expect(try tree.lengths.array(of: Float.self).map(\.bitPattern) == expected.map(\.length.bitPattern), "\(label)")
    }

    @Test(arguments: Device.all, Cloud.all)
    func theTreeIsPrimsBitForBit(device: Device, cloud: Cloud) throws {
        let expected = try #require(Cloud.trees[cloud.name])
        try expectTree(minimumSpanningTree(cloud.tensor(on: device)), expected, cloud.name)
    }

    @Test(arguments: Device.all, Cloud.all.filter { $0.n <= 1100 })
    func soItIsUnderOtherMetrics(device: Device, cloud: Cloud) throws {
        let points = try cloud.tensor(on: device)
        try expectTree(minimumSpanningTree(points, metric: .manhattan), try #require(Cloud.manhattanTrees[cloud.name]), "manhattan")
        guard cloud.n < 200 || cloud.name == "boxes" else { return }
        try expectTree(minimumSpanningTree(points, metric: .squaredEuclidean), cloud.tree(.squared), "squared")
        try expectTree(minimumSpanningTree(points, metric: .chebyshev), cloud.tree(.chebyshev), "chebyshev")
    }

    @Test(arguments: Device.all)
    func cosineTreesConnectDirections(device: Device) throws {
        let cloud = try #require(Cloud.all.first { $0.name == "seventeen dimensions" })
        let tree = try minimumSpanningTree(cloud.tensor(on: device), metric: .cosine)
        let points = Matrix(rows: cloud.n, columns: cloud.d, values: cloud.values.map { Double($0) })
        func cosine(_ i: Int, _ j: Int) -> Double {
            func dot(_ i: Int, _ j: Int) -> Double { zip(points.row(i), points.row(j)).reduce(0) { $0 + $1.0 * $1.1 } }
            return 1 - dot(i, j) / (dot(i, i) * dot(j, j)).squareRoot()
        }
        let edges = try tree.edges.array(of: Int.self)
        try expectClose(tree.lengths, (0..<cloud.n - 1).map { cosine(edges[2 * $0], edges[2 * $0 + 1]) }, tolerance: 3e-7)
        // Of any two parts of a tree the shortest connection is its edge: here each point alone.
        for i in 0..<cloud.n {
            let nearest = (0..<cloud.n).filter { $0 != i }.min { cosine(i, $0) < cosine(i, $1) } ?? 0
            #expect((0..<cloud.n - 1).contains { [min(i, nearest), max(i, nearest)] == [edges[2 * $0], edges[2 * $0 + 1]] })
        }
    }

    @Test(arguments: Device.all, [Metric.squaredEuclidean, .euclidean, .manhattan, .chebyshev, .cosine])
    func gradientsOfLengthsAgreeWithDifferences(device: Device, metric: Metric) throws {
        let n = 23
        var random = SplitMix64(seed: 12)
        let values = random.values(3 * n).map { Double(Float($0)) }
        let weights = random.values(n - 1, in: 0.5...1.5)
        let points = try Tensor(values.map { Float($0) }, shape: [n, 3], on: device)
        let edges = try minimumSpanningTree(points, metric: metric).edges.array(of: Int.self)
        func scalar(_ values: [Double]) -> Double {
            (0..<n - 1).reduce(0) { sum, edge in
                let (i, j) = (3 * edges[2 * edge], 3 * edges[2 * edge + 1])
                let (a, b) = (Array(values[i..<i + 3]), Array(values[j..<j + 3]))
                let zero = [0.0, 0, 0]
                let length: Double =
                    switch metric {
                    case .squaredEuclidean: distance(a, b) * distance(a, b)
                    case .manhattan: zip(a, b).reduce(0) { $0 + abs($1.0 - $1.1) }
                    case .chebyshev: zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) }
                    case .cosine: 1 - zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } / (distance(a, zero) * distance(b, zero))
                    default: distance(a, b)
                    }
                return sum + weights[edge] * length
            }
        }
        let cotangent = try Tensor(weights.map { Float($0) }, on: device)
        let slope = try gradient(at: points) { try (minimumSpanningTree($0, metric: metric).lengths * cotangent).sum() }
        let expected = centralDifferences(values, of: scalar)
        try expectClose(slope, expected, tolerance: 3e-6, "\(metric)")
    }

    /// The derivative of |x_i - x_j|^2 / 2 with respect to itself: what a gradient penalty on the tree needs.
    @Test(arguments: Device.all)
    func lengthsCanBeDifferentiatedTwice(device: Device) throws {
        let points = try Tensor([0, 0, 3, 4] as [Float], shape: [2, 2], on: device)
        let second = try gradient(at: points) { outer in
            try gradient(at: outer) { try minimumSpanningTree($0).lengths.power(3).sum() }.slice(axis: 0, from: 1, to: 2).square().sum()
        }
        // The gradient at the second point is 3 l u with u = x_1 - x_0, so its square is 9 l^4, whose derivative is 36 l^2 u.
        try expectClose(second, [-2700, -3600, 2700, 3600], tolerance: 1e-6)
    }

    @Test(arguments: Device.all)
    func movingAndScalingPointsDoesToTheTreeWhatItShould(device: Device) throws {
        let cloud = try #require(Cloud.all.first { $0.name == "plane" })
        let (points, n) = (try cloud.tensor(on: device), cloud.n)
        let order = (0..<n).map { ($0 * 57) % n }
        let (value, slope) = try valueWithGradient(at: points) { try persistence0($0).deaths.square().sum() }
        let (shuffledValue, shuffledSlope) = try valueWithGradient(at: points.rows(at: Tensor(order, on: device))) {
            try persistence0($0).deaths.square().sum()
        }
        expectClose([try shuffledValue.scalar()], [try value.scalar()], tolerance: 1e-6)
        try expectClose(shuffledSlope, try slope.rows(at: Tensor(order, on: device)).array(of: Double.self), tolerance: 1e-6)
        let scaled = try persistence0(points * 4).deaths.array(of: Float.self)
        #expect(try persistence0(points).deaths.array(of: Float.self).map { $0 * 4 } == scaled)
    }

    @Test(arguments: Device.all)
    func diagramsOfComponentsHaveTheirGenerators(device: Device) throws {
        let diagram = try persistence0(Tensor([0, 0, 10, 0, 0, 1, 10, 2] as [Float], shape: [4, 2], on: device))
        #expect(diagram.dimension == 0 && diagram.essentialCount == 1)
        #expect(try diagram.pairs.array(of: Float.self) == [0, 1, 0, 2, 0, 10])
        #expect(try diagram.deathGenerators.array(of: Int.self) == [0, 2, 1, 3, 0, 1])
        #expect(try diagram.persistence.array(of: Float.self) == [1, 2, 10])
        for n in 0...1 {
            let few = try persistence0(Tensor.zeros([n, 3], on: device))
            #expect(try few.pairs.shape == [0, 2] && few.deathGenerators.shape == [0, 2] && few.essentialCount == n)
        }
    }

    @Test(arguments: Device.all)
    func aTreeNeedsBoundedLaunchesAndLinearMemory(device: Device) throws {
        let n = 1500
        var random = SplitMix64(seed: 3)
        let points = try Tensor(random.values(2 * n).map { Float($0) }, shape: [n, 2], on: device)
        let (_, cost) = try Profiler.measure { try minimumSpanningTree(points).lengths.evaluated() }
        #expect(cost.launches <= 6 * 11 + 8)
        #expect(cost.peakBytes < 64 * 4 * n)
    }

    @Test(arguments: Device.all)
    func badPointsAreAnsweredInOneLine(device: Device) throws {
        func tensor(_ values: [Float]) throws -> Tensor { try Tensor(values, shape: [values.count / 2, 2], on: device) }
        let calls: [(String, () throws -> Any)] = [
            ("point 1", { try minimumSpanningTree(tensor([0, 0, .nan, 1])) }),
            ("point 0", { try persistence0(tensor([0, .infinity])) }),
            ("[1, 2]", { try minimumSpanningTree(tensor([0, 0])) }),
            ("[4]", { try persistence0(Tensor([1, 2, 3, 4] as [Float], on: device)) }),
            ("points 0 and 1", { try minimumSpanningTree(tensor([-3e38, 0, 3e38, 0])) }),
            ("point 1", { try minimumSpanningTree(tensor([1, 0, 0, 0]), metric: .cosine) }),
            ("dot", { try minimumSpanningTree(tensor([1, 0, 0, 0]), metric: .dot) }),
        ]
        expectRefusals(calls)
    }
}
