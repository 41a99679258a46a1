import LossKitOps

/// One loss, described once for the tests, the command line, the benchmarks and the documentation.
public struct LossDescription: Sendable {
    /// What an input may hold, and so how to draw a valid one.
    public enum Values: Sendable, Equatable {
        /// Real numbers of a range.
        case real(ClosedRange<Double>)
        /// Whole numbers in 0 ..< the extent of the named dimension.
        case classes(String)
    }

    /// A tensor the loss takes.
    public struct Input: Sendable {
        /// The argument's name in Swift.
        public let name: String
        /// Names of dimensions; inputs that share a name share the extent.
        public let shape: [String]
        /// What it may hold.
        public let values: Values
        /// Whether the loss can do without it.
        public let isOptional: Bool
        /// Whether a derivative is carried to it.
        public let isDifferentiable: Bool

        init(
            _ name: String, _ shape: [String], _ values: Values = .real(-2...2), isOptional: Bool = false, isDifferentiable: Bool = true
        ) {
            self.name = name
            self.shape = shape
            self.values = values
            self.isOptional = isOptional
            self.isDifferentiable = isDifferentiable
        }
    }

    /// A setting of the loss, under its Swift name.
    public struct Option: Sendable {
        /// What it holds, with the default; nil where it is off by default.
        public enum Value: Sendable, Equatable {
            case number(Double?)
            case integer(Int)
            case flag(Bool)
            case reduction(Reduction)
        }

        /// The argument's name in Swift.
        public let name: String
        /// Its kind and default.
        public let value: Value

        init(_ name: String, _ value: Value) {
            self.name = name
            self.value = value
        }
    }

    /// The function's name in Swift.
    public let name: String
    /// The folder of the catalogue it belongs to.
    public let family: String
    /// What it does, in one line.
    public let summary: String
    /// Authors, title, year.
    public let reference: String
    /// The tensors it takes, in order.
    public let inputs: [Input]
    /// Its settings.
    public let options: [Option]
    /// Rows of the catalogue that the loss serves.
    public let catalogue: [String]
    let evaluate: @Sendable (LossArguments) throws -> Tensor

    init(
        _ name: String, family: String, summary: String, reference: String, inputs: [Input], options: [Option] = [],
        catalogue: [String] = [], evaluate: @escaping @Sendable (LossArguments) throws -> Tensor
    ) {
        self.name = name
        self.family = family
        self.summary = summary
        self.reference = reference
        self.inputs = inputs
        self.options = options
        self.catalogue = catalogue
        self.evaluate = evaluate
    }

    /// The loss of named inputs, options given as text by their Swift names.
    ///
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for a missing or unknown input, an unknown option or a value it does not take.
    public func callAsFunction(_ tensors: [String: Tensor], options settings: [String: String] = [:]) throws -> Tensor {
        try evaluate(LossArguments(self, tensors, settings))
    }
}

/// Checked inputs and options of one evaluation.
struct LossArguments: Sendable {
    private let loss: LossDescription
    private let tensors: [String: Tensor]
    private let settings: [String: String]

    init(_ loss: LossDescription, _ tensors: [String: Tensor], _ settings: [String: String]) throws {
        self.loss = loss
        self.tensors = tensors
        self.settings = settings
        for name in tensors.keys.sorted() where !loss.inputs.contains(where: { $0.name == name }) {
            throw Self.unknown("input", name, of: loss, among: loss.inputs.map(\.name))
        }
        for input in loss.inputs where !input.isOptional && tensors[input.name] == nil {
            throw TensorError.invalidArgument(operation: loss.name, expected: "input \(input.name) \(input.shape)", actual: "none")
        }
        for name in settings.keys.sorted() where !loss.options.contains(where: { $0.name == name }) {
            throw Self.unknown("option", name, of: loss, among: loss.options.map(\.name))
        }
    }

    private static func unknown(_ kind: String, _ name: String, of loss: LossDescription, among names: [String]) -> TensorError {
        let nearest = LossRegistry.nearest(to: name, among: names).map { ", did you mean \($0)?" } ?? ""
        return .invalidArgument(
            operation: loss.name, expected: "one of the \(kind)s \(names.joined(separator: ", "))", actual: "\"\(name)\"\(nearest)")
    }

    /// A required input.
    func tensor(_ name: String) -> Tensor {
        tensors[name] ?? .failed(TensorError.invalidArgument(operation: loss.name, expected: "input \(name)", actual: "none"))
    }

    /// An optional input.
    func optional(_ name: String) -> Tensor? { tensors[name] }

    func number(_ name: String) throws -> Double { try optionalNumber(name) ?? .nan }

    func optionalNumber(_ name: String) throws -> Double? {
        guard let text = settings[name] else {
            if case .number(let value) = option(name) { return value }
            return nil
        }
        guard let value = Double(text) else { throw rejected(name, "a number", text) }
        return value
    }

    func integer(_ name: String) throws -> Int {
        guard let text = settings[name] else {
            if case .integer(let value) = option(name) { return value }
            return 0
        }
        guard let value = Int(text) else { throw rejected(name, "an integer", text) }
        return value
    }

    func flag(_ name: String) throws -> Bool {
        guard let text = settings[name] else { return option(name) == .flag(true) }
        guard let value = Bool(text) else { throw rejected(name, "true or false", text) }
        return value
    }

    func reduction() throws -> Reduction {
        guard let text = settings["reduction"] else {
            if case .reduction(let value) = option("reduction") { return value }
            return .mean
        }
        guard let value = Reduction(rawValue: text) else { throw rejected("reduction", "none, mean or sum", text) }
        return value
    }

    private func option(_ name: String) -> LossDescription.Option.Value? { loss.options.first { $0.name == name }?.value }

    private func rejected(_ name: String, _ expected: String, _ actual: String) -> TensorError {
        .invalidArgument(operation: loss.name, expected: "\(expected) for option \(name)", actual: "\"\(actual)\"")
    }
}
