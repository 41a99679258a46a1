import LossKit
@testable import LossKitOracles
import LossKitTestSupport
import Testing

/// What every registered loss keeps to, whatever it computes: tried on each by the same machinery, with the formula in doubles to say for
/// which losses a property holds.
@Suite struct LossMatrixTests {
    static let names = LossOracle.all.map(\.name)
}

extension LossCase {
    /// A loss with the options and extents that its oracle asks for.
    static func standard(_ name: String, n: Int? = nil, reduction: Reduction = .mean) -> LossCase {
        let oracle = LossOracle.named(name)
        var given = LossCase(name: name, options: oracle?.options ?? [:], extents: oracle?.extents ?? [:], reduction: reduction)
        if let n = n ?? oracle?.sizes.last { given.extents["n"] = n }
        return given
    }

    var hasReduction: Bool { LossRegistry.named(name)?.options.contains { $0.name == "reduction" } ?? false }

    /// The value and its gradients, by the names of the inputs, under a cotangent that differs from element to element.
    func slopes(_ tensors: [String: Tensor]) throws -> (value: Tensor, slopes: [String: Tensor]) {
        let names = try loss().inputs.filter { $0.isDifferentiable && tensors[$0.name] != nil }.map(\.name)
        var value: Tensor?
        let slopes = try gradient(at: names.compactMap { tensors[$0] }) { points in
            let result = try evaluate(tensors.merging(zip(names, points)) { $1 })
            value = stopGradient(result)
            var random = SplitMix64(seed: 2)
            let weights = try Tensor(random.values(result.count, in: 0.5...1.5).map { Float($0) }, shape: result.shape, on: result.device)
            return try (result * weights.asType(result.dtype)).sum()
        }
        return (try value?.evaluated() ?? .zeros([]), Dictionary(uniqueKeysWithValues: zip(names, slopes)))
    }

    /// The bits of the value and of every gradient.
    func bits(_ tensors: [String: Tensor]) throws -> [String: [UInt32]] {
        let (value, slopes) = try slopes(tensors)
        return try slopes.merging(["value": value]) { $1 }.mapValues { try $0.array(of: Float.self).map(\.bitPattern) }
    }
}
