import LossKit
@testable import LossKitOracles

extension LossOracle {
    static let all: [LossOracle] =
        classification + distillation + ranking + preference + regression + divergence + metricLearning + batch
        + selfSupervised + transport + alongRandomLines + geometry + pointSets + topology

    private static let byName = Dictionary(all.map { ($0.name, $0) }) { first, _ in first }

    static func named(_ name: String) -> LossOracle? { byName[name] }

    /// The standard cases, one with every optional input, and the oracle's own.
    var allCases: [LossCase] {
        let standard = sizes.map { LossCase(extents: ["n": $0]) }
        let optional = LossRegistry.named(name)?.inputs.contains { $0.isOptional } == true ? [LossCase(withOptional: true)] : []
        return (standard + optional + cases).map { given in
            var given = given
            given.name = name
            given.options = options.merging(given.options) { $1 }
            given.extents = extents.merging(given.extents) { $1 }
            return given
        }
    }
}
