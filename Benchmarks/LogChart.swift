import Foundation

/// Points, lines and names over two logarithmic axes, as inline SVG.
struct LogChart {
    typealias Place = (x: Double, y: Double)

    struct Series {
        var name: String
        var colour: String
        var places: [Place]
        var isLine = true
        var isDashed = false
        /// Names that stand beside the places.
        var labels: [String] = []
    }

    var title: String
    var axisNames: (x: String, y: String)
    var series: [Series]

    private let width: Double
    private let height: Double
    private let left = 52.0
    private let top = 16.0
    private var right: Double { width - 12 }
    private var bottom: Double { height - 44 }

    init(title: String, axisNames: (x: String, y: String), width: Double = 480, height: Double = 320, series: [Series]) {
        (self.title, self.axisNames, self.width, self.height) = (title, axisNames, width, height)
        // A logarithm leaves out what is not above 0.
        self.series = series.map { series in
            var kept = series
            let good = series.places.indices.filter { index in
                let place = series.places[index]
                return place.x > 0 && place.y > 0 && place.x.isFinite && place.y.isFinite
            }
            kept.places = good.map { series.places[$0] }
            kept.labels = series.labels.isEmpty ? [] : good.map { series.labels[$0] }
            return kept
        }
    }

    var html: String {
        let places = series.flatMap(\.places)
        guard !places.isEmpty else { return "" }
        let (xs, ys) = (Self.range(places.map(\.x)), Self.range(places.map(\.y)))
        func x(_ value: Double) -> Double { left + (right - left) * (log10(value) - xs.low) / (xs.high - xs.low) }
        func y(_ value: Double) -> Double { bottom - (bottom - top) * (log10(value) - ys.low) / (ys.high - ys.low) }
        var parts: [String] = []
        for (value, label) in Self.ticks(xs, most: Int(right - left) / 45) {
            parts.append("<line x1=\"\(x(value).formatted(1))\" x2=\"\(x(value).formatted(1))\" y1=\"\(top)\" y2=\"\(bottom)\" stroke=\"var(--line)\"/>")
            parts.append("<text class=\"soft\" x=\"\(x(value).formatted(1))\" y=\"\(bottom + 16)\" text-anchor=\"middle\">\(label)</text>")
        }
        for (value, label) in Self.ticks(ys, most: Int(bottom - top) / 26) {
            parts.append("<line x1=\"\(left)\" x2=\"\(right)\" y1=\"\(y(value).formatted(1))\" y2=\"\(y(value).formatted(1))\" stroke=\"var(--line)\"/>")
            parts.append("<text class=\"soft\" x=\"\(left - 6)\" y=\"\((y(value) + 4).formatted(1))\" text-anchor=\"end\">\(label)</text>")
        }
        parts.append("<text class=\"soft\" x=\"\((left + right) / 2)\" y=\"\(bottom + 36)\" text-anchor=\"middle\">\(axisNames.x.escaped)</text>")
        parts.append("<text class=\"soft\" x=\"\(left)\" y=\"\(top - 5)\">\(axisNames.y.escaped)</text>")
        var labels = LabelPlacement(area: (left, top, right, bottom), points: series.flatMap { $0.places.map { (x($0.x), y($0.y)) } })
        for series in series {
            let points = series.places.map { (x($0.x), y($0.y)) }
            if series.isLine {
                let text = points.map { "\($0.0.formatted(1)),\($0.1.formatted(1))" }.joined(separator: " ")
                parts.append(
                    "<polyline fill=\"none\" stroke=\"\(series.colour)\" stroke-width=\"2\"\(series.isDashed ? " stroke-dasharray=\"5 4\"" : "")"
                        + " points=\"\(text)\"/>")
            }
            guard !series.isDashed || series.places.count == 1 else { continue }
            for (index, point) in points.enumerated() {
                let name = series.labels.isEmpty ? series.name : series.labels[index]
                parts.append(
                    "<circle cx=\"\(point.0.formatted(1))\" cy=\"\(point.1.formatted(1))\" r=\"4\" stroke=\"\(series.colour)\" "
                        + "fill=\"\(series.isDashed ? "var(--card)" : series.colour)\">"
                        + "<title>\(name.escaped)</title></circle>")
                if !series.labels.isEmpty { parts.append(labels.label(name.escaped, at: point, width: Double(name.count) * LabelPlacement.letter)) }
            }
        }
        let keys = series.filter { $0.labels.isEmpty && !$0.name.isEmpty }.map { series in
            "<span><svg width=\"26\" height=\"10\"><line x1=\"0\" x2=\"26\" y1=\"5\" y2=\"5\" stroke=\"\(series.colour)\" stroke-width=\"2\""
                + "\(series.isDashed ? " stroke-dasharray=\"5 4\"" : "")/></svg>\(series.name.escaped)</span>"
        }
        return """
            <figure><figcaption>\(title.escaped)</figcaption><svg viewBox="0 0 \(width) \(height)" width="100%" role="img" \
            aria-label="\(title.escaped)">\(parts.joined())</svg><p class="keys">\(keys.joined())</p></figure>
            """
    }

    /// Powers of ten with a little room, at least one decade.
    private static func range(_ values: [Double]) -> (low: Double, high: Double) {
        let (low, high) = (log10(values.min() ?? 1), log10(values.max() ?? 10))
        let room = max(0.06 * (high - low), (1 - (high - low)) / 2, 0.05)
        return (low - room, high + room)
    }

    /// Round numbers of which as many fit as there is room for.
    private static func ticks(_ range: (low: Double, high: Double), most: Int) -> [(Double, String)] {
        let decades = Int(range.low.rounded(.down))...Int(range.high.rounded(.up))
        func ticks(_ parts: [Double], _ step: Int) -> [Double] {
            decades.filter { $0 % step == 0 }.flatMap { decade in parts.map { $0 * pow(10, Double(decade)) } }
                .filter { (range.low...range.high).contains(log10($0)) }
        }
        let choices = [ticks([1, 2, 5], 1), ticks([1, 3], 1)] + (1...max(1, decades.count)).map { ticks([1], $0) }
        let fitting = choices.first { $0.count <= most } ?? []
        return fitting.map { value in
            let isLong = value >= 1e5 || value < 1e-3
            let text = String(format: isLong ? "%.0e" : "%g", value)
            return (value, text.replacing("e+0", with: "e").replacing("e+", with: "e").replacing("e-0", with: "e-"))
        }
    }
}
