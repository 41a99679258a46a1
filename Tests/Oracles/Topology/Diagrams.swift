import Foundation

extension LossOracle {
    private static let pair = ["pair": 2]

    /// The least of a combination over all matchings, by which points of the second diagram are taken.
    private static func best(
        _ a: Matrix, _ b: Matrix, _ length: (Double, Double) -> Double, toDiagonal: (Double) -> Double,
        combine: (Double, Double) -> Double
    ) -> Double {
        let (n, m) = (a.rows, b.rows)
        var least = [Double](repeating: .infinity, count: 1 << m)
        least[0] = 0
        for i in 0..<n {
            var next = least.map { combine($0, toDiagonal(a[i, 1] - a[i, 0])) }
            for taken in least.indices where least[taken].isFinite {
                for j in 0..<m where taken >> j & 1 == 0 {
                    let way = combine(least[taken], length(a[i, 0] - b[j, 0], a[i, 1] - b[j, 1]))
                    next[taken | 1 << j] = min(next[taken | 1 << j], way)
                }
            }
            least = next
        }
        return least.indices.map { taken in
            (0..<m).filter { taken >> $0 & 1 == 0 }.reduce(least[taken]) { combine($0, toDiagonal(b[$1, 1] - b[$1, 0])) }
        }.min() ?? 0
    }

    static let diagramWasserstein = LossOracle(
        name: "diagramWasserstein", extents: pair,
        cases: [
            LossCase(options: ["order": "1", "norm": "euclidean"]),
            LossCase(options: ["order": "3", "norm": "euclidean"], extents: ["m": 8]),
        ]
    ) { given in
        let (order, isEuclidean) = (given.number("order", 2), given.word("norm", "maximum") == "euclidean")
        return [
            best(
                given["diagram"], given["target"], { pow(isEuclidean ? sqrt($0 * $0 + $1 * $1) : max(abs($0), abs($1)), order) },
                toDiagonal: { pow(abs($0) / (isEuclidean ? sqrt(2) : 2), order) }, combine: +)
        ]
    }

    static let diagramBottleneck = LossOracle(name: "diagramBottleneck", extents: pair, cases: [LossCase(extents: ["m": 8])]) { given in
        [best(given["diagram"], given["target"], { max(abs($0), abs($1)) }, toDiagonal: { abs($0) / 2 }, combine: { max($0, $1) })]
    }

    static let diagramSlicedWasserstein = LossOracle(
        name: "diagramSlicedWasserstein", extents: pair, cases: [LossCase(options: ["directions": "3"], extents: ["m": 8])]
    ) { given in
        let (a, b, count) = (given["diagram"], given["target"], Int(given.number("directions", 10)))
        func points(_ diagram: Matrix, _ other: Matrix) -> [(Double, Double)] {
            (0..<diagram.rows).map { (diagram[$0, 0], diagram[$0, 1]) }
                + (0..<other.rows).map { ((other[$0, 0] + other[$0, 1]) / 2, (other[$0, 0] + other[$0, 1]) / 2) }
        }
        let sum = (0..<count).reduce(0.0) { sum, k in
            let angle = -Double.pi / 2 + Double(k) * Double.pi / Double(count)
            func line(_ points: [(Double, Double)]) -> [Double] { points.map { $0.0 * cos(angle) + $0.1 * sin(angle) }.sorted() }
            return sum + zip(line(points(a, b)), line(points(b, a))).reduce(0) { $0 + abs($1.0 - $1.1) }
        }
        return [sum / Double(count)]
    }
}
