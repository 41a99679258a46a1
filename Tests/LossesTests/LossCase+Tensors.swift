import LossKit
@testable import LossKitOracles
import LossKitTestSupport
import Testing

extension LossCase: CustomTestStringConvertible {
    static let all = LossOracle.all.flatMap(\.allCases)

    public var testDescription: String {
        let size = extents.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let given = options.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return ([name] + size + given + (withOptional ? ["optional inputs"] : []) + ["\(reduction)"]).joined(separator: " ")
    }

    func loss() throws -> LossDescription {
        let found = LossRegistry.named(name)
        return try #require(found, "a registered loss")
    }

    func oracle() throws -> LossOracle {
        let found = LossOracle.named(name)
        return try #require(found, "every registered loss has an oracle")
    }

    /// Values of every input, each rounded to float32 as the loss will see it.
    func draw(seed: UInt64) throws -> LossOracle.Given {
        var random = SplitMix64(seed: seed)
        let extents = ["n": 7, "m": 5, "d": 3, "e": 2, "t": 4, "classes": 11].merging(extents) { $1 }
        var inputs: [String: Matrix] = [:]
        for input in try loss().inputs where withOptional || !input.isOptional {
            let values = input.draw(extents: extents, using: &random).map { Double(Float($0)) }
            inputs[input.name] = Matrix(shape: input.shape.map { extents[$0] ?? 1 }, values: values)
        }
        try oracle().prepare?(&inputs)
        return LossOracle.Given(inputs: inputs, options: options)
    }

    func tensors(_ given: LossOracle.Given, on device: Device) throws -> [String: Tensor] {
        var tensors: [String: Tensor] = [:]
        for input in try loss().inputs {
            guard let matrix = given.inputs[input.name] else { continue }
            tensors[input.name] =
                input.values.isInteger
                ? try Tensor(matrix.values.map { Int($0) }, shape: matrix.shape, on: device)
                : try Tensor(matrix.values.map { Float($0) }, shape: matrix.shape, on: device)
        }
        return tensors
    }

    /// Every option that is set.
    func settings() throws -> [String: String] {
        var settings = try options.merging(oracle().settings) { $1 }
        if try loss().options.contains(where: { $0.name == "reduction" }) {
            settings["reduction"] = settings["reduction"] ?? reduction.rawValue
        }
        return settings
    }

    func evaluate(_ tensors: [String: Tensor]) throws -> Tensor {
        try loss()(tensors, options: settings())
    }

    /// The formula's values: without the rows whose labels are ignored, which are 0 where rows stay apart.
    func expected(_ given: LossOracle.Given, unmoved: LossOracle.Given? = nil) throws -> [Double] {
        let loss = try loss()
        guard let ignored = options["ignoreIndex"].flatMap({ Double($0) }), let labels = given.inputs["targets"],
            labels.shape.count == 1, labels.values.contains(ignored)
        else { return try reduced(given, unmoved: unmoved) }
        let kept = labels.values.indices.filter { labels[$0] != ignored }
        let few = given.taking(kept, of: "n", in: loss)
        let values = try reduced(try #require(few), unmoved: unmoved?.taking(kept, of: "n", in: loss))
        guard values.count == kept.count, reduction == .none else { return values }
        var spread = [Double](repeating: 0, count: labels.values.count)
        for (row, value) in zip(kept, values) { spread[row] = value }
        return spread
    }

    private func reduced(_ given: LossOracle.Given, unmoved: LossOracle.Given?) throws -> [Double] {
        let oracle = try oracle()
        let elements = oracle.held.map { $0(given, unmoved ?? given) } ?? oracle.formula(given)
        // A reduction that is stated as an option is the formula's own.
        guard options["reduction"] == nil, try loss().options.contains(where: { $0.name == "reduction" }) else { return elements }
        switch reduction {
        case .none: return elements
        case .sum: return [elements.reduce(0, +)]
        case .mean: return [elements.reduce(0, +) / (oracle.divisor?(given) ?? Double(elements.count))]
        }
    }
}
