import Foundation
import LossKitDevice
import LossKitTestSupport
import Testing

@testable import LossKitOps

@Suite struct FormulaExtremaTests {
    /// Whole coordinates from few, so that distances are exact and many are equal.
    private func points(_ n: Int, _ d: Int, seed: UInt64) -> [[Float]] {
        var random = SplitMix64(seed: seed)
        return (0..<n).map { _ in (0..<d).map { _ in Float(Int.random(in: -2...2, using: &random)) } }
    }

    private func tensor(_ points: [[Float]], on device: Device) throws -> Tensor {
        try Tensor(points.flatMap { $0 }, shape: [points.count, points[0].count], on: device)
    }

    private func squares(_ x: [Float], _ y: [[Float]]) -> [Float] {
        y.map { zip(x, $0).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } }
    }

    @Test(arguments: Device.all)
    func theBestComeInOrderAndOfEqualsTheFirst(device: Device) throws {
        for (n, m, d) in [(1, 1, 1), (5, 40, 3), (40, 300, 2), (9, 270, 33)] {
            let (x, y) = (points(n, d, seed: 1), points(m, d, seed: 2))
            let formula = Formula.x(try tensor(x, on: device)).squaredDistance(to: .y(try tensor(y, on: device)))
            let distances = x.map { squares($0, y) }
            for isLargest in [false, true] {
                let orders = distances.map { squares in
                    squares.indices.sorted { squares[$0] == squares[$1] ? $0 < $1 : (squares[$0] < squares[$1]) != isLargest }
                }
                for k in Set([1, min(m, 7), min(m, 290)]) {
                    let (values, indices) = try formula.topK(k, largest: isLargest)
                    #expect(values.shape == [n, k] && indices.shape == [n, k] && indices.dtype == .int64)
                    #expect(try indices.array(of: Int.self) == orders.flatMap { $0.prefix(k) })
                    let expected = zip(distances, orders).flatMap { squares, order in order.prefix(k).map { squares[$0] } }
                    #expect(try values.array(of: Float.self) == expected)
                }
            }
            let firsts = x.map { point in squares(point, y).enumerated().min { ($0.1, $0.0) < ($1.1, $1.0) }?.offset }
            #expect(try formula.argMin().array(of: Int.self) == firsts.compactMap { $0 })
            #expect(try formula.min().array(of: Float.self) == x.map { squares($0, y).min() ?? 0 })
            let lasts = y.map { point in squares(point, x).enumerated().max { ($0.1, -$0.0) < ($1.1, -$1.0) }?.offset }
            #expect(try formula.argMax(over: .x).array(of: Int.self) == lasts.compactMap { $0 })
            #expect(try formula.max(over: .x).array(of: Float.self) == y.map { squares($0, x).max() ?? 0 })
        }
    }

    @Test(arguments: Device.all)
    func gradientsGoToThePairsThatAreKept(device: Device) throws {
        let sample = FormulaSample(n: 4, m: 9, d: 3, seed: 11)
        let tensors = try sample.tensors(on: device)
        var random = SplitMix64(seed: 12)
        let weights = random.values(8, in: 0.5...1.5).map { Double(Float($0)) }
        func expected(_ sample: FormulaSample, kept: Int) -> Double {
            (0..<4).reduce(0) { total, i in
                let best = (0..<9).map { sample.pair(i, $0) }.map { exp(-$0.square) * $0.w }.sorted(by: >).prefix(kept)
                return total + zip(best, weights[(i * kept)...]).reduce(0) { $0 + $1.0 * $1.1 }
            }
        }
        func formula(_ tensors: [Tensor]) -> Formula {
            let inputs = FormulaSample.inputs(tensors)
            return (-inputs.x.squaredDistance(to: inputs.y)).exp() * inputs.w
        }
        let cotangent = try Tensor(weights, shape: [4, 2], on: device).asType(.float32)
        let several = try gradient(at: tensors) { try (formula($0).topK(2).values * cotangent).sum() }
        let one = try gradient(at: tensors) { try (formula($0).max() * cotangent.flattened().slice(axis: 0, from: 0, to: 4)).sum() }
        for (gradients, kept) in [(several, 2), (one, 1)] {
            for (part, (actual, differences)) in zip(gradients, sample.differences { expected($0, kept: kept) }).enumerated() {
                try expectClose(actual, differences, tolerance: 1e-5, "\(kept) part \(part)")
            }
        }
    }

    @Test(arguments: Device.all)
    func notANumberIsTheExtremumAndNeverAmongTheBest(device: Device) throws {
        let x = Formula.x(try Tensor([Float(1), 2], shape: [2], on: device))
        let y = Formula.y(try Tensor([Float(3), .nan, 5, .nan], shape: [4], on: device))
        for extremum in [try (x * y).max(), try (x * y).min()] { #expect(try extremum.array(of: Float.self).allSatisfy(\.isNaN)) }
        #expect(try (x * y).argMax().array(of: Int.self) == [1, 1])
        #expect(try (x * y).argMin().array(of: Int.self) == [1, 1])
        let (values, indices) = try (x * y).topK(3)
        #expect(try indices.array(of: Int.self) == [2, 0, 1, 2, 0, 1])
        #expect(try values.array(of: Float.self).prefix(2) == [5, 3])
    }
}
