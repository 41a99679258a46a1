import LossKit
@testable import LossKitOracles
import LossKitTestSupport
import Testing

/// What every loss of these families keeps to: empty batches, and inputs of any magnitude.
@Suite struct LossEdgeTests {
    static let families: Set<LossDescription.Family> = [
        .classification, .distillation, .ranking, .preference, .divergence, .regression, .geometry, .selfSupervised,
        .metricLearning,
    ]
    static let oracles = LossOracle.all.filter { oracle in
        LossRegistry.named(oracle.name).map { families.contains($0.family) } ?? false
    }
    static func cases(where condition: (LossOracle) -> Bool) -> [LossCase] {
        oracles.filter(condition).compactMap { oracle in
            var given = oracle.allCases.first
            given?.reduction = .sum
            return given
        }
    }

    /// The sum of the loss's elements, and its gradient at every differentiable input.
    private func slopes(_ given: LossCase, _ tensors: [String: Tensor]) throws -> (value: Tensor, slopes: [Tensor]) {
        let names = try given.loss().inputs.filter { $0.isDifferentiable && tensors[$0.name] != nil }.map(\.name)
        let result = try valueWithGradient(at: names.compactMap { tensors[$0] }) { points in
            try given.evaluate(tensors.merging(zip(names, points)) { $1 }).sum()
        }
        return (result.value, result.gradient)
    }

    @Test(arguments: Device.all, cases { $0.allowsEmpty })
    func nothingSumsToZero(device: Device, given: LossCase) throws {
        var given = given
        given.extents["n"] = 0
        let (value, slopes) = try slopes(given, given.tensors(given.draw(seed: 3), on: device))
        #expect(try value.scalar() == 0)
        for slope in slopes { #expect(try slope.array(of: Float.self).allSatisfy { $0 == 0 }) }
    }

    @Test(arguments: Device.all, cases { $0.isFiniteEverywhere })
    func largeInputsGiveFiniteValuesAndGradients(device: Device, given: LossCase) throws {
        var inputs = try given.draw(seed: 7)
        for input in try given.loss().inputs {
            guard case .real = input.values, let drawn = inputs.inputs[input.name] else { continue }
            inputs.inputs[input.name] = Matrix(shape: drawn.shape, values: drawn.values.map { $0 * 1e4 })
        }
        let (value, slopes) = try slopes(given, given.tensors(inputs, on: device))
        #expect(try value.scalar().isFinite)
        for slope in slopes { #expect(try slope.array(of: Float.self).allSatisfy { $0.isFinite }) }
    }
}
