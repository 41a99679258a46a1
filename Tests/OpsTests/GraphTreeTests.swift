import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Spanning trees of matrices of distances and spanning forests of graphs, by Kruskal's algorithm on sorted edges.
@Suite struct GraphTreeTests {
    private struct Edge: Equatable {
        let weight: Double, low: Int, high: Int, place: Int
        var order: (Double, Int, Int, Int) { (weight, low, high, place) }
    }

    /// By relabelling, edge after edge.
    private func forest(_ edges: [Edge], vertices: Int) -> [Edge] {
        var component = Array(0..<vertices)
        return edges.sorted { $0.order < $1.order }.filter { edge in
            let (a, b) = (component[edge.low], component[edge.high])
            for v in 0..<vertices where component[v] == b { component[v] = a }
            return a != b
        }
    }

    private func edges(ofMatrix values: [Float], _ n: Int) -> [Edge] {
        (0..<n * n).filter { $0 / n < $0 % n && values[$0].isFinite }.map {
            Edge(weight: Double(values[$0]), low: $0 / n, high: $0 % n, place: $0)
        }
    }

    /// Symmetric, rounded to `levels` values, or infinite where a level of `missing` or more comes out.
    private func matrix(_ n: Int, levels: Int, missing: Int = .max, seed: UInt64) -> [Float] {
        var random = SplitMix64(seed: seed)
        let numbers = random.values(n * n, in: 0...1)
        return (0..<n * n).map { place in
            let (i, j) = (min(place / n, place % n), max(place / n, place % n))
            let level = (numbers[i * n + j] * Double(levels)).rounded()
            return i == j ? 0 : Int(level) >= missing ? .infinity : Float(level / 8)
        }
    }

    @Test(arguments: Device.all)
    func matricesHaveTheTreeOfTheirSortedEdges(device: Device) throws {
        let cases: [(n: Int, levels: Int, missing: Int)] = [
            (2, 1000, .max), (3, 1, .max), (16, 3, .max), (17, 5, 2), (33, 1000, 40), (70, 4, .max), (129, 100_000, .max), (40, 3, 0),
        ]
        for (seed, given) in cases.enumerated() {
            let values = matrix(given.n, levels: given.levels, missing: given.missing, seed: UInt64(seed))
            let tree = try minimumSpanningTree(distances: Tensor(values, shape: [given.n, given.n], on: device))
            let expected = forest(edges(ofMatrix: values, given.n), vertices: given.n)
            #expect(try tree.edges.array(of: Int.self) == expected.flatMap { [$0.low, $0.high] })
            #expect(try tree.lengths.array(of: Double.self) == expected.map(\.weight))
        }
    }

    @Test(arguments: Device.all)
    func matricesOfPointsHaveTheTreeOfThePoints(device: Device) throws {
        var random = SplitMix64(seed: 5)
        let points = try Tensor(random.values(60 * 3).map { Float(($0 * 4).rounded()) }, shape: [60, 3], on: device)
        let distances = try pairwiseDistance(points, points, metric: .squaredEuclidean)
        let (tree, expected) = (try minimumSpanningTree(distances: distances), try minimumSpanningTree(points, metric: .squaredEuclidean))
        #expect(try tree.edges.array(of: Int.self) == expected.edges.array(of: Int.self))
        #expect(try tree.lengths.array(of: Float.self) == expected.lengths.array(of: Float.self))
        let (linkage, known) = (try singleLinkage(distances: distances), try singleLinkage(points, metric: .squaredEuclidean))
        #expect(try linkage.merges.array(of: Int.self) == known.merges.array(of: Int.self))
    }

    /// Several edges between two vertices, edges from a vertex to itself, vertices without any, negative weights and ties.
    @Test(arguments: Device.all)
    func graphsHaveTheForestOfTheirSortedEdges(device: Device) throws {
        for (seed, (n, m)) in [(1, 0), (1, 3), (2, 4), (50, 30), (50, 400), (300, 290), (300, 5000)].enumerated() {
            var random = SplitMix64(seed: UInt64(seed))
            let ends = random.values(2 * m, in: 0...1).map { min(n - 1, Int($0 * Double(n))) }
            let weights = random.values(m).map { Float(($0 * 8).rounded() / 4) }
            let all = (0..<m).map { e in
                Edge(
                    weight: Double(weights[e]), low: min(ends[2 * e], ends[2 * e + 1]), high: max(ends[2 * e], ends[2 * e + 1]), place: e)
            }
            let expected = forest(all, vertices: n)
            let given = try Tensor(weights, shape: [m], on: device)
            let edges = try Tensor(ends.map { Int64($0) }, shape: [m, 2], on: device)
            let found = try minimumSpanningForest(edges: edges, weights: given, vertexCount: n)
            #expect(found.edges.shape == [expected.count, 2])
            #expect(try found.edges.array(of: Int.self) == expected.flatMap { [$0.low, $0.high] })
            #expect(try found.lengths.array(of: Double.self) == expected.map(\.weight))
            let cotangent = (0..<expected.count).map { Float($0 + 1) }
            let slope = try gradient(at: given) {
                try (minimumSpanningForest(edges: edges, weights: $0, vertexCount: n).lengths * Tensor(cotangent, on: device)).sum()
            }
            var slopes = [Double](repeating: 0, count: m)
            for (edge, value) in zip(expected, cotangent) { slopes[edge.place] = Double(value) }
            #expect(try slope.array(of: Double.self) == slopes)
        }
    }

    @Test(arguments: Device.all)
    func aMatrixGetsTheGradientOfItsEdges(device: Device) throws {
        let n = 12, values = matrix(n, levels: 1000, seed: 9)
        let given = try Tensor(values, shape: [n, n], on: device)
        let slope = try gradient(at: given) { try minimumSpanningTree(distances: $0).lengths.square().sum() }
        var expected = [Double](repeating: 0, count: n * n)
        for edge in forest(edges(ofMatrix: values, n), vertices: n) { expected[edge.place] = 2 * edge.weight }
        #expect(try slope.array(of: Double.self) == expected)
    }

    @Test(arguments: Device.all)
    func badMatricesAndGraphsAreNamed(device: Device) throws {
        func message(_ body: () throws -> Void) -> String {
            do {
                try body()
                return "no error"
            } catch { return "\(error)" }
        }
        func tree(_ values: [Double], _ shape: [Int]) -> String {
            message { _ = try minimumSpanningTree(distances: Tensor(values, shape: shape, on: device)) }
        }
        #expect(tree([0, 1, 2, 0], [2, 2]).contains("symmetric, not negative and 0 on the diagonal, got 1.0 at [0, 1]"))
        #expect(tree([0, -1, -1, 0], [2, 2]).contains("-1.0 at [0, 1]"))
        #expect(tree([0, .nan, .nan, 0], [2, 2]).contains("nan at [0, 1]"))
        #expect(tree([0, 1e300, 1e300, 0], [2, 2]).contains("distances that float32 can hold, got 1e+300 at [0, 1]"))
        #expect(tree([0], [1, 1]).contains("at least 2 points"))
        #expect(tree([0, 1], [1, 2]).contains("[n, n]"))
        #expect(
            message { _ = try singleLinkage(distances: Tensor([0, Float.infinity, .infinity, 0], shape: [2, 2], on: device)) }
                .contains("2 components"))
        func graph(_ ends: [Int32], _ weights: [Float], _ n: Int) -> String {
            message {
                _ = try minimumSpanningForest(
                    edges: Tensor(ends, shape: [ends.count / 2, 2], on: device), weights: Tensor(weights, on: device), vertexCount: n)
            }
        }
        #expect(graph([0, 1, 1, 3], [1, 1], 3).contains("vertices in 0..<3, got 3 in edge 1"))
        #expect(graph([0, -1], [1], 3).contains("got -1 in edge 0"))
        #expect(graph([0, 1], [.nan], 3).contains("that of edge 0 is not"))
        #expect(graph([0, 1], [1, 2], 3).contains("weights [m]"))
        #expect(graph([0, 1], [1], -1).contains("vertices"))
    }
}
