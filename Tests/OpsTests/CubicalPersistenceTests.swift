import Foundation
import LossKit
import LossKitTestSupport
import Testing

@Suite struct CubicalPersistenceTests {
    /// Small images in one to three dimensions, every other one full of ties.
    private func image(_ seed: UInt64) -> (values: [Double], shape: [Int]) {
        var random = SplitMix64(seed: seed)
        let shape = (0...Int(seed % 3)).map { 1 + (Int(seed) * 3 + 5 * $0) % ($0 == 2 ? 3 : 5) }
        let values = random.values(shape.reduce(1, *), in: 0...4).map { Double(Float(seed % 2 == 0 ? $0.rounded() : $0)) }
        return (values, shape)
    }

    @Test(arguments: Device.all, CubicalConstruction.allCases)
    func diagramsAreThoseOfTheBoundaryMatrix(device: Device, construction: CubicalConstruction) throws {
        for seed in 0..<36 as Range<UInt64> {
            let (values, shape) = image(seed)
            for isSuperlevel in [false, true] {
                let sign = isSuperlevel ? -1.0 : 1
                let expected = NaiveCubicalHomology(values.map { sign * $0 }, shape: shape, voxelsAreCorners: construction == .vertices)
                let tensor = try Tensor(values.map { Float($0) }, shape: shape, on: device)
                let diagrams = try cubicalPersistence(tensor, construction: construction, isSuperlevel: isSuperlevel)
                #expect(diagrams.map(\.dimension) == Array(0..<shape.count))
                var actual = try HomologyClasses(diagrams)
                if isSuperlevel { actual = actual.map { (-$0.birth, -$0.death) } }
                #expect(actual.classes == expected.classes, "seed \(seed), \(shape)")
            }
        }
    }

    /// Noise, steps with many ties, and smooth hills: the same classes in the same order, with the same voxels.
    @Test(arguments: Device.all, CubicalConstruction.allCases)
    func largerImagesHaveTheSameClassesEverywhere(device: Device, construction: CubicalConstruction) throws {
        var random = SplitMix64(seed: 9)
        for shape in [[70, 53], [1, 40], [33, 1], [500]] {
            let noise = random.values(shape.reduce(1, *), in: 0...1).map { Float($0) }
            let width = Float(shape[shape.count - 1])
            let hills = noise.indices.map { 3 * sin(Float($0) / width / 7) * cos(Float($0).truncatingRemainder(dividingBy: width) / 5) }
            for values in [noise, noise.map { ($0 * 4).rounded() }, hills, noise.map { $0 < 0.5 ? -0.0 : 0 }] {
                for isSuperlevel in [false, true] {
                    let (own, expected) = try (
                        cubicalPersistence(
                            Tensor(values, shape: shape, on: device), construction: construction, isSuperlevel: isSuperlevel),
                        cubicalPersistence(
                            Tensor(values, shape: shape, on: .cpu), construction: construction, isSuperlevel: isSuperlevel)
                    )
                    for (one, other) in zip(own, expected) {
                        #expect(try one.pairs.array(of: Float.self) == other.pairs.array(of: Float.self))
                        #expect(try one.birthGenerators.array(of: Int.self) == other.birthGenerators.array(of: Int.self))
                        #expect(try one.deathGenerators.array(of: Int.self) == other.deathGenerators.array(of: Int.self))
                        #expect(try one.essentialBirths.array(of: Float.self) == other.essentialBirths.array(of: Float.self))
                    }
                }
            }
        }
    }

    /// Hollows that get shallower along a line while the walls between them get lower: one ends after another.
    @Test(arguments: Device.all, [20, 300])
    func hollowsInARowEndOneByOne(device: Device, count: Int) throws {
        let values = (0..<2 * count - 1).map { Float($0 % 2 == 0 ? $0 / 2 : 2 * count - $0 / 2) }
        let diagram = try cubicalPersistence(Tensor(values, on: device))[0]
        #expect(try diagram.births.array(of: Int.self) == Array(1..<count))
        #expect(try diagram.deaths.array(of: Int.self) == (1..<count).map { 2 * count + 1 - $0 })
    }

    @Test(arguments: Device.all)
    func imagesTakeBoundedLaunchesAndLinearMemory(device: Device) throws {
        var random = SplitMix64(seed: 2)
        let image = try Tensor(random.values(4096, in: 0...1).map { Float($0) }, shape: [64, 64], on: device)
        let (diagrams, cost) = try Profiler.measure { try cubicalPersistence(image) }
        #expect(diagrams.map(\.births.count).allSatisfy { $0 > 100 })
        #expect(cost.launches <= 120)
        #expect(cost.peakBytes <= 64 * 4096)
    }

    @Test(arguments: Device.all)
    func aRingHasALoopAndABoxAVoid(device: Device) throws {
        let ring: [Float] = [1, 2, 3, 4, 9, 5, 8, 7, 6]
        let flat = try cubicalPersistence(Tensor(ring, shape: [3, 3], on: device))
        #expect(try flat[1].pairs.array(of: Float.self) == [8, 9] && flat[0].births.count == 0)
        #expect(try flat[1].birthGenerators.array(of: Int.self) == [2, 0] && flat[1].deathGenerators.array(of: Int.self) == [1, 1])
        #expect(try flat[0].essentialBirths.array(of: Float.self) == [1])
        var box = [Float](repeating: 1, count: 27)
        box[13] = 4
        for construction in CubicalConstruction.allCases {
            let solid = try cubicalPersistence(Tensor(box, shape: [3, 3, 3], on: device), construction: construction)
            #expect(solid.map(\.births.count) == [0, 0, 1])
            #expect(try solid[2].pairs.array(of: Float.self) == [1, 4])
        }
    }

    @Test(arguments: Device.all, CubicalConstruction.allCases)
    func gradientsGoToTheVoxels(device: Device, construction: CubicalConstruction) throws {
        var random = SplitMix64(seed: 5)
        let shape = [3, 4, 3]
        let values = random.values(36, in: 0...1).map { Double(Float($0)) }
        func value(_ values: [Double]) -> Double {
            NaiveCubicalHomology(values, shape: shape, voxelsAreCorners: construction == .vertices).classes.reduce(0) { sum, pair in
                sum + Double(pair.dimension + 1) * (pair.birth * pair.birth - (pair.death < .infinity ? 2 * pair.death : 0))
            }
        }
        let image = try Tensor(values.map { Float($0) }, shape: shape, on: device)
        let slope = try gradient(at: image) { image in
            try cubicalPersistence(image, construction: construction).reduce(Tensor.zeros([], on: device)) { sum, diagram in
                let births = try diagram.births.square().sum() + diagram.essentialBirths.square().sum()
                return try sum + Double(diagram.dimension + 1) * (births - 2 * diagram.deaths.sum())
            }
        }
        let expected = centralDifferences(values, of: value)
        try expectClose(slope, expected, tolerance: 1e-5)
    }

    @Test(arguments: Device.all)
    func badImagesAreAnsweredInOneLine(device: Device) throws {
        let calls: [(String, () throws -> Any)] = [
            ("[2, 2, 2, 2]", { try cubicalPersistence(Tensor.zeros([2, 2, 2, 2], on: device)) }),
            ("[0, 3]", { try cubicalPersistence(Tensor.zeros([0, 3], on: device)) }),
            ("nan at [1, 0]", { try cubicalPersistence(Tensor([0, 1, .nan, 2] as [Float], shape: [2, 2], on: device)) }),
        ]
        expectRefusals(calls)
        let one = try cubicalPersistence(Tensor([7] as [Float], shape: [1, 1], on: device))
        #expect(try one.map(\.births.count) == [0, 0] && one[0].essentialBirths.array(of: Float.self) == [7])
    }
}
