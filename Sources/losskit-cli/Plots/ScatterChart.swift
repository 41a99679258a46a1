import LossKit

/// Points in a plane, and segments between places of it.
struct ScatterChart {
    typealias Place = (x: Double, y: Double)

    struct Series {
        var name: String
        var colour: String
        var points: [Place]
    }

    /// A line between two places; the fainter the weaker.
    struct Segment {
        var from: Place
        var to: Place
        var strength = 1.0
    }

    var title: String
    var series: [Series] = []
    var segments: [Segment] = []
    var axisNames = (x: "", y: "")
    /// Whether a unit is as long along both axes.
    var hasEqualScales = false
    /// Whether places of equal coordinates are marked, and a line above all for what never dies.
    var isDiagram = false

    init(title: String, hasEqualScales: Bool = false) { (self.title, self.hasEqualScales) = (title, hasEqualScales) }

    var svg: SVG {
        let (left, top, side) = (64.0, 44.0, 400.0)
        var drawing = SVG(width: left + side + 24, height: top + side + 52)
        let points = series.flatMap(\.points) + segments.flatMap { [$0.from, $0.to] }
        let bottom = top + side
        var (xs, ys) = (points.map(\.x), points.map(\.y))
        if isDiagram { (xs, ys) = (xs + ys, xs + ys) }
        if hasEqualScales { (xs, ys) = Self.squared(xs, ys) }
        let x = Axis(xs, start: left, end: left + side), y = Axis(ys, start: bottom, end: isDiagram ? top + 36 : top)
        drawing.text(title, left, 24, size: 15)
        for tick in x.ticks {
            drawing.line(x.place(tick), top, x.place(tick), bottom, colour: Palette.grid)
            drawing.text(Axis.label(tick), x.place(tick), bottom + 18, anchor: "middle")
        }
        for tick in y.ticks {
            drawing.line(left, y.place(tick), left + side, y.place(tick), colour: Palette.grid)
            drawing.text(Axis.label(tick), left - 8, y.place(tick) + 4, anchor: "end")
        }
        drawing.text(axisNames.x, left + side / 2, bottom + 38, anchor: "middle")
        drawing.text(axisNames.y, 18, (top + bottom) / 2, anchor: "middle", isUpright: true)
        if isDiagram {
            drawing.line(x.place(x.low), y.place(x.low), x.place(x.high), y.place(x.high), colour: Palette.soft, isDashed: true)
            if points.contains(where: { $0.y == .infinity }) {
                drawing.line(left, top + 14, left + side, top + 14, colour: Palette.soft, isDashed: true)
                drawing.text("\u{221E}", left - 8, top + 19, size: 15, anchor: "end")
            }
        }
        // Where there is much, each part is drawn smaller and fainter.
        let thickness = min(1.6, max(0.6, 250 / Double(max(segments.count, 1))))
        for line in segments {
            drawing.line(
                x.place(line.from.x), y.place(line.from.y), x.place(line.to.x), y.place(line.to.y), colour: Palette.ink, width: thickness,
                opacity: line.strength)
        }
        let radius = isDiagram ? 3.5 : min(3.5, max(1.5, 40 / Double(max(series.reduce(0) { $0 + $1.points.count }, 1)).squareRoot()))
        for set in series {
            for point in set.points {
                drawing.circle(x.place(point.x), point.y == .infinity ? top + 14 : y.place(point.y), radius: radius, colour: set.colour)
            }
        }
        for (index, set) in series.filter({ !$0.name.isEmpty }).reversed().enumerated() {
            drawing.circle(left + side - 84, bottom - 16 - 20 * Double(index), radius: 4, colour: set.colour)
            drawing.text(set.name, left + side - 74, bottom - 12 - 20 * Double(index))
        }
        return drawing
    }

    /// Both coordinates' ranges widened to the length of the longer one.
    private static func squared(_ xs: [Double], _ ys: [Double]) -> ([Double], [Double]) {
        func range(_ values: [Double]) -> (middle: Double, half: Double) {
            let (low, high) = (values.min() ?? 0, values.max() ?? 1)
            return ((low + high) / 2, (high - low) / 2)
        }
        let (x, y) = (range(xs), range(ys))
        let half = max(x.half, y.half)
        return ([x.middle - half, x.middle + half], [y.middle - half, y.middle + half])
    }

    /// Where points stand, by their first two coordinates.
    static func places(_ points: Tensor) throws -> [Place] {
        let numbers = try points.slice(axis: 1, from: 0, to: 2).array(of: Double.self)
        return stride(from: 0, to: numbers.count, by: 2).map { (numbers[$0], numbers[$0 + 1]) }
    }

    /// The diagram of classes of persistent homology.
    static func diagram(_ bars: [Bar]) -> ScatterChart {
        var chart = ScatterChart(title: "Persistence diagram")
        chart.isDiagram = true
        chart.axisNames = ("birth", "death")
        chart.series = Set(bars.map(\.dimension)).sorted().map { dimension in
            Series(
                name: "dimension \(dimension)", colour: Palette.colours[dimension % Palette.colours.count],
                points: bars.filter { $0.dimension == dimension }.map { ($0.birth, $0.death) })
        }
        return chart
    }
}
