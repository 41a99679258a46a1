import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// The square of the radius of the smallest ball around points, by trying the smallest spheres through all of their subsets.
private func smallestBall(_ points: [[Double]]) -> Double {
    /// The centre of the smallest sphere through points, by Gram's matrix and Cramer's rule.
    func center(_ points: [[Double]]) -> [Double]? {
        let edges = points.dropFirst().map { zip($0, points[0]).map { $0.0 - $0.1 } }
        func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        func determinant(_ m: [[Double]]) -> Double {
            guard m.count > 1 else { return m.first?.first ?? 1 }
            return m.indices.reduce(0) { sum, row in
                let minor = m.indices.filter { $0 != row }.map { Array(m[$0].dropFirst()) }
                return sum + (row % 2 == 0 ? 1 : -1) * m[row][0] * determinant(minor)
            }
        }
        let gram = edges.map { a in edges.map { dot(a, $0) } }
        let whole = determinant(gram)
        guard whole > 1e-12 else { return edges.isEmpty ? points[0] : nil }
        var center = points[0]
        for column in edges.indices {
            let replaced = gram.enumerated().map { row, values in
                values.enumerated().map { $0 == column ? gram[row][row] / 2 : $1 }
            }
            let weight = determinant(replaced) / whole
            for k in center.indices { center[k] += weight * edges[column][k] }
        }
        return center
    }
    func square(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } }
    return NaiveComplex.subsets(of: points.count, upTo: points.count).compactMap { subset -> Double? in
        let chosen = subset.map { points[$0] }
        guard let middle = center(chosen) else { return nil }
        let radius = square(middle, chosen[0])
        return points.allSatisfy { square($0, middle) <= radius + 1e-9 } ? radius : nil
    }.min() ?? 0
}

/// Persistence of the union of balls: the Cech filtration, by the definition.
private func cech(_ values: [Double], d: Int) -> [NaiveHomology.Class] {
    let points = stride(from: 0, to: values.count, by: d).map { Array(values[$0..<$0 + d]) }
    let simplices = NaiveComplex.subsets(of: points.count, upTo: d + 1).map { subset in
        (subset, smallestBall(subset.map { points[$0] }))
    }
    return NaiveComplex(Dictionary(uniqueKeysWithValues: simplices), highest: d - 1).classes
}

@Suite struct AlphaPersistenceTests {
    private func cloud(_ n: Int, _ d: Int, seed: UInt64) -> [Double] {
        var random = SplitMix64(seed: seed)
        return random.values(n * d, in: -1...1).map { Double(Float($0)) }
    }

    private func tensor(_ values: [Double], d: Int, on device: Device) throws -> Tensor {
        try Tensor(values.map { Float($0) }, shape: [values.count / d, d], on: device)
    }

    private func expectEqual(_ actual: [NaiveHomology.Class], _ expected: [NaiveHomology.Class], _ label: String) {
        // Classes that live for no longer than roundings are those of the oracle only.
        let (a, b) = (actual.filter { $0.death - $0.birth > 1e-6 }, expected.filter { $0.death - $0.birth > 1e-6 })
        #expect(a.map(\.dimension) == b.map(\.dimension), "\(label)")
        expectClose(a.map(\.birth), b.map(\.birth), tolerance: 1e-6, "\(label)")
        expectClose(a.map { min($0.death, 1e3) }, b.map { min($0.death, 1e3) }, tolerance: 1e-6, "\(label)")
    }

    @Test(arguments: Device.all, [2, 3])
    func diagramsAreThoseOfUnionsOfBalls(device: Device, d: Int) throws {
        for seed in 0..<6 as Range<UInt64> {
            let values = cloud(d == 2 ? 11 : 8, d, seed: seed)
            let found = try HomologyClasses(alphaPersistence(tensor(values, d: d, on: device))).classes
            expectEqual(found, cech(values, d: d), "seed \(seed)")
        }
    }

    /// GUDHI 3.13.0 gave the numbers of classes that live for more than 1e-5, and all classes' total lives.
    @Test(arguments: Device.all)
    func largerCloudsAreGudhis(device: Device) throws {
        let counts = [[485, 331], [497, 533, 101]]
        let lives = [[0.5264754791164856, 0.45616758991322764], [2.3901580441016224, 2.293569045227596, 0.2799035323141865]]
        for d in [2, 3] {
            let values: [Double] = (0..<500 * d).map { place in
                let (i, k) = (place / d, place % d)
                return sin(Double(i * i) * (0.7 + 0.31 * Double(k)))
            }
            let diagrams = try alphaPersistence(tensor(values, d: d, on: device))
            let longer = try diagrams.map { try $0.persistence.array(of: Double.self).filter { $0 > 1e-5 }.count }
            #expect(longer == counts[d - 2])
            #expect(diagrams.map(\.essentialCount) == Array([1, 0, 0].prefix(d)))
            try expectClose(Tensor.stack(diagrams.map { try $0.persistence.sum() }), lives[d - 2], tolerance: 2e-6)
        }
    }

    /// Of a lattice all squares, and cubes, have their corners on one sphere.
    @Test(arguments: Device.all)
    func latticesAreFullOfTies(device: Device) throws {
        let plane: [Double] = (0..<36).flatMap { i -> [Double] in [Double(i % 6), Double(i / 6)] }
        let squares = try alphaPersistence(tensor(plane, d: 2, on: device))
        #expect(squares.map(\.births.count) == [35, 25])
        #expect(try squares[1].births.array(of: Float.self) == [Float](repeating: 0.25, count: 25))
        #expect(try squares[1].deaths.array(of: Float.self) == [Float](repeating: 0.5, count: 25))
        let space: [Double] = (0..<64).flatMap { i -> [Double] in [i % 4, i / 4 % 4, i / 16].map { Double($0) } }
        let cubes = try alphaPersistence(tensor(space, d: 3, on: device), isSquared: false)
        // The edges of the lattice less its tree, and its cubes.
        #expect(cubes.map(\.births.count) == [63, 144 - 63, 27])
        try expectClose(cubes[1].births, [Double](repeating: 0.5, count: 81))
        try expectClose(cubes[1].deaths, [Double](repeating: 0.5.squareRoot(), count: 81))
        try expectClose(cubes[2].persistence, [Double](repeating: 0.75.squareRoot() - 0.5.squareRoot(), count: 27), tolerance: 1e-6)
    }

    @Test(arguments: Device.all)
    func flatStraightEqualAndSinglePointsAreDefined(device: Device) throws {
        let one = try alphaPersistence(Tensor.zeros([1, 3], on: device))
        #expect(one.map(\.births.count) == [0, 0, 0] && one.map(\.essentialCount) == [1, 0, 0])
        let equal = try alphaPersistence(Tensor.ones([7, 2], on: device))
        #expect(equal.map(\.births.count) == [0, 0] && equal.map(\.essentialCount) == [1, 0])
        for d in [2, 3] {
            let line: [Double] = (0..<9 * d).map { place -> Double in
                let (i, k) = (place / d, place % d + 1)
                return Double(k * i * i)
            }
            let diagrams = try alphaPersistence(tensor(line, d: d, on: device))
            #expect(diagrams.map(\.births.count) == Array([8, 0, 0].prefix(d)))
            let scale: Double = d == 2 ? 5 : 14
            let gaps: [Double] = (0..<8).map { i -> Double in
                let odd = Double(2 * i + 1)
                return scale * odd * odd / 4
            }
            try expectClose(diagrams[0].deaths, gaps, tolerance: 1e-6)
        }
        let plane = cloud(30, 2, seed: 3)
        let tilted: [Double] = (0..<30).flatMap { i -> [Double] in [plane[2 * i], plane[2 * i + 1], plane[2 * i]] }
        let stretched: [Double] = plane.enumerated().map { $0.offset % 2 == 0 ? $0.element * 2.0.squareRoot() : $0.element }
        let flat = try alphaPersistence(tensor(tilted, d: 3, on: device))
        let straight = try alphaPersistence(tensor(stretched, d: 2, on: device))
        #expect(flat[2].births.count == 0 && flat[1].births.count > 0)
        for k in 0..<2 { try expectClose(flat[k].pairs, straight[k].pairs.array(of: Double.self), tolerance: 1e-5) }
        let once = try alphaPersistence(tensor(plane, d: 2, on: device))
        let thrice = try alphaPersistence(tensor(plane + plane + plane, d: 2, on: device))
        for k in 0..<2 { #expect(try once[k].pairs.array(of: Float.self) == thrice[k].pairs.array(of: Float.self)) }
    }

    @Test(arguments: Device.all, [(2, true), (2, false), (3, true), (3, false)])
    func gradientsAgreeWithDifferences(device: Device, kind: (d: Int, isSquared: Bool)) throws {
        let (d, isSquared) = kind
        let values = cloud(d == 2 ? 10 : 7, d, seed: 5)
        func weighted(_ dimension: Int, _ birth: Double, _ death: Double) -> Double {
            Double(dimension + 1) * (death * death - 0.5 * birth)
        }
        func value(_ values: [Double]) -> Double {
            cech(values, d: d).filter { $0.death < .infinity }.reduce(0) { sum, found in
                let (birth, death) = isSquared ? (found.birth, found.death) : (found.birth.squareRoot(), found.death.squareRoot())
                return sum + weighted(found.dimension, birth, death)
            }
        }
        let points = try tensor(values, d: d, on: device)
        let (loss, slope) = try valueWithGradient(at: points) { points in
            try alphaPersistence(points, isSquared: isSquared).reduce(Tensor.zeros([], on: device)) { sum, diagram in
                try sum + Double(diagram.dimension + 1) * (diagram.deaths.square() - 0.5 * diagram.births).sum()
            }
        }
        expectClose([try loss.scalar()], [value(values)], tolerance: 1e-5)
        try expectClose(slope, centralDifferences(values, of: value), tolerance: 2e-5)
    }

    @Test(arguments: Device.all)
    func movingPointsDoesToDiagramsWhatItShould(device: Device) throws {
        let points = try tensor(cloud(40, 3, seed: 12), d: 3, on: device)
        let order = try Tensor((0..<40).map { ($0 * 7 + 3) % 40 }, on: device)
        func loss(_ points: Tensor) throws -> Tensor { try alphaPersistence(points)[1].persistence.square().sum() }
        let (value, slope) = try valueWithGradient(at: points, of: loss)
        let (shuffled, shuffledSlope) = try valueWithGradient(at: points.rows(at: order), of: loss)
        expectClose([try shuffled.scalar()], [try value.scalar()], tolerance: 1e-6)
        try expectClose(shuffledSlope, try slope.rows(at: order).array(of: Double.self), tolerance: 1e-5)
        let scaled = try HomologyClasses(alphaPersistence(points)).map { (16 * $0.birth, 16 * $0.death) }
        #expect(try HomologyClasses(alphaPersistence(points * 4)).classes == scaled.classes)
        // Generators are points, filled up with -1.
        let diagram = try alphaPersistence(points)[2]
        #expect(try diagram.deathGenerators.array(of: Int.self).allSatisfy { -1..<40 ~= $0 } && diagram.births.count > 0)
    }

    @Test(arguments: Device.all)
    func badInputIsAnsweredInOneLine(device: Device) throws {
        let plane = try tensor(cloud(5, 2, seed: 1), d: 2, on: device)
        expectRefusals([
            ("[5, 4]", { try alphaPersistence(Tensor.ones([5, 4], on: device)) }),
            ("[0, 2]", { try alphaPersistence(Tensor.zeros([0, 2], on: device)) }),
            ("[4]", { try alphaPersistence(Tensor.ones([4], on: device)) }),
            ("point 1", { try alphaPersistence(Tensor([0, 0, .infinity, 1] as [Float], shape: [2, 2], on: device)) }),
            ("squares", { try alphaPersistence(plane * 1e30) }),
        ])
        #expect(throws: TensorError.notDifferentiable(operation: "alphaPersistence", order: 2)) {
            try gradient(at: plane) { outer in
                try gradient(at: outer) { try alphaPersistence($0)[0].deaths.sum() }.square().sum()
            }
        }
    }
}
