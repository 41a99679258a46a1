/// The persistence landscapes of classes, a panel a dimension: at each scale how far the most persistent class is from beginning or ending, then the
/// second and so on. Classes that never die have none.
struct LandscapeChart {
    let bars: [Bar]

    /// How many landscapes are drawn of a dimension, and at how many scales.
    private static let (count, steps) = (5, 480)

    var svg: SVG {
        let width = 640.0, left = 90.0, right = 24.0, top = 44.0, panel = 150.0, gap = 34.0
        let mortal = bars.filter { !$0.isEssential && $0.life != 0 }
        let groups = Dictionary(grouping: mortal, by: \.dimension).sorted { $0.key < $1.key }
        let bottom = top + Double(max(groups.count, 1)) * (panel + gap) - gap
        var drawing = SVG(width: width, height: bottom + 52)
        let axis = Axis(mortal.flatMap { [$0.birth, $0.death] }, start: left, end: width - right)
        drawing.text("Persistence landscapes", left, 24, size: 15)
        for (place, (dimension, bars)) in groups.enumerated() {
            let upper = top + Double(place) * (panel + gap), ground = upper + panel
            let curves = Self.curves(bars, from: axis.low, to: axis.high)
            let heights = Axis([0, curves.first?.max() ?? 1], start: ground, end: upper, margin: 0)
            for tick in axis.ticks { drawing.line(axis.place(tick), upper, axis.place(tick), ground, colour: Palette.grid) }
            for tick in heights.ticks {
                drawing.line(left, heights.place(tick), width - right, heights.place(tick), colour: Palette.grid)
                drawing.text(Axis.label(tick), left - 8, heights.place(tick) + 4, anchor: "end")
            }
            drawing.text("dimension \(dimension)", 18, (upper + ground) / 2, anchor: "middle", isUpright: true)
            let colour = Palette.colours[dimension % Palette.colours.count]
            // The first one last, above the others.
            for (k, curve) in curves.enumerated().reversed() where curve.contains(where: { $0 > 0 }) {
                let points = curve.enumerated().map { step, height in
                    (
                        x: axis.start + Double(step) / Double(Self.steps) * (axis.end - axis.start),
                        y: heights.place(height)
                    )
                }
                drawing.curve(
                    points, colour: colour, width: k == 0 ? 2 : 1.2, opacity: 1 / (1 + 0.5 * Double(k)), ground: k == 0 ? ground : nil)
            }
        }
        for tick in axis.ticks { drawing.text(Axis.label(tick), axis.place(tick), bottom + 18, anchor: "middle") }
        drawing.text("scale", (left + width - right) / 2, bottom + 38, anchor: "middle")
        return drawing
    }

    /// The landscapes at evenly spread scales, the highest first.
    private static func curves(_ bars: [Bar], from low: Double, to high: Double) -> [[Double]] {
        let found = min(count, bars.count)
        var curves = [[Double]](repeating: [], count: found)
        for step in 0...steps {
            let scale = low + Double(step) / Double(steps) * (high - low)
            // Of an image's superlevel sets births are above deaths.
            let tents = bars.map { max(0, min(scale - min($0.birth, $0.death), max($0.birth, $0.death) - scale)) }
            for (k, height) in tents.sorted(by: >).prefix(found).enumerated() { curves[k].append(height) }
        }
        return curves
    }
}
