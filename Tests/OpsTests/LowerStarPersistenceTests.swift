import LossKit
import LossKitTestSupport
import Testing

@Suite struct LowerStarPersistenceTests {
    /// A torus of n x n vertices, each square of it two triangles.
    private func torus(_ n: Int) -> [Int32] {
        (0..<n * n).flatMap { place -> [Int32] in
            let (i, j) = (place / n, place % n), (k, l) = ((i + 1) % n, (j + 1) % n)
            return [i * n + j, k * n + j, k * n + l, i * n + j, i * n + l, k * n + l].map { Int32($0) }
        }
    }

    private func naive(_ values: [Double], _ simplices: [[Int]]) -> [NaiveHomology.Class] {
        var found: [[Int]: Double] = [:]
        for vertex in values.indices { found[[vertex]] = values[vertex] }
        for simplex in simplices {
            let vertices = Set(simplex).sorted()
            for subset in NaiveComplex.subsets(of: vertices.count, upTo: vertices.count) {
                found[subset.map { vertices[$0] }] = subset.map { values[vertices[$0]] }.max()
            }
        }
        return NaiveComplex(found).classes
    }

    @Test(arguments: Device.all, [2, 3, 4])
    func diagramsAreThoseOfTheBoundaryMatrix(device: Device, size: Int) throws {
        for seed in 0..<8 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            let n = 9
            // Every other time full of ties; rows that repeat a vertex are smaller simplices.
            let values = random.values(n, in: 0...3).map { Float(seed % 2 == 0 ? $0.rounded() : $0) }
            let vertices = random.values(12 * size, in: 0...Double(n - 2)).map { Int($0.rounded()) }
            let rows = stride(from: 0, to: vertices.count, by: size).map { Array(vertices[$0..<$0 + size]) }
            let simplices = try Tensor(vertices.map { Int32($0) }, shape: [12, size], on: device)
            let field = try Tensor(values, on: device)
            let found = try HomologyClasses(lowerStarPersistence(field, simplices: simplices)).classes
            #expect(found == naive(values.map { Double($0) }, rows), "seed \(seed)")
            let above = try lowerStarPersistence(-field, simplices: simplices, isSuperlevel: true)
            let mirrored = try above.map { try PersistenceDiagram(pairs: -$0.pairs, dimension: $0.dimension, essentialBirths: -$0.essentialBirths) }
            #expect(try HomologyClasses(mirrored).classes == found)
        }
    }

    @Test(arguments: Device.all)
    func aTorusHasTwoLoopsAndAVoid(device: Device) throws {
        let n = 7
        let triangles = try Tensor(torus(n), shape: [2 * n * n, 3], on: device)
        let flat = try lowerStarPersistence(Tensor.ones([n * n], on: device), simplices: triangles)
        #expect(flat.map(\.essentialCount) == [1, 2, 1] && flat.map(\.births.count) == [0, 0, 0])
    }

    @Test(arguments: Device.all)
    func valuesDifferentiateToTheirVertices(device: Device) throws {
        // A path 0 - 1 - 2 - 3 - 4 with two valleys.
        let values = try Tensor([0.5, 3, 1, 2, 0.25] as [Float], on: device)
        let path = try Tensor([0, 1, 1, 2, 2, 3, 3, 4] as [Int64], shape: [4, 2], on: device)
        let diagram = try lowerStarPersistence(values, simplices: path)[0]
        #expect(try diagram.pairs.array(of: Float.self) == [1, 2, 0.5, 3] && diagram.essentialBirths.array(of: Float.self) == [0.25])
        #expect(try diagram.birthGenerators.array(of: Int.self) == [2, 0] && diagram.deathGenerators.array(of: Int.self) == [3, 1])
        let slope = try gradient(at: values) { values in
            let diagram = try lowerStarPersistence(values, simplices: path)[0]
            return try diagram.persistence.square().sum() + 5 * diagram.essentialBirths.sum()
        }
        #expect(try slope.array(of: Float.self) == [-5, 5, -2, 2, 5])
    }

    @Test(arguments: Device.all)
    func badInputIsAnsweredInOneLine(device: Device) throws {
        let (values, edges) = (try Tensor([0, 1, 2] as [Float], on: device), try Tensor([0, 1, 1, 3] as [Int32], shape: [2, 2], on: device))
        expectRefusals([
            ("3 in simplex 1", { try lowerStarPersistence(values, simplices: edges) }),
            ("at 1", { try lowerStarPersistence(Tensor([0, .nan] as [Float], on: device), simplices: edges) }),
            ("[0]", { try lowerStarPersistence(Tensor.zeros([0], on: device), simplices: edges) }),
            ("[2, 5]", { try lowerStarPersistence(values, simplices: Tensor.zeros([2, 5], dtype: .int32, on: device)) }),
            ("[3]", { try lowerStarPersistence(values, simplices: values) }),
        ])
        let none = try lowerStarPersistence(values, simplices: Tensor.zeros([0, 3], dtype: .int32, on: device))
        #expect(none.map(\.essentialCount) == [3, 0, 0])
    }
}
