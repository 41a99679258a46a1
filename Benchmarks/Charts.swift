import Foundation

/// Curves over equal steps, as inline SVG.
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

    var svg: String {
        let (width, height, left, bottom, top) = (460.0, 300.0, 46.0, 24.0 + 16 * Double(lines.count), 28.0)
        let values = lines.flatMap(\.values).filter(\.isFinite)
        guard let low = values.min(), let high = values.max() else { return "" }
        let span = max(high - low, 1e-9)
        func y(_ value: Double) -> Double { top + (height - top - bottom) * (1 - (value - low) / span) }
        let ticks = (0...4).map { low + span * Double($0) / 4 }.map {
            "<line x1=\"\(left)\" x2=\"\(width)\" y1=\"\(y($0).formatted(1))\" y2=\"\(y($0).formatted(1))\" stroke=\"var(--line)\"/>"
                + "<text class=\"soft\" x=\"\(left - 6)\" y=\"\((y($0) + 4).formatted(1))\" text-anchor=\"end\">\($0.formatted(span < 1 ? 2 : 1))</text>"
        }
        let paths = lines.map { line in
            let points = line.values.enumerated().map { index, value in
                let x = left + (width - left - 8) * Double(index) / Double(max(line.values.count - 1, 1))
                return "\(x.formatted(1)),\(y(value).formatted(1))"
            }
            return
                "<polyline fill=\"none\" stroke=\"\(line.colour)\" stroke-width=\"\(line.width)\"\(line.isDashed ? " stroke-dasharray=\"5 4\"" : "") points=\"\(points.joined(separator: " "))\"/>"
        }
        let legend = lines.enumerated().map { index, line in
            let y = height - bottom + 22 + 16 * Double(index)
            return
                "<line x1=\"\(left)\" x2=\"\(left + 22)\" y1=\"\(y - 4)\" y2=\"\(y - 4)\" stroke=\"\(line.colour)\" stroke-width=\"2\"\(line.isDashed ? " stroke-dasharray=\"5 4\"" : "")/>"
                + "<text x=\"\(left + 30)\" y=\"\(y)\">\(line.name.shortened(to: 56).escaped)</text>"
        }
        return "<svg viewBox=\"0 0 \(width) \(height)\"><text x=\"0\" y=\"14\" font-weight=\"600\">\(title.escaped)</text>"
            + (ticks + paths + legend).joined() + "</svg>"
    }
}

extension String {
    /// At most so many characters, the middle left out so that both ends can be read.
    fileprivate func shortened(to count: Int) -> String {
        self.count <= count ? self : prefix((count - 1) / 2) + "…" + suffix(count / 2)
    }
}

/// Horizontal bars, as inline SVG.
struct BarChart {
    var title: String
    var bars: [(name: String, value: Double)]

    var svg: String {
        let (width, row, left, top) = (900.0, 22.0, 250.0, 26.0)
        let longest = max(100, bars.map(\.value).max() ?? 100)
        let drawn = bars.enumerated().map { index, bar in
            let y = top + row * Double(index)
            let length = (width - left - 60) * bar.value / longest
            return "<text x=\"\(left - 8)\" y=\"\(y + 14)\" text-anchor=\"end\">\(bar.name.escaped)</text>"
                + "<rect x=\"\(left)\" y=\"\(y + 3)\" width=\"\(max(length, 1).formatted(1))\" height=\"14\" rx=\"3\" fill=\"#3b82f6\"/>"
                + "<text class=\"soft\" x=\"\((left + length + 6).formatted(1))\" y=\"\(y + 14)\">\(bar.value.formatted(0)) %</text>"
        }
        return
            "<svg viewBox=\"0 0 \(width) \(top + row * Double(bars.count) + 6)\"><text x=\"0\" y=\"14\" font-weight=\"600\">\(title.escaped)</text>"
            + drawn.joined() + "</svg>"
    }
}
