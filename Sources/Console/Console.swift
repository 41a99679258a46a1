#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Lines, tables and a progress bar for a person at a terminal, and the steady clock.
package enum Console {
    /// A result, to standard output at once.
    package static func line(_ text: String) { put(text + "\n", to: 1) }

    /// Everything else, to standard error.
    package static func error(_ text: String) { put(text + "\n", to: 2) }

    /// A bar that redraws itself on a terminal and stays silent elsewhere.
    package static func progress(_ done: Int, of total: Int, _ note: String) {
        guard isatty(2) != 0 else { return }
        let width = 24
        let filled = done * width / max(total, 1)
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        put("\r\(bar) \(done)/\(total)  \(note)\u{1B}[K\(done == total ? "\n" : "")", to: 2)
    }

    /// Ends the program with one line, whatever the arguments hold that it quotes.
    package static func fail(_ program: String, _ problem: String, status: Int32) -> Never {
        let lines = problem.split(separator: "\n", omittingEmptySubsequences: false)
        error(painted("\(program): ", .red, on: 2) + lines.joined(separator: "\\n"))
        exit(status)
    }

    /// Colours that a terminal shows.
    package enum Colour: Int {
        case red = 31
        case green = 32
    }

    /// A text in a colour where a terminal shows it and `NO_COLOR` does not forbid it.
    package static func painted(_ text: String, _ colour: Colour, on descriptor: Int32) -> String {
        guard isatty(descriptor) != 0, (getenv("NO_COLOR").map { String(cString: $0) } ?? "").isEmpty else { return text }
        return "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m"
    }

    /// Whether lines about work in progress are seen by somebody.
    package static var showsProgress: Bool { isatty(2) != 0 }

    /// How long work has taken so far, on a line that the next one replaces; empty clears it.
    package static func working(_ text: String) { put("\r\(text)\u{1B}[K", to: 2) }

    /// Columns of equal width, the first row underlined; numbers stand best at the right of theirs.
    package static func table(_ rows: [[String]], rightAligned: Range<Int> = 0..<0) -> String {
        guard let first = rows.first else { return "" }
        let widths = first.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        func line(_ row: [String]) -> String {
            let cells = row.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                return rightAligned.contains(column) ? space + row[column] : row[column] + space
            }
            return cells.joined(separator: "  ").trimmingTrailingSpaces
        }
        return ([line(first), line(widths.map { String(repeating: "-", count: $0) })] + rows.dropFirst().map(line)).joined(separator: "\n")
    }

    package static func seconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    private static func put(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard written > 0 || errno == EINTR else { return }
            bytes = bytes.dropFirst(max(written, 0))
        }
    }
}

extension String {
    fileprivate var trimmingTrailingSpaces: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
