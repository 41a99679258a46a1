import ArgumentParser
import LossKit

struct Eval: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Evaluate a loss, and its gradients, on arrays in files.",
        discussion: """
            Example: losskit eval crossEntropy --input logits=l.npy --input targets=t.npy --option labelSmoothing=0.1 --gradient logits=g.npy
            Example: python points.py | losskit eval mstLength --input points=- --gradient points=- > gradient.npy
            losskit losses NAME says what inputs and options a loss has.
            """
    )

    @Argument(help: "The loss, by its Swift name; see losskit losses.", completion: .list(LossRegistry.all.map(\.name))) var name: String
    @Option(name: .customLong("input"), help: "NAME=FILE; once for each input.") var inputs: [String] = []
    @Option(name: .customLong("option"), help: "NAME=VALUE; once for each option.") var options: [String] = []
    @Option(name: .customLong("gradient"), help: "NAME=FILE: write the gradient with respect to an input.") var gradients: [String] = []
    @Option(help: "Write the value to this file.") var output: String?
    @OptionGroup var common: RunOptions

    func run() throws {
        let device = try common.device()
        let loss = try LossRegistry.loss(named: name)
        var tensors: [String: Tensor] = [:]
        let given = try pairs(inputs, "--input")
        try ArrayFile.checkInputs(given.map(\.1))
        for (name, path) in given { tensors[name] = try ArrayFile.load(path, on: device).normalized() }
        let settings = Dictionary(try pairs(options, "--option"), uniquingKeysWith: { $1 })
        let targets = try pairs(gradients, "--gradient")
        try common.report(on: device, outputs: targets.map(\.1) + [output]) {
            try evaluate(loss, tensors, settings, targets)
        } writing: { value in
            if let output { try ArrayFile.save(value, to: output) }
        } text: { value in
            value.count == 1 ? "\(try value.scalar())" : "\(try nested(value))"
        } members: { value in
            [("value", try nested(value)), ("gradients", .object(targets.map { ($0.0, .string($0.1)) }))]
        }
    }

    /// The value, after writing the gradients asked for; a loss of several elements is differentiated as their sum.
    private func evaluate(
        _ loss: LossDescription, _ tensors: [String: Tensor], _ settings: [String: String], _ targets: [(String, String)]
    ) throws -> Tensor {
        let (value, slopes) = try loss.valueWithGradients(at: targets.map(\.0), tensors, options: settings)
        for (target, slope) in zip(targets, slopes) { try ArrayFile.save(slope, to: target.1) }
        return try value.evaluated()
    }

    private func nested(_ value: Tensor) throws -> JSON { nested(try value.array(of: Double.self)[...], value.shape[...]) }

    private func nested(_ values: ArraySlice<Double>, _ shape: ArraySlice<Int>) -> JSON {
        guard let extent = shape.first else { return values.first.map { .number($0) } ?? .null }
        let size = extent == 0 ? 0 : values.count / extent
        return .array(
            (0..<extent).map { index in
                let start = values.startIndex + index * size
                return nested(values[start..<start + size], shape.dropFirst())
            })
    }

    private func pairs(_ texts: [String], _ option: String) throws -> [(String, String)] {
        var names = Set<String>()
        return try texts.map { text in
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                throw TensorError.invalidArgument(operation: option, expected: "NAME=VALUE", actual: "\"\(text)\"")
            }
            guard names.insert(parts[0]).inserted else {
                throw TensorError.invalidArgument(operation: option, expected: "each name once", actual: "\(parts[0]) twice")
            }
            return (parts[0], parts[1])
        }
    }
}

extension Tensor {
    /// Whole numbers and masks as they are, real numbers in at least float32.
    fileprivate func normalized() -> Tensor { dtype == .float16 ? asType(.float32) : self }
}
