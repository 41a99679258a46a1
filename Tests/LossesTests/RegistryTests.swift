import LossKit
import LossKitTestSupport
import Testing

/// One loss with options and extents, drawn from a seed.
struct LossCase: Sendable, CustomTestStringConvertible {
    var name: String
    var options: [String: Double] = [:]
    var extents: [String: Int] = ["n": 7, "m": 5, "d": 3, "e": 2, "classes": 11]
    var withOptional = false
    var reduction = Reduction.mean
    var testDescription: String { "\(name) \(options) n=\(extents["n"] ?? 0) \(withOptional ? "with optional inputs" : "") \(reduction)" }

    /// Values of every input, each rounded to float32 as the loss will see it.
    func draw(seed: UInt64 = 11) throws -> [String: Matrix] {
        var random = SplitMix64(seed: seed)
        var inputs: [String: Matrix] = [:]
        for input in try #require(LossRegistry.named(name)).inputs where withOptional || !input.isOptional {
            let shape = input.shape.map { extents[$0] ?? 1 }
            let (rows, columns) = (shape.count > 1 ? shape[0] : 1, shape.last ?? 1)
            var values: [Double]
            switch input.values {
            case .real(let range): values = random.values(rows * columns, in: range).map { Double(Float($0)) }
            case .classes(let dimension):
                values = (0..<rows * columns).map { _ in Double(Int.random(in: 0..<(extents[dimension] ?? 1), using: &random)) }
            }
            if ["a", "b"].contains(input.name) {
                let total = values.reduce(0, +)
                values = values.map { Double(Float($0 / total)) }
            }
            inputs[input.name] = Matrix(rows: rows, columns: columns, values: values)
        }
        return inputs
    }

    func tensors(_ matrices: [String: Matrix], on device: Device) throws -> [String: Tensor] {
        var tensors: [String: Tensor] = [:]
        for input in try #require(LossRegistry.named(name)).inputs {
            guard let matrix = matrices[input.name] else { continue }
            let shape = input.shape.count > 1 ? [matrix.rows, matrix.columns] : [matrix.columns]
            if case .classes = input.values {
                tensors[input.name] = try Tensor(matrix.values.map { Int($0) }, shape: shape, on: device)
            } else {
                tensors[input.name] = try Tensor(matrix.values.map { Float($0) }, shape: shape, on: device)
            }
        }
        return tensors
    }

    var settings: [String: String] {
        var settings = options.mapValues { "\($0)" }
        for (name, value) in options {
            switch LossRegistry.named(self.name)?.options.first(where: { $0.name == name })?.value {
            case .flag: settings[name] = value == 1 ? "true" : "false"
            case .integer: settings[name] = "\(Int(value))"
            default: break
            }
        }
        if LossRegistry.named(name)?.options.contains(where: { $0.name == "reduction" }) == true { settings["reduction"] = reduction.rawValue }
        if name == "sinkhornDivergence" {
            settings["tolerance"] = "1e-6"
            settings["maximumIterations"] = "600"
        }
        return settings
    }

    func expected(_ inputs: [String: Matrix]) throws -> [Double] {
        let oracle = try #require(LossOracles.all[name], "every registered loss has an oracle")
        let elements = oracle(inputs, options)
        switch reduction {
        case .none: return elements
        case .sum: return [elements.reduce(0, +)]
        case .mean:
            var divisor = Double(elements.count)
            if name == "crossEntropy", let weights = inputs["weights"], let labels = inputs["targets"] {
                divisor = labels.values.reduce(0) { $0 + weights.values[Int($1)] }
            }
            return [elements.reduce(0, +) / divisor]
        }
    }

    static let all: [LossCase] =
        LossRegistry.all.flatMap { loss in
            // The transport oracle runs to its fixed point in doubles: a wide epsilon keeps that short.
            [1, 2, 17].filter { loss.family != "topology" || $0 > 1 }.map {
                LossCase(
                    name: loss.name, options: loss.family == "transport" ? ["epsilon": 0.7] : [:],
                    extents: ["n": loss.family == "transport" ? min($0, 9) : $0, "m": 5, "d": 3, "e": 2, "classes": 11])
            } + (loss.inputs.contains { $0.isOptional } ? [LossCase(name: loss.name, options: loss.family == "transport" ? ["epsilon": 0.7] : [:], withOptional: true)] : [])
        } + [
            LossCase(name: "crossEntropy", options: ["labelSmoothing": 0.1], withOptional: true),
            LossCase(name: "crossEntropy", options: ["labelSmoothing": 0.3, "zLoss": 0.01], reduction: .sum),
            LossCase(name: "crossEntropy", extents: ["n": 3, "classes": 2500], reduction: .none),
            LossCase(name: "crossEntropy", extents: ["n": 3, "classes": 1]),
            LossCase(name: "huber", options: ["delta": 0.5], reduction: .none),
            LossCase(name: "pseudoHuber", options: ["delta": 0.5], reduction: .sum),
            LossCase(name: "tripletMargin", options: ["margin": 0.3, "swap": 1]),
            LossCase(name: "sinkhornDivergence", options: ["epsilon": 0.5, "power": 1]),
            LossCase(name: "sinkhornDivergence", options: ["epsilon": 0.5, "reach": 1.5]),
            LossCase(name: "mstLength", options: ["power": 2], extents: ["n": 40, "d": 2]),
        ]
}

@Suite struct RegistryTests {
    @Test func everyLossHasAnOracleAndAUniqueName() {
        #expect(Set(LossRegistry.all.map(\.name)).count == LossRegistry.all.count)
        #expect(Set(LossRegistry.all.map(\.name)) == Set(LossOracles.all.keys))
    }

    @Test(arguments: Device.all, LossCase.all)
    func valuesAgreeWithTheOracle(device: Device, given: LossCase) throws {
        let inputs = try given.draw()
        let loss = try #require(LossRegistry.named(given.name))
        let value = try loss(given.tensors(inputs, on: device), options: given.settings)
        try expectClose(value, try given.expected(inputs), tolerance: given.name == "sinkhornDivergence" ? 2e-5 : 2e-6, given.testDescription)
    }

    @Test(arguments: Device.all, LossCase.all)
    func gradientsAgreeWithTheOracle(device: Device, given: LossCase) throws {
        let inputs = try given.draw(seed: 5)
        let loss = try #require(LossRegistry.named(given.name))
        let tensors = try given.tensors(inputs, on: device)
        var random = SplitMix64(seed: 2)
        let weights = random.values(try given.expected(inputs).count, in: 0.5...1.5)
        func scalar(_ inputs: [String: Matrix]) throws -> Double {
            zip(try given.expected(inputs), weights).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let isTransport = given.name == "sinkhornDivergence"
        // The weights of a balanced problem live on a simplex, where single ones cannot be moved.
        let names = loss.inputs.filter { $0.isDifferentiable && inputs[$0.name] != nil && !(isTransport && ["a", "b"].contains($0.name)) }.map(\.name)
        let gradients = try gradient(at: names.map { tensors[$0]! }) { points in
            var all = tensors
            for (name, point) in zip(names, points) { all[name] = point }
            let value = try loss(all, options: given.settings)
            return try (value * Tensor(weights.map { Float($0) }, shape: value.shape, on: device)).sum()
        }
        let step = isTransport ? 1e-4 : 1e-6
        for (name, gradient) in zip(names, gradients) {
            let matrix = try #require(inputs[name])
            // A sample of the elements: the oracle is evaluated twice for each.
            let sample = matrix.values.count <= 60 ? Array(matrix.values.indices) : (0..<12).map { $0 * 97 % matrix.values.count }
            let picked = isTransport ? Array(sample.prefix(3)) : sample
            let expected = try picked.map { index in
                func value(_ shift: Double) throws -> Double {
                    var moved = inputs
                    moved[name]?.values[index] += shift
                    return try scalar(moved)
                }
                return (try value(step) - value(-step)) / (2 * step)
            }
            let actual = try gradient.array(of: Double.self)
            expectClose(
                picked.map { actual[$0] }, expected, tolerance: isTransport ? 2e-4 : 5e-6, "\(given.testDescription) \(name)")
        }
    }

    /// Value and gradient with respect to the first differentiable input.
    private func valueAndGradient(_ given: LossCase, on device: Device) throws -> [[Float]] {
        let loss = try #require(LossRegistry.named(given.name))
        let tensors = try given.tensors(given.draw(), on: device)
        let name = try #require(loss.inputs.first { $0.isDifferentiable }?.name)
        let (value, slope) = try valueWithGradient(at: tensors[name] ?? Tensor.zeros([])) { point in
            try loss(tensors.merging([name: point]) { $1 }, options: given.settings).sum()
        }
        return [try value.array(), try slope.array()]
    }

    @Test(arguments: Device.all, LossCase.all)
    func twoRunsGiveTheSameBitsAndLeaveNothingBehind(device: Device, given: LossCase) throws {
        let first = try valueAndGradient(given, on: device)
        let (second, cost) = try Profiler.measure { try valueAndGradient(given, on: device) }
        #expect(first.map { $0.map(\.bitPattern) } == second.map { $0.map(\.bitPattern) })
        #expect(cost.liveBytes == 0, "no buffer outlives the tensors that held it")
        #expect(cost.launches > 0)
    }
}
