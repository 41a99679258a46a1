import LossKit
@testable import LossKitOracles
import LossKitTestSupport
import Testing

extension LossMatrixTests {
    /// Batches of several tiles and of a part of one more against the formula.
    @Test(arguments: Device.all, TestShare.of(names, every: 3))
    func largerBatchesAgreeWithTheOracle(device: Device, name: String) throws {
        guard let larger = LossOracle.named(name)?.larger else { return }
        let given = LossCase.standard(name, n: larger)
        let inputs = try given.draw(seed: 61)
        let value = try given.evaluate(given.tensors(inputs, on: device))
        try expectClose(
            value, try given.expected(inputs), tolerance: given.oracle().tolerance, given.reproduction(inputs, seed: 61, on: device))
    }

    /// A gradient has its point's type, and is that of the same numbers in float32 as far as the type holds it.
    @Test(arguments: Device.all, [DType.float64, .float16, .bfloat16])
    func gradientsAreOfTheirPointsType(device: Device, dtype: DType) throws {
        guard dtype != .float64 || device.hasFloat64 else { return }
        let unit = dtype == .float16 ? 0x1p-11 : dtype == .bfloat16 ? 0x1p-8 : 0
        for name in TestShare.of(Self.names, every: 3, from: DType.allCases.firstIndex(of: dtype) ?? 0) {
            let given = LossCase.standard(name, n: min(7, LossOracle.named(name)?.sizes.last ?? 7), reduction: .sum)
            var inputs = try given.draw(seed: 67)
            let real = try given.loss().inputs.filter { !$0.values.isInteger }.map(\.name)
            for name in real {
                let rounded = inputs[name].values.map { $0.rounded(to: dtype) }
                inputs.inputs[name]?.values = rounded
            }
            let tensors = try given.tensors(inputs, on: device)
            let wanted = try given.slopes(tensors).slopes
            var converted = tensors
            for name in real { converted[name] = tensors[name]?.asType(dtype) }
            for (name, slope) in try given.slopes(converted).slopes {
                #expect(slope.dtype == dtype, "\(given.testDescription) \(name)")
                let expected = try wanted[name]?.array(of: Double.self) ?? []
                let largest = expected.reduce(1) { max($0, abs($1)) }
                try expectClose(
                    slope.array(of: Double.self), expected, tolerance: given.oracle().gradientTolerance + 8 * unit,
                    scale: expected.map { _ in largest }, "\(dtype) \(given.testDescription) \(name)")
            }
        }
    }

    /// One row that is broadcast over the batch gives the bits of the batch that is stored, gradients included; or the same refusal.
    @Test(arguments: Device.all, TestShare.of(names, every: 2))
    func broadcastRowsAreTheirCopies(device: Device, name: String) throws {
        let given = LossCase.standard(name)
        let loss = try given.loss()
        let batched = loss.inputs.filter { $0.shape.first == "n" }.map(\.name)
        let drawn = try given.draw(seed: 73)
        guard let n = batched.lazy.compactMap({ drawn.inputs[$0]?.shape[0] }).first, n > 1 else { return }
        guard let same = drawn.taking([Int](repeating: 0, count: n), of: "n", in: loss) else { return }
        let stored = try given.tensors(same, on: device)
        var views = stored
        for name in batched {
            guard let tensor = stored[name] else { continue }
            views[name] = try tensor[0..<1].broadcast(to: tensor.shape)
        }
        do {
            let expected = try given.bits(stored)
            let actual = try given.bits(views)
            #expect(actual == expected, "\(given.reproduction(same, seed: 73, on: device)), rows broadcast")
        } catch let refusal as TensorError {
            let again = #expect(throws: TensorError.self, "\(given.testDescription), rows broadcast") { try given.bits(views) }
            #expect(again.map { "\($0)" } == "\(refusal)")
        }
    }
}
