/// A matrix as cells, the darker the larger; one that is too large to be seen is drawn by the sums of blocks.
struct HeatChart {
    var title: String
    var rows: Int
    var columns: Int
    var values: [Double]
    var axisNames = (x: "", y: "")

    /// More cells than this a side are smaller than what can be seen.
    private static let most = 160

    var svg: SVG {
        let (left, top, longest) = (64.0, 44.0, 400.0)
        let cells = Self.blocks(values, rows, columns)
        let unit = longest / Double(max(rows, columns, 1))
        // Neither side so short that it could not be read.
        let (width, height) = (max(80, unit * Double(columns)), max(80, unit * Double(rows)))
        var drawing = SVG(width: left + width + 90, height: top + height + 52)
        drawing.text(title, left, 24, size: 15)
        let largest = max(cells.values.max() ?? 0, .leastNormalMagnitude)
        let (w, h) = (width / Double(max(cells.columns, 1)), height / Double(max(cells.rows, 1)))
        drawing.box(left, top, width, height, colour: Self.colour(0))
        for i in 0..<cells.rows {
            for j in 0..<cells.columns {
                let share = cells.values[i * cells.columns + j] / largest
                if share > 0.004 { drawing.box(left + Double(j) * w, top + Double(i) * h, w, h, colour: Self.colour(share)) }
            }
        }
        let x = Axis([0, Double(columns)], start: left, end: left + width, margin: 0)
        for tick in x.ticks where tick == tick.rounded() {
            drawing.text(Axis.label(tick), x.place(tick), top + height + 18, anchor: "middle")
        }
        let y = Axis([0, Double(rows)], start: top, end: top + height, margin: 0)
        for tick in y.ticks where tick == tick.rounded() { drawing.text(Axis.label(tick), left - 8, y.place(tick) + 4, anchor: "end") }
        drawing.text(axisNames.x, left + width / 2, top + height + 38, anchor: "middle")
        drawing.text(axisNames.y, 18, top + height / 2, anchor: "middle", isUpright: true)
        // What the colours stand for.
        let (scale, steps) = (left + width + 16, 40)
        let part = height / Double(steps)
        for step in 0..<steps {
            drawing.box(scale, top + part * Double(step), 12, part, colour: Self.colour(1 - Double(step) / Double(steps - 1)))
        }
        drawing.text(Axis.short(largest), scale + 17, top + 10, size: 11)
        drawing.text("0", scale + 17, top + height, size: 11)
        return drawing
    }

    private static func blocks(_ values: [Double], _ rows: Int, _ columns: Int) -> (values: [Double], rows: Int, columns: Int) {
        let (tall, wide) = ((rows + most - 1) / most, (columns + most - 1) / most)
        guard max(tall, wide) > 1 else { return (values, rows, columns) }
        let (m, n) = ((rows + tall - 1) / tall, (columns + wide - 1) / wide)
        var sums = [Double](repeating: 0, count: m * n)
        for i in 0..<rows { for j in 0..<columns { sums[i / tall * n + j / wide] += values[i * columns + j] } }
        return (sums, m, n)
    }

    /// From nearly white to dark blue; the root, so that small shares are seen.
    private static func colour(_ share: Double) -> String {
        let t = max(0, min(1, share)).squareRoot()
        let (light, dark) = ((247.0, 250.0, 253.0), (8.0, 48.0, 107.0))
        func mixed(_ a: Double, _ b: Double) -> Int { Int((a + (b - a) * t).rounded()) }
        return "rgb(\(mixed(light.0, dark.0)),\(mixed(light.1, dark.1)),\(mixed(light.2, dark.2)))"
    }
}
