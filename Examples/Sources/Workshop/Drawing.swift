import Foundation
import LossKit

/// Panels side by side in one .svg file.
public struct Drawing {
    public static let colours = [
        "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f3c8d", "#8c564b", "#555555", "#b5bd00",
    ]
    private var elements: [String] = []
    private var panels = 0
    private var height = side + 60
    private static let side = 320.0

    public init() {}

    /// Points [n, 2] in the colours of their labels, as a new panel.
    public mutating func scatter(_ points: Tensor, labels: [Int], title: String) throws {
        let numbers = try points.array(of: Double.self)
        let places = stride(from: 0, to: numbers.count, by: 2).map { (numbers[$0], numbers[$0 + 1]) }
        let (x, y) = (places.map(\.0), places.map(\.1))
        let reach = max((x.max() ?? 1) - (x.min() ?? 0), (y.max() ?? 1) - (y.min() ?? 0), 1e-9)
        let left = open(title)
        for (place, label) in zip(places, labels) {
            let across = left + Self.side * (0.03 + 0.94 * (place.0 - (x.min() ?? 0)) / reach)
            let up = 40 + Self.side * (0.97 - 0.94 * (place.1 - (y.min() ?? 0)) / reach)
            add("<circle cx=\"\(short(across))\" cy=\"\(short(up))\" r=\"3\" fill=\"\(Self.colours[label % 10])\" fill-opacity=\"0.75\"/>")
        }
        key(Set(labels).sorted().map { ("\($0)", Self.colours[$0 % 10]) }, left)
    }

    /// Curves over steps, as a new panel.
    public mutating func curves(_ curves: [(name: String, values: [Double])], title: String, from low: Double? = nil) {
        let values = curves.flatMap(\.values)
        let (low, high) = (low ?? values.min() ?? 0, values.max() ?? 1)
        let left = open(title)
        for part in 0...4 {
            let value = low + (high - low) * Double(part) / 4
            let up = 40 + Self.side * (1 - Double(part) / 4)
            add("<line x1=\"\(left)\" x2=\"\(left + Self.side)\" y1=\"\(up)\" y2=\"\(up)\" stroke=\"#e4e4e4\"/>")
            add("<text x=\"\(left - 6)\" y=\"\(up + 4)\" text-anchor=\"end\">\(String(format: "%.3g", value))</text>")
        }
        for (index, curve) in curves.enumerated() {
            let points = curve.values.enumerated().map { step, value in
                let across = left + Self.side * Double(step) / Double(max(curve.values.count - 1, 1))
                return "\(short(across)),\(short(40 + Self.side * (1 - (value - low) / max(high - low, 1e-12))))"
            }
            add("<polyline fill=\"none\" stroke-width=\"2\" stroke=\"\(Self.colours[index])\" points=\"\(points.joined(separator: " "))\"/>")
        }
        key(curves.enumerated().map { ($1.name, Self.colours[$0]) }, left)
    }

    /// Rows of images [8, 8] with frames in colours, as a new panel.
    public mutating func images(_ rows: [[(pixels: [Double], frame: String)]], title: String) {
        let size = min(34, Self.side / Double(rows.map(\.count).max() ?? 1) - 6)
        let left = open(title)
        for (row, images) in rows.enumerated() {
            for (column, image) in images.enumerated() {
                let (x, y) = (left + (size + 6) * Double(column) + (column > 0 ? 14 : 0), 44 + (size + 6) * Double(row))
                add("<rect x=\"\(short(x - 2))\" y=\"\(short(y - 2))\" width=\"\(short(size + 4))\" height=\"\(short(size + 4))\" "
                    + "fill=\"white\" stroke=\"\(image.frame)\" stroke-width=\"2.5\"/>")
                for (place, value) in image.pixels.enumerated() where value > 0 {
                    let step = size / 8
                    add("<rect x=\"\(short(x + step * Double(place % 8)))\" y=\"\(short(y + step * Double(place / 8)))\" width=\"\(short(step))\" "
                        + "height=\"\(short(step))\" fill-opacity=\"\(String(format: "%.2f", value))\"/>")
                }
            }
        }
        height = max(height, 60 + (size + 6) * Double(rows.count))
    }

    public func write(to path: String) throws {
        let width = Double(panels) * (Self.side + 70) + 20
        let head = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(short(width)) \(short(height))\" width=\"\(short(width))\" "
        let rest = "height=\"\(short(height))\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
        try (head + rest + elements.joined(separator: "\n") + "\n</svg>\n").write(toFile: path, atomically: true, encoding: .utf8)
        print("\(path) shows it")
    }

    /// Where the next panel begins.
    private mutating func open(_ title: String) -> Double {
        let left = 54 + Double(panels) * (Self.side + 70)
        panels += 1
        add("<text x=\"\(left)\" y=\"24\" font-size=\"15\">\(title)</text>")
        return left
    }

    private mutating func key(_ names: [(String, String)], _ left: Double) {
        var across = left
        for (name, colour) in names {
            add("<rect x=\"\(across)\" y=\"\(Self.side + 48)\" width=\"9\" height=\"9\" fill=\"\(colour)\"/>")
            add("<text x=\"\(across + 13)\" y=\"\(Self.side + 57)\">\(name)</text>")
            across += 22 + 6.8 * Double(name.count)
        }
        height = max(height, Self.side + 70)
    }

    private mutating func add(_ element: String) { elements.append(element) }

    private func short(_ value: Double) -> String { String(format: "%.1f", value) }
}
