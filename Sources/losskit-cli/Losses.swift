import ArgumentParser
import LossKit

struct Losses: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The losses there are.")

    @Option(help: "Only this family.") var family: String?
    @Flag(help: "One JSON array on standard output.") var json = false

    func run() throws {
        let families = Set(LossRegistry.all.map(\.family.rawValue)).sorted()
        if let family, !families.contains(family) {
            let nearest = LossRegistry.nearest(to: family, among: families).map { ", did you mean \($0)?" } ?? ""
            throw TensorError.invalidArgument(
                operation: "losses", expected: "one of the families \(families.joined(separator: ", "))", actual: "\"\(family)\"\(nearest)")
        }
        let losses = LossRegistry.all.filter { family == nil || $0.family.rawValue == family }
        if json {
            print(JSON.array(losses.map(\.json)))
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
