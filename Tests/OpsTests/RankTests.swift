import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// Spaces of more axes than a launch can hold: nothing merges where axes are permuted, stepped or broadcast alternately.
@Suite struct RankTests {
    private struct Operand {
        var tensor: Tensor
        var model: NaiveArray
    }

    /// An operand of a shape whose memory is permuted, stepped, reversed and repeated at random.
    private func operand(_ shape: [Int], repeated: [Bool], on device: Device, using random: inout SplitMix64) throws -> Operand {
        let own = zip(shape, repeated).map { $1 ? 1 : $0 }
        let order = Array(own.indices).shuffled(using: &random)
        var inverse = order
        for (position, axis) in order.enumerated() { inverse[axis] = position }
        let steps = own.map { $0 == 1 ? 1 : [1, 1, 2, -1].randomElement(using: &random) ?? 1 }
        let stored = order.map { own[$0] * abs(steps[$0]) }
        let values = random.values(stored.reduce(1, *), in: 0.5...1.5).map { Double(Float($0)) }
        var tensor = try Tensor(values.map { Float($0) }, shape: stored, on: device)
        var model = NaiveArray(shape: stored, values: values)
        for (position, axis) in order.enumerated() where steps[axis] != 1 {
            tensor = try tensor.slice(axis: position, step: steps[axis])
            model = model.stepped(axis: position, by: steps[axis])
        }
        return Operand(tensor: try tensor.transposed(inverse), model: model.transposed(inverse))
    }

    @Test(arguments: Device.all, 1...8)
    func anyRankWorks(device: Device, rank: Int) throws {
        for seed in 0..<UInt64(6) {
            var random = SplitMix64(seed: seed &* 16 &+ UInt64(rank))
            let shape = (0..<rank).map { _ in rank > 6 ? Int.random(in: 2...3, using: &random) : Int.random(in: 1...4, using: &random) }
            let label = "seed \(seed), shape \(shape)"
            let alternating = Bool.random(using: &random)
            let operands = try (0..<8).map { number in
                try operand(
                    shape,
                    repeated: shape.indices.map {
                        number > 0 && (alternating ? $0 % 2 == number % 2 : Int.random(in: 0..<3, using: &random) == 0)
                    },
                    on: device, using: &random)
            }
            // As many leaves as a launch takes.
            func function(_ x: [Tensor]) -> Tensor {
                let first: Tensor = x[0] * x[1] + x[2] * x[3]
                let second: Tensor = x[4] * x[5] - x[6] * x[7]
                return first + second
            }
            let expected = NaiveArray.combine(operands.map(\.model)) { $0[0] * $0[1] + $0[2] * $0[3] + ($0[4] * $0[5] - $0[6] * $0[7]) }
            let tensors = operands.map(\.tensor)
            let actual = function(tensors)
            #expect(actual.shape == expected.shape, "\(label)")
            try expectClose(actual, expected.values, tolerance: 4e-7, label)
            let axes = (0..<rank).filter { _ in Bool.random(using: &random) }
            try expectClose(
                function(tensors).sum(axes: axes), expected.fold(axes) { $0.reduce(0, +) }.values, tolerance: 2e-6,
                "\(label), sum over \(axes)")
            try expectClose(
                tensors[1].max(axes: axes), operands[1].model.fold(axes) { $0.max() ?? 0 }.values, tolerance: 0,
                "\(label), max over \(axes)")
        }
    }

    @Test(arguments: Device.all)
    func packingKeepsTheBitsOfEveryType(device: Device) throws {
        let shape = [2, 3, 2, 2, 2, 3, 2, 2]
        let count = shape.reduce(1, *)
        for dtype in DType.allCases where dtype != .float64 || device.hasFloat64 {
            let base = try Tensor((0..<count).map { Int32($0 * 37 % 251) }, shape: shape, on: device).asType(dtype)
            let model = NaiveArray(shape: shape, values: try base.array())
            let order = [6, 1, 4, 3, 0, 7, 2, 5]
            let masks = try (0..<3).map { try base.slice(axis: $0, from: 0, to: 1).transposed(order) }
            let chosen = try Tensor.select(
                masks[0] .== masks[1], masks[1], Tensor.select(masks[2] .== masks[0], base.transposed(order), masks[2]))
            let models = (0..<3).map { axis in
                NaiveArray(shape: shape.enumerated().map { $0.offset == axis ? 1 : $0.element }) { model[$0] }.transposed(order)
            }
            let expected = NaiveArray.combine(models + [model.transposed(order)]) {
                $0[0] == $0[1] ? $0[1] : $0[2] == $0[0] ? $0[3] : $0[2]
            }
            try expectClose(chosen, expected.values, tolerance: 0, "\(dtype)")
        }
    }
}
