/// What keeps a tuning file from being used.
package enum TuningError: Error, Equatable, CustomStringConvertible {
    case tooLong(byteCount: Int)
    case notText
    /// The first line is not the one that such files begin with.
    case unknownFormat(String)
    /// It was made for another device, or for another driver of this one.
    case otherDevice
    case malformed(line: Int, text: String)
    case unknownParameter(line: Int, name: String)
    case repeatedParameter(line: Int, name: String)
    case notAllowed(parameter: String, value: Int, allowed: [Int])

    package var description: String {
        switch self {
        case .tooLong(let count): "expected at most \(Tuning.mostBytes) bytes, got \(count)"
        case .notText: "it is not text"
        case .unknownFormat(let line): "expected \"\(Tuning.heading)\" in its first line, got \"\(Self.shortened(line))\""
        case .otherDevice: "it is of another device or driver"
        case .malformed(let line, let text): "line \(line): expected a parameter and a whole number, got \"\(Self.shortened(text))\""
        case .unknownParameter(let line, let name):
            "line \(line): expected one of \(Tunable.allCases.map(\.rawValue).joined(separator: ", ")), got \"\(Self.shortened(name))\""
        case .repeatedParameter(let line, let name): "line \(line): \(name) stands there twice"
        case .notAllowed(let parameter, let value, let allowed):
            allowed.isEmpty
                ? "\(parameter) has no effect on this device"
                : "\(parameter): expected one of \(allowed.map(String.init).joined(separator: ", ")), got \(value)"
        }
    }

    /// Enough of what somebody wrote to find it by, in one line.
    private static func shortened(_ text: String) -> String {
        String(text.unicodeScalars.prefix(40).map { $0.value < 0x20 || $0.value == 0x7F ? "?" : Character($0) })
    }
}
