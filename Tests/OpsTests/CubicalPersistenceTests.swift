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
