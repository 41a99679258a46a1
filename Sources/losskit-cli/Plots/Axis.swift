import Foundation

/// Numbers along one side of a drawing.
struct Axis {
    let low: Double
    let high: Double
    /// Where the lowest and the highest number stand.
    let start: Double
    let end: Double

    /// Room for numbers, and a little more; equal ones get some.
    init(_ values: [Double], start: Double, end: Double, margin: Double = 0.04) {
        let finite = values.filter(\.isFinite)
        let (least, most) = (finite.min() ?? 0, finite.max() ?? 1)
        let room = most > least ? margin * (most - least) : max(abs(most), 1) / 2
        (low, high, self.start, self.end) = (least - room, most + room, start, end)
    }

    func place(_ value: Double) -> Double { start + (value - low) / (high - low) * (end - start) }

    /// Round numbers, about five of them.
    var ticks: [Double] {
        let raw = (high - low) / 5
        let unit = pow(10, log10(raw).rounded(.down))
        let step = [1, 2, 5, 10].map { $0 * unit }.first { $0 >= raw } ?? raw
        return Array(stride(from: (low / step).rounded(.up) * step, through: high, by: step))
    }

    /// A measured number in few digits.
    static func short(_ value: Double) -> String { String(format: "%.2g", value) }

    /// A tick's number without digits that say nothing.
    static func label(_ value: Double) -> String { abs(value) < 1e-12 ? "0" : String(format: "%.6g", value) }
}
