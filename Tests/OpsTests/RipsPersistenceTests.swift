import Foundation
import LossKit
import LossKitTestSupport
import Testing

private func polygon(_ n: Int) -> [Float] {
    (0..<n).flatMap { i -> [Float] in
        let angle = 2 * Double.pi * Double(i) / Double(n)
        return [Float(cos(angle)), Float(sin(angle))]
    }
}

/// The ends of the coordinate axes: the corners of an octahedron and of its cousins in other dimensions.
private func crossPolytope(_ d: Int) -> [Float] {
    (0..<2 * d).flatMap { corner in
        (0..<d).map { axis -> Float in
            guard corner / 2 == axis else { return 0 }
            return corner % 2 == 0 ? 1 : -1
        }
    }
}

@Suite struct RipsPersistenceTests {
    private struct Points {
        let n: Int
        let d: Int
        let values: [Float]

        init(random seed: UInt64) {
            var random = SplitMix64(seed: seed)
            n = 4 + Int(seed % 15)
            d = 1 + Int(seed % 3)
            // Every third cloud lies on a grid, full of ties and duplicates.
            values = random.values(n * d, in: 0...3).map { Float(seed % 3 == 0 ? $0.rounded() : $0) }
        }

        func tensor(on device: Device) throws -> Tensor { try Tensor(values, shape: [n, d], on: device) }
    }

    /// Distances as the diagram's own tensor computes them: the values that the naive reduction has to meet exactly.
    private func matrix(_ points: Tensor) throws -> [[Double]] {
        let n = points.shape[0]
        let flat = try pairwiseDistance(points, points).array(of: Double.self)
        return (0..<n).map { i in (0..<n).map { j in flat[min(i, j) * n + max(i, j)] } }
    }

    @Test(arguments: Device.all, 0..<24 as Range<UInt64>)
    func diagramsAreThoseOfTheBoundaryMatrix(device: Device, seed: UInt64) throws {
        let points = try Points(random: seed).tensor(on: device)
        let distances = try matrix(points)
        let highest = points.shape[0] < 12 ? 3 : 2
        for share in [nil, 0.6, 0.0] {
            let radius = distances.map { $0.max() ?? 0 }.min() ?? 0
            let limit = share.map { $0 * radius }
            let expected = NaiveHomology(distances: distances, maximumDimension: highest, threshold: Double(Float(limit ?? radius)))
            let actual = try HomologyClasses(ripsPersistence(points, maximumDimension: highest, threshold: limit))
            #expect(actual.classes == expected.classes, "seed \(seed), threshold \(share ?? 1)")
        }
    }

    @Test(arguments: Device.all)
    func polygonsHaveOneLoop(device: Device) throws {
        let n = 24
        let diagrams = try ripsPersistence(Tensor(polygon(n), shape: [n, 2], on: device))
        #expect(diagrams.map(\.dimension) == [0, 1] && diagrams[0].essentialCount == 1 && diagrams[1].essentialCount == 0)
        try expectClose(diagrams[1].births, [2 * sin(Double.pi / Double(n))], tolerance: 1e-6)
        // It fills when an equilateral triangle appears.
        try expectClose(diagrams[1].deaths, [Double(3).squareRoot()], tolerance: 1e-6)
    }

    @Test(arguments: Device.all, [2, 3, 4])
    func crossPolytopesHaveOneClassAtTheTop(device: Device, d: Int) throws {
        let diagrams = try ripsPersistence(Tensor(crossPolytope(d), shape: [2 * d, d], on: device), maximumDimension: d - 1)
        for diagram in diagrams.dropFirst() {
            #expect(diagram.births.count == (diagram.dimension == d - 1 ? 1 : 0))
        }
        try expectClose(diagrams[d - 1].births, [Double(2).squareRoot()], tolerance: 1e-6)
        try expectClose(diagrams[d - 1].deaths, [2], tolerance: 1e-6)
    }

    @Test(arguments: Device.all)
    func generatorsAreTheEdgesOfTheirTimes(device: Device) throws {
        let points = try Points(random: 11).tensor(on: device)
        let distances = try matrix(points)
        for diagram in try ripsPersistence(points, maximumDimension: 2).dropFirst() {
            func lengths(_ generators: Tensor) throws -> [Double] {
                let ends = try generators.array(of: Int.self)
                return stride(from: 0, to: ends.count, by: 2).map { distances[ends[$0]][ends[$0 + 1]] }
            }
            #expect(try lengths(diagram.birthGenerators) == diagram.births.array(of: Double.self))
            #expect(try lengths(diagram.deathGenerators) == diagram.deaths.array(of: Double.self))
        }
    }

    @Test(arguments: Device.all, [Metric.euclidean, .squaredEuclidean, .manhattan])
    func gradientsAgreeWithDifferences(device: Device, metric: Metric) throws {
        var random = SplitMix64(seed: 31)
        let n = 14
        let noise = random.values(2 * n, in: -0.1...0.1)
        let values = zip(polygon(n), noise).map { Double($0 + Float($1)) }
        func length(_ points: [Double], _ i: Int, _ j: Int) -> Double {
            let (x, y) = (points[2 * i] - points[2 * j], points[2 * i + 1] - points[2 * j + 1])
            return metric == .manhattan ? abs(x) + abs(y) : metric == .euclidean ? hypot(x, y) : x * x + y * y
        }
        func value(_ points: [Double]) -> Double {
            let distances = (0..<n).map { i in (0..<n).map { j in length(points, i, j) } }
            let radius = distances.map { $0.max() ?? 0 }.min() ?? 0
            return NaiveHomology(distances: distances, maximumDimension: 1, threshold: radius).classes.filter { $0.death < .infinity }
                .reduce(0) { $0 + Double($1.dimension + 1) * ($1.death * $1.death - 0.5 * $1.birth) }
        }
        let points = try Tensor(values.map { Float($0) }, shape: [n, 2], on: device)
        let (loss, slope) = try valueWithGradient(at: points) { points in
            try ripsPersistence(points, metric: metric).reduce(Tensor.zeros([], on: device)) { sum, diagram in
                try sum + Double(diagram.dimension + 1) * (diagram.deaths.square() - 0.5 * diagram.births).sum()
            }
        }
        expectClose([try loss.scalar()], [value(values)], tolerance: 1e-6)
        let expected = centralDifferences(values, of: value)
        try expectClose(slope, expected, tolerance: 1e-5, "\(metric)")
    }

    @Test(arguments: Device.all)
    func movingPointsDoesToDiagramsWhatItShould(device: Device) throws {
        let cloud = Points(random: 29)
        let points = try cloud.tensor(on: device)
        let order = try Tensor((0..<cloud.n).map { ($0 * 5 + 3) % cloud.n }, on: device)
        #expect(cloud.n % 5 != 0)
        func loss(_ points: Tensor) throws -> Tensor { try ripsPersistence(points)[1].persistence.square().sum() }
        let (value, slope) = try valueWithGradient(at: points, of: loss)
        let (shuffled, shuffledSlope) = try valueWithGradient(at: points.rows(at: order), of: loss)
        expectClose([try shuffled.scalar()], [try value.scalar()], tolerance: 1e-6)
        try expectClose(shuffledSlope, try slope.rows(at: order).array(of: Double.self), tolerance: 1e-5)
        let scaled = try HomologyClasses(ripsPersistence(points)).map { (4 * $0.birth, 4 * $0.death) }
        #expect(try HomologyClasses(ripsPersistence(points * 4)).classes == scaled.classes)
    }

    @Test(arguments: Device.all)
    func componentsAreThoseOfTheTree(device: Device) throws {
        let points = try Points(random: 25).tensor(on: device)
        let (whole, tree) = (try ripsPersistence(points, maximumDimension: 0)[0], try persistence0(points))
        try expectClose(whole.deaths, tree.deaths.array(of: Double.self), tolerance: 1e-6)
        #expect(try whole.deathGenerators.array(of: Int.self) == tree.deathGenerators.array(of: Int.self))
    }

    @Test(arguments: Device.all)
    func graphsAreMatricesWithMissingEdges(device: Device) throws {
        // A square without diagonals, and a point by itself.
        let x = Float.infinity
        let graph: [Float] = [0, 1, x, 2, x, 1, 0, 3, x, x, x, 3, 0, 1, x, 2, x, 1, 0, x, x, x, x, x, 0]
        let matrix = try Tensor(graph, shape: [5, 5], on: device)
        let diagrams = try ripsPersistence(distances: matrix)
        #expect(try diagrams[0].deaths.array(of: Float.self) == [1, 1, 2] && diagrams[0].essentialCount == 2)
        #expect(try diagrams[1].births.count == 0 && diagrams[1].essentialBirths.array(of: Float.self) == [3])
        let slope = try gradient(at: matrix) { try ripsPersistence(distances: $0)[1].essentialBirths.sum() }
        #expect(try slope.array(of: Float.self).enumerated().allSatisfy { $1 == ($0 == 7 ? 1 : 0) })
    }

    @Test(arguments: Device.all)
    func fewOrEqualPointsAreDefined(device: Device) throws {
        let one = try ripsPersistence(Tensor.zeros([1, 3], on: device), maximumDimension: 2)
        #expect(one.map(\.births.count) == [0, 0, 0] && one.map(\.essentialCount) == [1, 0, 0])
        let equal = try ripsPersistence(Tensor.ones([6, 2], on: device), maximumDimension: 2)
        #expect(equal.map(\.births.count) == [5, 0, 0] && equal.map(\.essentialCount) == [1, 0, 0])
        #expect(try equal[0].deaths.array(of: Float.self) == [0, 0, 0, 0, 0])
        let line = try ripsPersistence(Tensor((0..<9).map { Float($0 * $0) }, shape: [9, 1], on: device), maximumDimension: 2)
        #expect(line.map(\.births.count) == [8, 0, 0])
    }

    @Test(arguments: Device.all)
    func badInputIsAnsweredInOneLine(device: Device) throws {
        func square(_ values: [Float]) throws -> Tensor { try Tensor(values, shape: [2, 2], on: device) }
        let points = try square([0, 1, 1, 0])
        let calls: [(String, () throws -> Any)] = [
            ("point 1", { try ripsPersistence(square([0, 0, .nan, 1])) }), ("point 0", { try ripsPersistence(square([.infinity, 0, 0, 1])) }),
            ("none", { try ripsPersistence(Tensor.zeros([0, 2], on: device)) }),
            ("[4]", { try ripsPersistence(Tensor([1, 2, 3, 4] as [Float], on: device)) }),
            ("[2, 1]", { try ripsPersistence(distances: Tensor.zeros([2, 1], on: device)) }),
            ("1.0 at [0, 1]", { try ripsPersistence(distances: square([0, 1, 2, 0])) }),
            ("-1.0 at [0, 1]", { try ripsPersistence(distances: square([0, -1, -1, 0])) }),
            ("nan at [0, 1]", { try ripsPersistence(distances: square([0, .nan, .nan, 0])) }),
            ("1.0 at [1, 1]", { try ripsPersistence(distances: square([0, 1, 1, 1])) }),
            ("maximumDimension from 0 to 6", { try ripsPersistence(points, maximumDimension: 7) }),
            ("threshold", { try ripsPersistence(points, threshold: .nan) }),
            ("dot", { try ripsPersistence(points, metric: .dot) }),
            ("points for dimension 6", { try ripsPersistence(Tensor.zeros([5000, 1], on: device), maximumDimension: 6) }),
        ]
        expectRefusals(calls)
    }
}
