import Foundation

/// Horizontal bars: names and figures as text, so that they stay legible at any width, the bars as inline SVG.
struct BarChart {
    struct Bar {
        var name: String
        /// From 0 to 1, of the chart's width.
        var length: Double
        var figure: String
        var colour: String
        /// Stands out among its neighbours.
        var isMain = false
    }

    var title: String
    var bars: [Bar]

    var html: String {
        let rows = bars.map { bar in
            let length = bar.length.isFinite ? min(max(bar.length, 0.004), 1) : 0
            return """
                <div class="bar\(bar.isMain ? " main" : "")"><span>\(bar.name.escaped)</span><svg height="12" width="100%" aria-hidden="true">\
                <rect width="100%" height="12" rx="3" fill="var(--track)"/>\
                <rect width="\((100 * length).formatted(2))%" height="12" rx="3" fill="\(bar.colour)"/></svg><span>\(bar.figure.escaped)</span></div>
                """
        }
        return "<figure><figcaption>\(title)</figcaption>\(rows.joined())</figure>"
    }
}
