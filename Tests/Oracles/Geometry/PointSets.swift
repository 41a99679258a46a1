import Foundation

extension LossOracle {
    static let pointSets: [LossOracle] = [.chamfer, .hausdorff]

    private static func nearest(_ x: Rows, _ y: Rows) -> [Double] { x.map { a in y.map { distance(a, $0) }.min() ?? 0 } }

    static let chamfer = LossOracle(
        name: "chamfer", allowsEmpty: false, cases: [LossCase(options: ["isSquared": "false"]), LossCase(extents: ["n": 40, "m": 1])]
    ) { given in
        let power: Double = given.word("isSquared", "true") == "true" ? 2 : 1
        let (x, y) = (given["x"].lines(), given["y"].lines())
        return [mean(nearest(x, y).map { pow($0, power) }) + mean(nearest(y, x).map { pow($0, power) })]
    }

    static let hausdorff = LossOracle(
        name: "hausdorff", allowsEmpty: false, cases: ["average", "modified"].map { LossCase(options: ["form": $0]) }
    ) { given in
        let (there, back) = (nearest(given["x"].lines(), given["y"].lines()), nearest(given["y"].lines(), given["x"].lines()))
        switch given.word("form", "maximum") {
        case "average": return [(mean(there) + mean(back)) / 2]
        case "modified": return [max(mean(there), mean(back))]
        default: return [max(there.max() ?? 0, back.max() ?? 0)]
        }
    }
}
