import Foundation

/// Two reports side by side, and what of their difference is more than noise.
struct Comparison {
    enum Verdict: String {
        case faster, slower
        case same = "within noise"
    }

    struct Row {
        var name: String
        var old: Double
        var new: Double
        /// The new time over the old, after taking out how much faster or slower everything has become.
        var ratio: Double
        /// How far from 1 the ratio may be by chance.
        var noise: Double

        var verdict: Verdict { ratio > 1 + noise ? .slower : ratio < 1 / (1 + noise) ? .faster : .same }
    }

    var rows: [Row] = []
    /// How much longer the machine took for everything, in the median.
    var drift = 1.0
    /// What only one of the two has.
    var missing: [String] = []

    /// Times differ by chance at least so much from one run to the next.
    private static let least = 0.1

    init(old: Report, new: Report) {
        func times(_ report: Report) -> [String: Kernel.Row] {
            Dictionary(
                report.devices.flatMap { device in device.measurements.map { ("\(device.name): \($0.name) \($0.size) \($0.pass.rawValue)", $0) } },
                uniquingKeysWith: { $1 })
        }
        let (before, after) = (times(old), times(new))
        missing = Set(before.keys).symmetricDifference(after.keys).sorted()
        let names = before.keys.filter { after[$0] != nil }.sorted()
        let raw = names.compactMap { name in before[name].flatMap { old in after[name].map { (name, old, $0) } } }
        // A few kernels that have changed do not move the median; a slower machine does. Of few there is nothing to tell it from.
        drift = raw.count >= 8 ? raw.map { $0.2.seconds / $0.1.seconds }.median : 1
        rows = raw.map { name, old, new in
            // The spread of the turns is that of one run; two runs differ by both, and by what neither shows.
            let spread = ((old.spread ?? 0) * (old.spread ?? 0) + (new.spread ?? 0) * (new.spread ?? 0)).squareRoot()
            return Row(
                name: name, old: old.seconds, new: new.seconds, ratio: new.seconds / old.seconds / drift, noise: max(Self.least, 2 * spread))
        }
    }

    var slower: [Row] { rows.filter { $0.verdict == .slower } }

    var text: String {
        let table = rows.sorted { $0.ratio > $1.ratio }.filter { $0.verdict != .same }.map { row in
            [
                row.name, row.old.milliseconds, row.new.milliseconds, "\(row.ratio.formatted(2))x", "\((100 * row.noise).formatted(0)) %",
                row.verdict.rawValue,
            ]
        }
        let faster = rows.filter { $0.verdict == .faster }.count
        var lines = [
            "\(rows.count) times in both: \(faster) faster, \(slower.count) slower, \(rows.count - faster - slower.count) within noise; "
                + "everything took \(drift.formatted(2)) times as long, which is taken out"
        ]
        if !table.isEmpty {
            lines.append(Console.table([["kernel", "old", "new", "ratio", "noise", "verdict"]] + table, rightAligned: 1..<5))
        }
        if !missing.isEmpty { lines.append("only in one: \(missing.joined(separator: ", "))") }
        return lines.joined(separator: "\n")
    }
}
