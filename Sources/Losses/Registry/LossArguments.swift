import LossKitOps

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
            let shape = input.shape.joined(separator: ", ")
            throw TensorError.invalidArgument(operation: loss.name, expected: "input \(input.name) [\(shape)]", actual: "none")
        }
        for name in settings.keys.sorted() where !loss.options.contains(where: { $0.name == name }) {
            throw Self.unknown("option", name, of: loss, among: loss.options.map(\.name))
        }
    }

    private static func unknown(_ kind: String, _ name: String, of loss: LossDescription, among names: [String]) -> TensorError {
        let nearest = LossRegistry.nearest(to: name, among: names).map { ", did you mean \($0)?" } ?? ""
        let expected = names.isEmpty ? "no \(kind)" : "one of the \(kind)s \(names.joined(separator: ", "))"
        return .invalidArgument(operation: loss.name, expected: expected, actual: "\"\(name)\"\(nearest)")
    }

    /// A required input.
    subscript(_ name: String) -> Tensor {
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

    func numbers(_ name: String) throws -> [Double] {
        guard let text = settings[name] else {
            if case .numbers(let values) = option(name) { return values }
            return []
        }
        return try text.split(separator: ",").map { part in
            guard let value = Double(part) else { throw rejected(name, "numbers with commas between", text) }
            return value
        }
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

    func choice<C: RawRepresentable<String> & CaseIterable>(_ name: String, of type: C.Type = C.self) throws -> C {
        var text = settings[name] ?? ""
        if settings[name] == nil, case .choice(let value, _) = option(name) { text = value }
        guard let value = C(rawValue: text) else {
            let words = C.allCases.map(\.rawValue)
            throw rejected(name, "one of \(words.joined(separator: ", "))", text, nearest: LossRegistry.nearest(to: text, among: words))
        }
        return value
    }

    func reduction() throws -> Reduction { try choice("reduction") }

    private func option(_ name: String) -> LossDescription.Option.Value? { loss.options.first { $0.name == name }?.value }

    private func rejected(_ name: String, _ expected: String, _ actual: String, nearest: String? = nil) -> TensorError {
        let hint = nearest.map { ", did you mean \($0)?" } ?? ""
        return .invalidArgument(operation: loss.name, expected: "\(expected) for option \(name)", actual: "\"\(actual)\"\(hint)")
    }
}
