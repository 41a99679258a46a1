import Foundation

/// Curves over equal steps, as inline SVG that fills the width it is given without scaling its text.
struct LineChart {
    struct Line {
        var name: String
        var colour: String
        var isDashed: Bool
        var values: [Double]
        /// Wide lines stay visible under narrow ones of the same course.
        var width = 2.0
    }

    var title: String
    var lines: [Line]
    var isLogarithmic = false
    private let height = 220.0

    init(title: String, lines: [Line], isLogarithmic: Bool = false) {
        self.title = title
        self.isLogarithmic = isLogarithmic
        // A logarithm leaves out what is not above 0, a line of nothing but that included.
        self.lines = lines.map { line in
            var line = line
            line.values = line.values.map { $0.isFinite && (!isLogarithmic || $0 > 0) ? $0 : .nan }
            return line
        }
    }

    var html: String {
        let values = lines.flatMap(\.values).filter(\.isFinite)
        guard let low = values.min(), let high = values.max() else { return "" }
        func position(_ value: Double) -> Double { isLogarithmic ? log10(value) : value }
        let span = max(position(high) - position(low), 1e-9)
        func y(_ value: Double) -> Double { 16 + (height - 40) * (1 - (position(value) - position(low)) / span) }
        let grid = ticks(low, high).map { value in
            let (height, text) = (y(value).formatted(1), String(format: "%.6g", value))
            return "<line x1=\"0\" x2=\"100%\" y1=\"\(height)\" y2=\"\(height)\" stroke=\"var(--line)\"/>"
                + "<text class=\"soft\" x=\"0\" y=\"\((y(value) - 4).formatted(1))\">\(text)</text>"
        }
        let curves = lines.map { line in
            let points = line.values.enumerated().filter { $0.element.isFinite }.map { index, value in
                "\((1000 * Double(index) / Double(max(line.values.count - 1, 1))).formatted(1)),\(y(value).formatted(1))"
            }
            return "<polyline fill=\"none\" vector-effect=\"non-scaling-stroke\" \(stroke(line))"
                + " points=\"\(points.joined(separator: " "))\"/>"
        }
        let steps = lines.map(\.values.count).max() ?? 0
        return """
            <figure><figcaption>\(title.escaped)</figcaption><svg width="100%" height="\(height)" role="img" aria-label="\(title.escaped)">\
            \(grid.joined())<svg x="8%" width="92%" height="\(height)" viewBox="0 0 1000 \(height)" preserveAspectRatio="none">\
            \(curves.joined())</svg><text class="soft" x="8%" y="\(height - 4)">epoch 1</text>\
            <text class="soft" x="100%" y="\(height - 4)" text-anchor="end">\(steps)</text></svg>\
            <p class="keys">\(lines.map(key).joined())</p></figure>
            """
    }

    private func stroke(_ line: Line) -> String {
        "stroke=\"\(line.colour)\" stroke-width=\"\(line.width)\"" + (line.isDashed ? " stroke-dasharray=\"5 4\"" : "")
    }

    private func key(_ line: Line) -> String {
        "<span><svg width=\"26\" height=\"10\"><line x1=\"0\" x2=\"26\" y1=\"5\" y2=\"5\" \(stroke(line))/></svg>\(line.name.escaped)</span>"
    }

    /// Round numbers between the two.
    private func ticks(_ low: Double, _ high: Double) -> [Double] {
        if isLogarithmic {
            let decades = Int(log10(low).rounded(.down))...Int(log10(high).rounded(.up))
            return decades.flatMap { decade in [1, 2, 5].map { $0 * pow(10, Double(decade)) } }.filter { low <= $0 && $0 <= high }
        }
        let raw = max(high - low, 1e-9) / 4
        let unit = pow(10, log10(raw).rounded(.down))
        let step = [1, 2, 5, 10].map { $0 * unit }.first { $0 >= raw } ?? raw
        return Array(stride(from: (low / step).rounded(.up) * step, through: high, by: step))
    }
}

extension String {
    /// Safe to stand in HTML and SVG text.
    var escaped: String {
        replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;").replacingOccurrences(of: ">", with: "&gt;")
    }
}
