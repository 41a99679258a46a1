import LossKit
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// Every registered loss, given inputs and options that nobody drew with care: a value or an error, never a trap.
@Suite struct LossFuzzTests {
    @Test(arguments: LossRegistry.all.map(\.name)) func optionsOfAnyText(name: String) throws {
        let loss = try #require(LossRegistry.named(name), "a registered loss")
        guard !loss.options.isEmpty else { return }
        let tensors = try valid(loss, extents: ["n": 3, "m": 3, "d": 2, "e": 2, "classes": 3])
        let texts = ["0", "1", "-1", "0.5", "true", "false", "none", "mean", "sum", "1e-30", "1e300", "inf", "-inf", "2", "3", "0x1p-3"]
        var fuzz = Fuzz("options of \(name)", corpus: texts.map { Array($0.utf8) }, tokens: texts)
        fuzz.run(20) { input, random in
            var settings: [String: String] = [:]
            for option in loss.options where option.name != "maximumIterations" && Int.random(in: 0..<2, using: &random) == 0 {
                settings[option.name] =
                    Bool.random(using: &random) ? String(decoding: input, as: UTF8.self) : texts.randomElement(using: &random)
            }
            if loss.options.contains(where: { $0.name == "maximumIterations" }) {
                settings["maximumIterations"] = ["0", "1", "-1", "5", "x"].randomElement(using: &random)
            }
            return runs(loss, tensors, settings)
        }
    }

    @Test(arguments: LossRegistry.all.map(\.name)) func inputsOfAnyShapeAndType(name: String) throws {
        let loss = try #require(LossRegistry.named(name), "a registered loss")
        let settings = loss.options.contains { $0.name == "maximumIterations" } ? ["maximumIterations": "3"] : [:]
        let special = [0, -0.0, 1, -1, 2, .nan, .infinity, -.infinity, 1e30, -1e30, 1e-40, 3]
        var fuzz = Fuzz("inputs of \(name)", corpus: [[]])
        try fuzz.run(30) { _, random in
            var extents: [String: Int] = [:]
            for axis in loss.inputs.flatMap(\.shape) where extents[axis] == nil { extents[axis] = Int.random(in: 0...3, using: &random) }
            var tensors = try valid(loss, extents: extents)
            for input in loss.inputs where Int.random(in: 0..<2, using: &random) == 0 {
                var shape = tensors[input.name]?.shape ?? []
                switch Int.random(in: 0..<5, using: &random) {
                case 0: shape = (0..<Int.random(in: 0...3, using: &random)).map { _ in Int.random(in: 0...3, using: &random) }
                case 1: shape.append(1)
                case 2: shape = shape.map { $0 + 1 }
                case 3: tensors[input.name] = nil
                default: break
                }
                guard tensors[input.name] != nil else { continue }
                let values = (0..<shape.reduce(1, *)).map { _ in special.randomElement(using: &random) ?? 0 }
                let dtype = DType.allCases.randomElement(using: &random) ?? .float32
                tensors[input.name] = try Tensor(values, shape: shape, on: .cpu).asType(dtype)
            }
            return runs(loss, tensors, settings)
        }
    }

    private func valid(_ loss: LossDescription, extents: [String: Int]) throws -> [String: Tensor] {
        var random = SplitMix64(seed: 3)
        var tensors: [String: Tensor] = [:]
        for input in loss.inputs {
            let shape = input.shape.map { extents[$0] ?? 1 }
            let values = input.draw(extents: extents, using: &random)
            tensors[input.name] = try Tensor(values, shape: shape, on: .cpu).asType(input.values.isInteger ? .int64 : .float32)
        }
        return tensors
    }

    /// Whether value and gradients come out.
    private func runs(_ loss: LossDescription, _ tensors: [String: Tensor], _ settings: [String: String]) -> Bool {
        let names = loss.inputs.filter { $0.isDifferentiable && tensors[$0.name]?.dtype.isFloatingPoint == true }.map(\.name)
        do {
            for slope in try gradient(
                at: names.compactMap { tensors[$0] },
                of: { points in try loss(tensors.merging(zip(names, points)) { $1 }, options: settings).sum() })
            {
                _ = try slope.array(of: Double.self)
            }
            return true
        } catch {
            return false
        }
    }
}
