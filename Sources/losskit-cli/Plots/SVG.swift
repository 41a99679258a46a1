import Foundation
import LossKit

/// A drawing of a given size, as the text of an .svg file.
struct SVG {
    var width: Double
    var height: Double
    private(set) var elements: [String] = []

    init(width: Double, height: Double) { (self.width, self.height) = (width, height) }

    mutating func line(
        _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, colour: String, width: Double = 1, opacity: Double = 1, isDashed: Bool = false
    ) {
        let dashes = isDashed ? " stroke-dasharray=\"4 4\"" : ""
        let faintness = opacity < 1 ? " stroke-opacity=\"\(Self.short(opacity))\"" : ""
        elements.append(
            "<line x1=\"\(Self.short(x1))\" y1=\"\(Self.short(y1))\" x2=\"\(Self.short(x2))\" y2=\"\(Self.short(y2))\" "
                + "stroke=\"\(colour)\" stroke-width=\"\(width)\" stroke-linecap=\"round\"\(dashes)\(faintness)/>")
    }

    /// A line through places, under which the ground is tinted down to a height if one is given.
    mutating func curve(_ places: [(x: Double, y: Double)], colour: String, width: Double = 1.5, opacity: Double = 1, ground: Double? = nil) {
        let points = places.map { "\(Self.short($0.x)),\(Self.short($0.y))" }.joined(separator: " ")
        if let ground, let first = places.first, let last = places.last {
            let ends = ["\(Self.short(last.x)),\(Self.short(ground))", "\(Self.short(first.x)),\(Self.short(ground))"]
            elements.append("<polygon points=\"\(points) \(ends.joined(separator: " "))\" fill=\"\(colour)\" fill-opacity=\"0.12\"/>")
        }
        elements.append(
            "<polyline points=\"\(points)\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"\(width)\" "
                + "stroke-opacity=\"\(Self.short(opacity))\" stroke-linejoin=\"round\"/>")
    }

    mutating func box(_ x: Double, _ y: Double, _ width: Double, _ height: Double, colour: String) {
        // Without smoothing, so that neighbours leave no seams.
        elements.append(
            "<rect x=\"\(Self.short(x))\" y=\"\(Self.short(y))\" width=\"\(Self.short(width))\" height=\"\(Self.short(height))\" "
                + "fill=\"\(colour)\" shape-rendering=\"crispEdges\"/>")
    }

    mutating func circle(_ x: Double, _ y: Double, radius: Double, colour: String) {
        elements.append(
            "<circle cx=\"\(Self.short(x))\" cy=\"\(Self.short(y))\" r=\"\(radius)\" fill=\"\(colour)\" fill-opacity=\"0.75\"/>")
    }

    mutating func text(_ text: String, _ x: Double, _ y: Double, size: Double = 12, anchor: String = "start", isUpright: Bool = false) {
        let turn = isUpright ? " transform=\"rotate(-90 \(Self.short(x)) \(Self.short(y)))\"" : ""
        let safe = text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
        elements.append(
            "<text x=\"\(Self.short(x))\" y=\"\(Self.short(y))\" font-size=\"\(size)\" text-anchor=\"\(anchor)\"\(turn)>\(safe)</text>")
    }

    /// Writes the file, which is called what it is.
    func write(to path: String) throws {
        guard path.lowercased().hasSuffix(".svg") || path.hasPrefix("/dev/") else {
            throw TensorError.file(path: path, problem: "drawings are .svg files")
        }
        let text = """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Self.short(width)) \(Self.short(height))" width="\(Self.short(width))" \
            height="\(Self.short(height))" font-family="system-ui, sans-serif" fill="#222">
            <rect width="100%" height="100%" fill="white"/>
            \(elements.joined(separator: "\n"))
            </svg>

            """
        do {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        } catch {
            throw TensorError.file(path: path, problem: "cannot be written")
        }
    }

    private static func short(_ value: Double) -> String { String(format: "%.2f", value) }
}

/// Colours that people who do not tell red from green still tell apart.
enum Palette {
    static let colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"]
    static let grid = "#e4e4e4"
    static let soft = "#888888"
    static let ink = "#444444"
}
