import Foundation
import LossKitTestSupport

extension LossOracle {
    static let mstLength = LossOracle(
        name: "mstLength", sizes: [2, 17], cases: [LossCase(options: ["power": "2"], extents: ["n": 40, "d": 2])]
    ) { given in
        [treeLengths(given["points"]).reduce(0) { $0 + pow($1, given.number("power", 1)) }]
    }

    static let mstLengthRegularizer = LossOracle(name: "mstLengthRegularizer", sizes: [2, 17]) { given in
        let points = given["points"]
        let n = Double(points.rows)
        let zero = [Double](repeating: 0, count: points.columns)
        let sphere = (0..<points.rows).reduce(0.0) { $0 + pow(distance(points.row($1), zero) - 1, 2) }
        return [-given.number("gamma", 0.2) / n * treeLengths(points).reduce(0, +) + given.number("lambda", 8e-4) / n * sphere]
    }

    static let topologicalAutoencoder = LossOracle(name: "topologicalAutoencoder", sizes: [2, 17]) { given in
        let (x, z) = (given["inputs"], given["embeddings"])
        func mismatch(_ edges: [(Int, Int)]) -> Double {
            edges.reduce(0) { $0 + pow(distance(x.row($1.0), x.row($1.1)) - distance(z.row($1.0), z.row($1.1)), 2) / 2 }
        }
        return [mismatch(kruskal(x)) + mismatch(kruskal(z))]
    }

    private static func treeLengths(_ points: Matrix) -> [Double] {
        kruskal(points).map { distance(points.row($0.0), points.row($0.1)) }
    }
}
