import ArgumentParser
import LossKit

struct Losses: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The losses there are, or what one of them takes.",
        discussion: """
            Example: losskit losses --family transport
            Example: losskit losses crossEntropy
            """)

    @Argument(help: "Only this loss, in full.", completion: .list(LossRegistry.all.map(\.name))) var name: String?
    @Option(help: "Only this family.") var family: String?
    @Flag(help: "One JSON array on standard output.") var json = false
    @Flag(help: "A table for Markdown.") var markdown = false

    func run() throws {
        if let name {
            let loss = try LossRegistry.loss(named: name)
            return print(json ? JSON.array([loss.json]).description : loss.page)
        }
        let families = Set(LossRegistry.all.map(\.family.rawValue)).sorted()
        if let family, !families.contains(family) {
            let nearest = LossRegistry.nearest(to: family, among: families).map { ", did you mean \($0)?" } ?? ""
            throw TensorError.invalidArgument(
                operation: "losses", expected: "one of the families \(families.joined(separator: ", "))", actual: "\"\(family)\"\(nearest)")
        }
        let losses = LossRegistry.all.filter { family == nil || $0.family.rawValue == family }
        if json {
            print(JSON.array(losses.map(\.json)))
        } else if markdown {
            print("| Loss | What it measures | Source |\n| --- | --- | --- |")
            for loss in losses { print("| `\(loss.name)` | \(loss.summary) | \(loss.reference) |") }
        } else {
            print(
                Console.table(
                    [["name", "family", "summary", "inputs"]]
                        + losses.map {
                            [
                                $0.name, $0.family.rawValue, $0.summary,
                                $0.inputs.map { "\($0.name)[\($0.shape.joined(separator: ","))]" }.joined(separator: " "),
                            ]
                        }))
        }
    }
}

extension LossDescription {
    /// Everything a person has to know to call it.
    var page: String {
        let inputs = inputs.map { input in
            [
                "  \(input.name)", "[\(input.shape.joined(separator: ", "))]", input.values.text,
                [input.isOptional ? "optional" : nil, input.isDifferentiable ? "differentiable" : nil].compactMap { $0 }
                    .joined(separator: ", "),
            ]
        }
        let options = options.map { ["  \($0.name)", $0.value.text] }
        return [
            "\(name), \(family.rawValue): \(summary)", reference, "",
            Console.table([["inputs", "shape", "values", ""]] + inputs),
            options.isEmpty ? nil : "\n" + Console.table([["options", "default"]] + options),
        ].compactMap { $0 }.joined(separator: "\n")
    }

    var json: JSON {
        .object([
            ("name", .string(name)), ("family", .string(family.rawValue)), ("summary", .string(summary)),
            ("inputs", .array(inputs.map(\.json))), ("options", .array(options.map(\.json))), ("reference", .string(reference)),
            ("catalogue", .array(catalogue.map { .string($0) })),
        ])
    }
}

extension LossDescription.Input {
    var json: JSON {
        let range: [(String, JSON)] =
            switch values {
            case .real(let range):
                [("type", .string("real")), ("minimum", .number(range.lowerBound)), ("maximum", .number(range.upperBound))]
            case .probabilities: [("type", .string("probabilities"))]
            case .integers(let range):
                [("type", .string("integers")), ("minimum", .integer(range.lowerBound)), ("maximum", .integer(range.upperBound))]
            case .classes(let dimension, let first):
                [("type", .string("classes")), ("minimum", .integer(first)), ("below", .string(dimension))]
            case .lengths(let dimension): [("type", .string("lengths")), ("upTo", .string(dimension))]
            case .signs: [("type", .string("signs"))]
            }
        return .object(
            [
                ("name", .string(name)), ("shape", .array(shape.map { .string($0) })), ("optional", .flag(isOptional)),
                ("differentiable", .flag(isDifferentiable)),
            ] + range)
    }
}

extension LossDescription.Option {
    var json: JSON {
        let (kind, value): (String, JSON) =
            switch self.value {
            case .number(let value): ("number", value.map { .number($0) } ?? .null)
            case .numbers(let values): ("numbers", .array(values.map { .number($0) }))
            case .integer(let value): ("integer", .integer(value))
            case .flag(let value): ("flag", .flag(value))
            case .choice(let value, _): ("choice", .string(value))
            }
        var fields: [(String, JSON)] = [("name", .string(name)), ("type", .string(kind)), ("default", value)]
        if case .choice(_, let words) = self.value { fields.append(("choices", .array(words.map { .string($0) }))) }
        return .object(fields)
    }
}

extension LossDescription.Values {
    /// What it is, in words.
    fileprivate var text: String {
        switch self {
        case .real(let range): "numbers, such as \(range.lowerBound) to \(range.upperBound)"
        case .probabilities: "probabilities"
        case .classes(let dimension, let first): "whole numbers from \(first) below \(dimension)"
        case .lengths(let dimension): "whole numbers from 1 to \(dimension)"
        case .signs: "-1 or 1"
        case .integers(let range): "whole numbers from \(range.lowerBound) to \(range.upperBound)"
        }
    }
}

extension LossDescription.Option.Value {
    /// The default, and what else there is.
    fileprivate var text: String {
        switch self {
        case .number(let value): value.map { "\($0)" } ?? "none, or a number"
        case .numbers(let values): values.map { "\($0)" }.joined(separator: ",")
        case .integer(let value): "\(value)"
        case .flag(let value): "\(value)"
        case .choice(let value, let words): "\(value), of \(words.joined(separator: ", "))"
        }
    }
}
