import LossKit

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Options as C states them: a JSON object, or `name=value` with semicolons between.
enum OptionText {
    static func parsed(_ text: String, _ operation: String) throws -> [String: String] {
        if text.first(where: { !$0.isWhitespace }) == "{" {
            guard let values = try? JSONDecoder().decode([String: Value].self, from: Data(text.utf8)) else {
                throw TensorError.invalidArgument(
                    operation: operation, expected: "a JSON object of numbers, texts, truth values and lists of numbers", actual: text)
            }
            return values.compactMapValues(\.text)
        }
        var options: [String: String] = [:]
        for part in text.split(separator: ";") where !part.allSatisfy(\.isWhitespace) {
            let sides = part.split(separator: "=", maxSplits: 1).map { $0.filter { !$0.isWhitespace } }
            guard sides.count == 2 else {
                throw TensorError.invalidArgument(operation: operation, expected: "options as name=value; name=value", actual: "\"\(text)\"")
            }
            options[sides[0]] = sides[1]
        }
        return options
    }

    /// A value as the registry reads it; nil for JSON's null, which leaves the default.
    private struct Value: Decodable {
        var text: String?

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if value.decodeNil() { return }
            if let flag = try? value.decode(Bool.self) {
                text = "\(flag)"
            } else if let whole = try? value.decode(Int.self) {
                text = "\(whole)"
            } else if let number = try? value.decode(Double.self) {
                text = "\(number)"
            } else if let numbers = try? value.decode([Double].self) {
                text = numbers.map { "\($0)" }.joined(separator: ",")
            } else {
                text = try value.decode(String.self)
            }
        }
    }
}
