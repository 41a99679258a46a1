import Foundation

/// Puts names beside their points so that they cover neither each other nor a point; from a name that stands away a line leads to its point.
struct LabelPlacement {
    /// About how wide a letter is, and how high a line.
    static let letter = 6.4
    private static let line = 12.0

    private let area: (left: Double, top: Double, right: Double, bottom: Double)
    private let points: [(x: Double, y: Double)]
    private var taken: [Box] = []

    private struct Box {
        var left: Double
        var top: Double
        var right: Double
        var bottom: Double

        func meets(_ other: Box) -> Bool { left < other.right && other.left < right && top < other.bottom && other.top < bottom }
    }

    init(area: (Double, Double, Double, Double), points: [(Double, Double)]) {
        self.area = area
        self.points = points.map { (x: $0.0, y: $0.1) }
    }

    /// The text beside a point, where there is room, and nothing where there is none.
    mutating func label(_ text: String, at point: (x: Double, y: Double), width: Double) -> String {
        for distance in stride(from: 7.0, through: 91, by: 12) {
            // To the right first, then to the left, above and below, and between these.
            for angle in [0.0, 180, 270, 90, 330, 30, 210, 150, 300, 60, 240, 120] {
                let (x, y) = (point.x + distance * cos(angle * .pi / 180), point.y + distance * sin(angle * .pi / 180))
                let isLeft = (91...269).contains(angle), isCentred = angle == 270 || angle == 90
                let start = isCentred ? x - width / 2 : isLeft ? x - width : x
                let box = Box(left: start, top: y - Self.line / 2, right: start + width, bottom: y + Self.line / 2)
                guard isFree(box) else { continue }
                taken.append(box)
                let anchor = isCentred ? "middle" : isLeft ? "end" : "start"
                let ends = [("x1", point.x), ("y1", point.y), ("x2", x), ("y2", y)].map { "\($0.0)=\"\($0.1.formatted(1))\"" }
                let lead = distance > 8 ? "<line \(ends.joined(separator: " ")) stroke=\"var(--soft)\" stroke-width=\"0.7\"/>" : ""
                // With a rim of the ground's colour, so that lines below do not cross out letters.
                let rim = "paint-order=\"stroke\" stroke=\"var(--card)\" stroke-width=\"3\""
                return lead + "<text font-size=\"11\" text-anchor=\"\(anchor)\" \(rim) x=\"\(x.formatted(1))\" y=\"\((y + 4).formatted(1))\">"
                    + "\(text)</text>"
            }
        }
        return ""
    }

    private func isFree(_ box: Box) -> Bool {
        box.left >= area.left && box.right <= area.right && box.top >= area.top && box.bottom <= area.bottom
            && !taken.contains { $0.meets(box) }
            && !points.contains { box.meets(Box(left: $0.x - 4, top: $0.y - 4, right: $0.x + 4, bottom: $0.y + 4)) }
    }
}
