import Foundation

/// Curves over equal steps.
struct CurveChart {
    struct Curve {
        var name: String
        var values: [Double]
    }

    var title: String
    var steps: String
    var curves: [Curve]
    var isLogarithmic = false

    var svg: SVG {
        let (width, height) = (640.0, 400.0)
        let (left, right, top, bottom) = (72.0, width - 24, 44.0, height - 52)
        var drawing = SVG(width: width, height: height)
        func level(_ value: Double) -> Double { !isLogarithmic ? value : value > 0 ? log10(value) : .nan }
        let x = Axis([0, Double(max(1, (curves.map(\.values.count).max() ?? 1) - 1))], start: left, end: right, margin: 0)
        let y = Axis(curves.flatMap { $0.values.map(level) }, start: bottom, end: top)
        drawing.text(title, left, 24, size: 15)
        for tick in x.ticks where tick == tick.rounded() {
            drawing.line(x.place(tick), top, x.place(tick), bottom, colour: Palette.grid)
            drawing.text(Axis.label(tick), x.place(tick), bottom + 18, anchor: "middle")
        }
        for (place, label) in isLogarithmic ? decades(y) : y.ticks.map({ ($0, Axis.label($0)) }) {
            drawing.line(left, y.place(place), right, y.place(place), colour: Palette.grid)
            drawing.text(label, left - 8, y.place(place) + 4, anchor: "end")
        }
        drawing.text(steps, (left + right) / 2, bottom + 38, anchor: "middle")
        for (index, curve) in curves.enumerated() {
            let colour = Palette.colours[index % Palette.colours.count]
            let points = curve.values.enumerated().map { (x.place(Double($0)), level($1)) }
            for (from, to) in zip(points, points.dropFirst()) where from.1.isFinite && to.1.isFinite {
                drawing.line(from.0, y.place(from.1), to.0, y.place(to.1), colour: colour, width: 2)
            }
            if points.count == 1, points[0].1.isFinite { drawing.circle(points[0].0, y.place(points[0].1), radius: 3.5, colour: colour) }
        }
        // The names stand where curves seldom are: at the right above, and for rising ones at the right below.
        let falls = (curves.first?.values.first).map(level) ?? 0 >= (curves.first?.values.last).map(level) ?? 0
        for (index, curve) in curves.enumerated() {
            let height = falls ? top + 18 + 20 * Double(index) : bottom - 14 - 20 * Double(curves.count - 1 - index)
            drawing.line(right - 150, height, right - 126, height, colour: Palette.colours[index % Palette.colours.count], width: 2)
            drawing.text(curve.name, right - 118, height + 4)
        }
        return drawing
    }

    /// Round numbers on a logarithmic axis: powers of ten, and 2 and 5 times them where there are few.
    private func decades(_ axis: Axis) -> [(Double, String)] {
        let powers = Int(axis.low.rounded(.down))...Int(axis.high.rounded(.up))
        let steps: [Double] = powers.count > 5 ? [1] : powers.count > 3 ? [1, 3] : [1, 2, 5]
        return powers.flatMap { power in steps.map { $0 * pow(10, Double(power)) } }.map { (log10($0), Axis.label($0)) }
            .filter { axis.low <= $0.0 && $0.0 <= axis.high }
    }
}
