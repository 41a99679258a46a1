import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Persistence of many clouds at once, and representative cocycles.
@Suite struct RipsBatchTests {
    /// Random clouds, every third one on a grid, full of ties.
    private func values(clouds: Int, n: Int, d: Int, seed: UInt64) -> [Float] {
        var random = SplitMix64(seed: seed)
        return (0..<clouds).flatMap { cloud in
            random.values(n * d, in: 0...3).map { Float(cloud % 3 == 0 ? $0.rounded() : $0) }
        }
    }

    @Test(arguments: Device.all, [nil, 1.25] as [Double?])
    func manyCloudsHaveTheDiagramsOfSingleOnes(device: Device, threshold: Double?) throws {
        let (clouds, n) = (7, 13)
        let points = try Tensor(values(clouds: clouds, n: n, d: 2, seed: 8), shape: [7, 1, n, 2], on: device)
        let found = try batchedRipsPersistence(points, maximumDimension: 2, threshold: threshold)
        #expect(found.count == clouds)
        for (cloud, diagrams) in found.enumerated() {
            let own = try points.slice(axis: 0, from: cloud, to: cloud + 1).squeezed(axes: [0, 1])
            let expected = try ripsPersistence(own, maximumDimension: 2, threshold: threshold)
            for (a, b) in zip(diagrams, expected) {
                #expect(try a.pairs.array(of: Float.self) == b.pairs.array(of: Float.self))
                #expect(try a.essentialBirths.array(of: Float.self) == b.essentialBirths.array(of: Float.self))
                #expect(try a.birthGenerators.array(of: Int.self) == b.birthGenerators.array(of: Int.self))
                #expect(try a.deathGenerators.array(of: Int.self) == b.deathGenerators.array(of: Int.self))
            }
        }
    }

    @Test(arguments: Device.all)
    func manyCloudsHaveTheGradientsOfSingleOnesAndAsManyLaunchesAsOne(device: Device) throws {
        let (clouds, n) = (5, 16)
        let points = try Tensor(values(clouds: clouds, n: n, d: 2, seed: 9), shape: [clouds, n, 2], on: device)
        func loss(_ diagrams: [PersistenceDiagram], _ weight: Double) throws -> Tensor {
            try weight * (diagrams[0].deaths.square().sum() + diagrams[1].persistence.square().sum())
        }
        let slope = try gradient(at: points) { points in
            try batchedRipsPersistence(points).enumerated().reduce(Tensor.zeros([], on: device)) { sum, cloud in
                try sum + loss(cloud.element, Double(cloud.offset + 1))
            }
        }
        let expected = try (0..<clouds).flatMap { cloud -> [Double] in
            let own = try points.slice(axis: 0, from: cloud, to: cloud + 1).squeezed(axes: [0])
            return try gradient(at: own) { try loss(ripsPersistence($0), Double(cloud + 1)) }.array()
        }
        try expectClose(slope, expected, tolerance: 1e-5)
        func launches(_ clouds: Int) throws -> Int {
            let points = try Tensor.zeros([clouds, n, 2], on: device).evaluated()
            return try Profiler.measure { try batchedRipsPersistence(points)[0][0].deaths.evaluated() }.1.launches
        }
        #expect(try launches(3) == launches(40))
    }

    /// A class's cocycle is one from its birth until its death, begins with the simplex that gives birth, and ends being one then.
    @Test(arguments: Device.all, [1, 2])
    func cocyclesVanishOnBoundariesUntilTheClassDies(device: Device, dimension: Int) throws {
        // Around a circle, and around the corners of a cube and of an octahedron on one sphere.
        let n = dimension == 1 ? 20 : 14
        var random = SplitMix64(seed: 14)
        let noise = random.values(3 * n, in: -0.1...0.1)
        let places: [Double] = (0..<3 * n).map { place in
            let (i, k) = (place / 3, place % 3)
            if dimension == 1 { return k == 2 ? 0 : cos(0.314 * Double(i) - Double(k) * 1.5708) }
            if i < 6 { return k != i / 2 ? 0 : i % 2 == 0 ? 1 : -1 }
            return (i >> k) % 2 == 0 ? 0.577 : -0.577
        }
        let points = try Tensor(zip(places, noise).map { Float($0 + $1) }, shape: [n, 3], on: device)
        let flat = try pairwiseDistance(points, points).array(of: Float.self)
        func diameter(_ simplex: [Int]) -> Float {
            simplex.flatMap { i in simplex.map { flat[min(i, $0) * n + max(i, $0)] } }.max() ?? 0
        }
        func subsets(_ count: Int, from first: Int = 0) -> [[Int]] {
            guard count > 0 else { return [[]] }
            return (first..<n).flatMap { i in subsets(count - 1, from: i + 1).map { [i] + $0 } }
        }
        let cofacets = subsets(dimension + 2)
        let radius = (0..<n).map { i in (0..<n).map { diameter([i, $0]) }.max() ?? 0 }.min() ?? 0
        for threshold in [nil, Double(0.8 * radius)] {
            let diagram = try ripsPersistence(points, maximumDimension: dimension, threshold: threshold, withCocycles: true)[dimension]
            let births = try diagram.births.array(of: Float.self) + diagram.essentialBirths.array(of: Float.self)
            let deaths = try diagram.deaths.array(of: Float.self)
            #expect(diagram.cocycles.count == births.count && births.count > 0, "\(threshold ?? 1)")
            for (index, cocycle) in diagram.cocycles.enumerated() {
                #expect(cocycle.shape[1] == dimension + 1 && cocycle.dtype == .int32)
                let vertices = try cocycle.array(of: Int.self)
                let simplices = stride(from: 0, to: vertices.count, by: dimension + 1).map { vertices[$0...$0 + dimension].sorted() }
                #expect(Set(simplices).count == simplices.count && diameter(simplices[0]) == births[index])
                #expect(simplices.allSatisfy { diameter($0) >= births[index] })
                func isOdd(_ cofacet: [Int]) -> Bool {
                    let facets = cofacet.indices.map { left in cofacet.indices.filter { $0 != left }.map { cofacet[$0] } }
                    return facets.filter { simplices.contains($0) }.count % 2 == 1
                }
                let death = index < deaths.count ? deaths[index] : Float(threshold ?? .infinity) + 1e-6
                let odd = cofacets.filter { isOdd($0) && diameter($0) <= death }.map(diameter)
                #expect(odd.allSatisfy { $0 == death } && odd.isEmpty == (index >= deaths.count))
            }
            #expect(try ripsPersistence(points, maximumDimension: 1)[1].cocycles.isEmpty)
        }
    }

    @Test(arguments: Device.all)
    func badCloudsAreNamed(device: Device) throws {
        let clouds = try Tensor([0, 1, 2, 3, 4, .nan] as [Float], shape: [3, 2, 1], on: device)
        expectRefusals([
            ("point 1 of cloud 2", { try batchedRipsPersistence(clouds) }), ("[4]", { try batchedRipsPersistence(Tensor.ones([4], on: device)) }),
            ("none", { try batchedRipsPersistence(Tensor.zeros([3, 0, 2], on: device)) }),
        ])
        #expect(try batchedRipsPersistence(Tensor.zeros([0, 4, 2], on: device)).isEmpty)
    }
}
