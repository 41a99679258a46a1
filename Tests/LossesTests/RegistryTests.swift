import LossKit
@testable import LossKitOracles
import LossKitTestSupport
import Testing

extension LossCase {
    /// All cases, or by default each loss's largest batch and one of `step` of its other cases.
    fileprivate static func share(ofOthers step: Int) -> [LossCase] {
        guard !TestShare.isWhole else { return TestShare.of(all) }
        return LossOracle.all.enumerated().flatMap { place, oracle in
            oracle.allCases.enumerated().filter { index, _ in
                index == max(0, oracle.sizes.count - 1) || (place + index) % step == 0
            }.map(\.element)
        }
    }
}

@Suite struct RegistryTests {
    @Test func everyLossHasAnOracleAndAUniqueName() {
        #expect(Set(LossRegistry.all.map(\.name)).count == LossRegistry.all.count)
        #expect(Set(LossRegistry.all.map(\.name)) == Set(LossOracle.all.map(\.name)))
    }

    @Test(arguments: Device.all, LossCase.all)
    func valuesAgreeWithTheOracle(device: Device, given: LossCase) throws {
        let inputs = try given.draw(seed: 11)
        let value = try given.evaluate(given.tensors(inputs, on: device))
        try expectClose(
            value, try given.expected(inputs), tolerance: given.oracle().tolerance, given.reproduction(inputs, seed: 11, on: device))
    }

    @Test(arguments: Device.all, LossCase.share(ofOthers: 2))
    func gradientsAgreeWithTheOracle(device: Device, given: LossCase) throws {
        let oracle = try given.oracle()
        let inputs = try given.draw(seed: 5)
        let tensors = try given.tensors(inputs, on: device)
        var random = SplitMix64(seed: 2)
        let weights = random.values(try given.expected(inputs).count, in: 0.5...1.5)
        let unmoved = inputs
        func scalar(_ inputs: LossOracle.Given) throws -> Double {
            zip(try given.expected(inputs, unmoved: unmoved), weights).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let names = try given.loss().inputs.map(\.name).filter { name in
            try tensors[name] != nil && !oracle.constrained.contains(name)
                && given.loss().inputs.contains { $0.name == name && $0.isDifferentiable }
        }
        let gradients = try gradient(at: names.compactMap { tensors[$0] }) { points in
            let value = try given.evaluate(tensors.merging(zip(names, points)) { $1 })
            return try (value * Tensor(weights.map { Float($0) }, shape: value.shape, on: device)).sum()
        }
        for (name, gradient) in zip(names, gradients) {
            let count = inputs[name].values.count
            let samples = min(count, TestShare.isWhole ? oracle.sampledElements : min(8, oracle.sampledElements))
            let picked = Array(Set((0..<samples).map { $0 * 97 % count })).sorted()
            let expected = try picked.map { index in
                func value(_ shift: Double) throws -> Double {
                    var moved = inputs
                    moved.inputs[name]?.values[index] += shift
                    return try scalar(moved)
                }
                return (try value(oracle.step) - value(-oracle.step)) / (2 * oracle.step)
            }
            let actual = try gradient.array(of: Double.self)
            expectClose(
                picked.map { actual[$0] }, expected, tolerance: oracle.gradientTolerance,
                given.reproduction(inputs, seed: 5, on: device, gradientOf: name))
        }
    }

    /// Value and gradient with respect to the first differentiable input.
    private func valueAndGradient(_ given: LossCase, on device: Device) throws -> [[Float]] {
        let tensors = try given.tensors(given.draw(seed: 11), on: device)
        let first = try given.loss().inputs.first { $0.isDifferentiable }
        let name = try #require(first?.name)
        let (value, slope) = try valueWithGradient(at: tensors[name] ?? Tensor.zeros([])) { point in
            try given.evaluate(tensors.merging([name: point]) { $1 }).sum()
        }
        return [try value.array(), try slope.array()]
    }

    @Test(arguments: Device.all, LossCase.share(ofOthers: 8))
    func twoRunsGiveTheSameBitsAndLeaveNothingBehind(device: Device, given: LossCase) throws {
        let first = try valueAndGradient(given, on: device)
        let (second, cost) = try Profiler.measure { try valueAndGradient(given, on: device) }
        #expect(first.map { $0.map(\.bitPattern) } == second.map { $0.map(\.bitPattern) })
        #expect(cost.liveBytes == 0, "no buffer outlives the tensors that held it")
        #expect(cost.launches > 0)
    }
}
