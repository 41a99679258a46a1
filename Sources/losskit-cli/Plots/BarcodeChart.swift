/// The classes of persistent homology as bars from birth to death, by dimensions and births; those that never die end in arrows.
struct BarcodeChart {
    let bars: [Bar]

    var svg: SVG {
        let width = 640.0, left = 90.0, right = 24.0, top = 44.0
        let lines = bars.filter { $0.birth != $0.death }.sorted { ($0.dimension, $0.birth, $0.death) < ($1.dimension, $1.birth, $1.death) }
        // Many bars are drawn close to one another, so that the drawing stays on a page.
        let step = min(8, max(1.2, 600 / Double(max(lines.count, 1))))
        let bottom = top + step * Double(lines.count) + 10 * Double(Set(lines.map(\.dimension)).count)
        var drawing = SVG(width: width, height: bottom + 52)
        let axis = Axis(lines.flatMap { [$0.birth, $0.death] }, start: left, end: width - right)
        drawing.text("Barcode", left, 24, size: 15)
        for tick in axis.ticks {
            drawing.line(axis.place(tick), top, axis.place(tick), bottom, colour: Palette.grid)
            drawing.text(Axis.label(tick), axis.place(tick), bottom + 18, anchor: "middle")
        }
        drawing.text("scale", (left + width - right) / 2, bottom + 38, anchor: "middle")
        var y = top
        var dimension = -1
        for bar in lines {
            if bar.dimension != dimension {
                dimension = bar.dimension
                y += 10
                drawing.text("dimension \(dimension)", left - 8, y + 8, anchor: "end")
            }
            let colour = Palette.colours[dimension % Palette.colours.count]
            let end = bar.isEssential ? width - right : axis.place(bar.death)
            drawing.line(axis.place(bar.birth), y, end, y, colour: colour, width: step * 0.55)
            if bar.isEssential {
                drawing.line(end - 6, y - 4, end, y, colour: colour, width: 1.5)
                drawing.line(end - 6, y + 4, end, y, colour: colour, width: 1.5)
            }
            y += step
        }
        return drawing
    }
}
