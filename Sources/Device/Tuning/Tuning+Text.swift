/// A tuning file: a heading, the digest of the device that it is for, and a line for each parameter. What follows a `#` is for people.
extension Tuning {
    static let heading = "losskit tuning 1"
    static let mostBytes = 1 << 16

    /// The file's text.
    package func text(identity: String, comment: String) -> String {
        let comment = String(comment.unicodeScalars.map { $0.value < 0x20 ? " " : Character($0) })
        let lines = Tunable.allCases.compactMap { tunable in self[tunable].map { "\(tunable.rawValue) \($0)" } }
        return ([Self.heading, "device \(identity) # \(comment)"] + lines).joined(separator: "\n") + "\n"
    }

    /// Reads a file that must be for the device of this identity, all of whose values its limits must allow.
    package init(parsing bytes: [UInt8], identity: String, traits: OpenCLTraits) throws(TuningError) {
        self.init()
        guard bytes.count <= Self.mostBytes else { throw .tooLong(byteCount: bytes.count) }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .notText }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" || $0 == "\r" }.map(String.init)
        }
        guard lines[0].joined(separator: " ") == Self.heading else { throw .unknownFormat(lines[0].joined(separator: " ")) }
        guard lines.count > 1, lines[1] == ["device", identity] else { throw .otherDevice }
        for (index, words) in lines.enumerated().dropFirst(2) where !words.isEmpty {
            guard words.count == 2, let value = Int(words[1]) else {
                throw .malformed(line: index + 1, text: words.joined(separator: " "))
            }
            guard let tunable = Tunable(rawValue: words[0]) else { throw .unknownParameter(line: index + 1, name: words[0]) }
            guard self[tunable] == nil else { throw .repeatedParameter(line: index + 1, name: tunable.rawValue) }
            let allowed = tunable.allowed(on: traits)
            guard allowed.contains(value) else { throw .notAllowed(parameter: tunable.rawValue, value: value, allowed: allowed) }
            self[tunable] = value
        }
    }
}
