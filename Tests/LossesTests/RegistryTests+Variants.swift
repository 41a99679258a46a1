import LossKit
@testable import LossKitOracles
import LossKitTestSupport
import Testing

/// How an input lies in memory.
enum Layout: String, CaseIterable, Sendable {
    case transposed, stepped, reversed

    /// The same values in another layout.
    func applied(to tensor: Tensor) throws -> Tensor {
        switch self {
        case .transposed:
            guard tensor.rank > 1 else { return try Layout.stepped.applied(to: tensor) }
            let order = Array((0..<tensor.rank).reversed())
            return try tensor.transposed(order).packed().evaluated().transposed(order)
        case .stepped:
            guard tensor.rank > 0 else { return tensor }
            let spread = try Tensor.stack([tensor, tensor], axis: tensor.rank)
            let doubled = try spread.reshaped(Array(tensor.shape.dropLast()) + [2 * (tensor.shape.last ?? 0)])
            return try doubled.slice(axis: tensor.rank - 1, step: 2)
        case .reversed:
            guard tensor.rank > 0 else { return tensor }
            return try tensor.flipped(axes: [0]).packed().evaluated().flipped(axes: [0])
        }
    }
}

extension RegistryTests {
    /// By default each case in one layout.
    @Test(arguments: Device.all)
    func layoutsDoNotMatter(device: Device) throws {
        let cases = LossCase.all.filter { $0.extents["n"] == 17 || $0.withOptional }
        for (place, given) in TestShare.of(Array(cases.enumerated())) {
            let tensors = try given.tensors(given.draw(seed: 11), on: device)
            let plain = try given.evaluate(tensors).array(of: Float.self)
            for (index, layout) in Layout.allCases.enumerated() where TestShare.isWhole || (place + index) % Layout.allCases.count == 0 {
                let viewed = try given.evaluate(tensors.mapValues { try layout.applied(to: $0) }).array(of: Float.self)
                #expect(plain.map(\.bitPattern) == viewed.map(\.bitPattern), "\(given.testDescription) \(layout)")
            }
        }
    }

    /// Of nothing, a sum is 0, a mean is 0 / 0, and elements are none.
    @Test(arguments: Device.all, LossCase.Reduction.allCases)
    func emptyBatchesHaveADefinedLoss(device: Device, reduction: LossCase.Reduction) throws {
        for loss in LossRegistry.all where loss.options.contains(where: { $0.name == "reduction" }) {
            let extents = (LossOracle.named(loss.name)?.extents ?? [:]).merging(["n": 0]) { $1 }
            let given = LossCase(name: loss.name, extents: extents, reduction: reduction)
            let tensors = try given.tensors(given.draw(seed: 1), on: device)
            let value = try given.evaluate(tensors).array(of: Double.self)
            switch reduction {
            case .none: #expect(value.isEmpty, "\(loss.name)")
            case .sum: #expect(value == [0], "\(loss.name)")
            case .mean: #expect(value.count == 1 && value[0].isNaN, "\(loss.name)")
            }
        }
    }

    /// v^T H w against second differences of the oracle; an error, never zeros, where there is no second derivative.
    @Test(arguments: Device.all)
    func secondDerivativesAgreeWithTheOracle(device: Device) throws {
        for given in LossCase.all where given.extents["n"] == 2 {
            let oracle = try given.oracle()
            let inputs = try given.draw(seed: 23)
            let tensors = try given.tensors(inputs, on: device)
            let name = try given.loss().inputs.first { $0.isDifferentiable }?.name ?? ""
            var random = SplitMix64(seed: 3)
            let count = inputs[name].values.count
            let (v, w) = (random.values(count), random.values(count))
            func shifted(_ a: Double, _ b: Double) throws -> Double {
                var moved = inputs
                for index in 0..<count { moved.inputs[name]?.values[index] += a * v[index] + b * w[index] }
                return try given.expected(moved, unmoved: inputs).reduce(0, +)
            }
            let h = oracle.step * 100
            let expected = (try shifted(h, h) - shifted(h, -h) - shifted(-h, h) + shifted(-h, -h)) / (4 * h * h)
            let along = try Tensor(v.map { Float($0) }, shape: inputs[name].shape, on: device)
            let other = try Tensor(w.map { Float($0) }, shape: inputs[name].shape, on: device)
            func product() throws -> Tensor {
                try gradient(at: tensors[name] ?? .zeros([])) { point in
                    let slope = try gradient(at: point) { try given.evaluate(tensors.merging([name: $0]) { $1 }).sum() }
                    return try (slope * along).sum()
                }
            }
            guard oracle.isTwiceDifferentiable else {
                #expect(throws: TensorError.self, "\(given.testDescription)") { try product() }
                continue
            }
            let actual = try (product() * other).sum().scalar()
            let scale = max(1, abs(expected))
            #expect(abs(actual - expected) <= 2e-4 * scale, "\(given.testDescription): \(actual), expected \(expected)")
        }
    }

    @Test(arguments: Device.all, [DType.float64, .float16, .bfloat16])
    func everyFloatingPointTypeIsTaken(device: Device, dtype: DType) throws {
        guard dtype != .float64 || device.hasFloat64 else { return }
        let unit = dtype == .float16 ? 0x1p-11 : dtype == .bfloat16 ? 0x1p-8 : 0
        for given in LossCase.all where given.extents["n"] == 17 && given.reduction == .mean {
            var inputs = try given.draw(seed: 31)
            for input in try given.loss().inputs where !input.values.isInteger {
                let rounded = inputs[input.name].values.map { $0.rounded(to: dtype) }
                inputs.inputs[input.name]?.values = rounded
            }
            let tensors = try given.tensors(inputs, on: device)
            let converted = Dictionary(
                uniqueKeysWithValues: try given.loss().inputs.compactMap { input in
                    tensors[input.name].map { (input.name, input.values.isInteger ? $0 : $0.asType(dtype)) }
                })
            let value = try given.evaluate(converted)
            #expect(value.dtype == dtype, "\(given.testDescription)")
            try expectClose(
                value, given.expected(inputs), tolerance: given.oracle().tolerance + 8 * unit, "\(dtype) \(given.testDescription)")
        }
    }
}
