import Foundation

/// Lines, tables and a progress bar for a person at a terminal.
enum Console {
    static func line(_ text: String) { print(text) }

    static func error(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

    /// A bar that redraws itself on a terminal and stays silent elsewhere.
    static func progress(_ done: Int, of total: Int, _ note: String) {
        guard isatty(2) != 0 else { return }
        let width = 24
        let filled = done * width / max(total, 1)
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        FileHandle.standardError.write(Data("\r\(bar) \(done)/\(total)  \(note)\u{1B}[K\(done == total ? "\n" : "")".utf8))
    }

    /// Columns of equal width, the first row underlined.
    static func table(_ rows: [[String]]) -> String {
        guard let first = rows.first else { return "" }
        let widths = first.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        func line(_ row: [String]) -> String {
            zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined(separator: "  ")
        }
        return ([line(first), line(widths.map { String(repeating: "-", count: $0) })] + rows.dropFirst().map(line)).joined(separator: "\n")
    }
}

enum Clock {
    static func seconds() -> Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }

    /// The middle of several timings, the first of which is thrown away.
    static func median(repetitions: Int, _ body: () throws -> Void) rethrows -> Double {
        var times: [Double] = []
        for repetition in 0...repetitions {
            let start = seconds()
            try body()
            if repetition > 0 { times.append(seconds() - start) }
        }
        return times.sorted()[times.count / 2]
    }
}

extension Double {
    func formatted(_ digits: Int) -> String { String(format: "%.\(digits)f", self) }
}
