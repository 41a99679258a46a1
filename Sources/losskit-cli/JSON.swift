/// A JSON value, written by the program; numbers that JSON lacks are written as strings.
indirect enum JSON: CustomStringConvertible {
    case string(String)
    case number(Double)
    case integer(Int)
    case flag(Bool)
    case null
    case array([JSON])
    case object([(String, JSON)])

    var description: String {
        switch self {
        case .string(let text): Self.quoted(text)
        case .number(let value): value.isFinite ? "\(value)" : Self.quoted(value.isNaN ? "NaN" : value > 0 ? "Infinity" : "-Infinity")
        case .integer(let value): "\(value)"
        case .flag(let value): "\(value)"
        case .null: "null"
        case .array(let values): "[" + values.map(\.description).joined(separator: ", ") + "]"
        case .object(let members): "{" + members.map { Self.quoted($0.0) + ": " + $0.1.description }.joined(separator: ", ") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "\r": result += "\\r"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
