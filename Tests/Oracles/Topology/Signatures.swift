import Foundation

extension LossOracle {
    static let topologicalAutoencoder = LossOracle(
        name: "topologicalAutoencoder", sizes: [2, 17],
        cases: [LossCase(options: ["form": "released"], extents: ["n": 9], withOptional: true)]
    ) { given in
        let (x, z) = (given["inputs"], given["embeddings"])
        let isReleased = given.word("form", "paper") == "released"
        let radius = isReleased ? largestDistance(x) : 1
        let norm = given.inputs["latentNorm"]?[0] ?? 1
        let sum = (kruskal(x) + kruskal(z)).reduce(0.0) { sum, edge in
            sum + pow(distance(x.row(edge.0), x.row(edge.1)) / radius - distance(z.row(edge.0), z.row(edge.1)) / norm, 2)
        }
        return [isReleased ? sum / Double(x.rows) : sum / 2]
    }

    static let topologicalSignature = LossOracle(
        name: "topologicalSignature", sizes: [3, 17], cases: [LossCase(options: ["isNormalized": "false"])]
    ) { given in
        let (x, z) = (given["inputs"], given["embeddings"])
        let isNormalized = given.word("isNormalized", "true") == "true"
        let radii = isNormalized ? (largestDistance(x), largestDistance(z)) : (1, 1)
        func mismatch(_ edges: [(Int, Int)]) -> Double {
            let sum = edges.reduce(0.0) { sum, edge in
                sum + pow(distance(x.row(edge.0), x.row(edge.1)) / radii.0 - distance(z.row(edge.0), z.row(edge.1)) / radii.1, 2)
            }
            return sqrt(sum) / 2
        }
        return [mismatch(kruskal(x)) + mismatch(kruskal(z))]
    }

    private static func largestDistance(_ points: Matrix) -> Double { pairwise(points).flatMap { $0 }.max() ?? 0 }

    private static func pairwise(_ points: Matrix) -> [[Double]] {
        (0..<points.rows).map { i in (0..<points.rows).map { distance(points.row(i), points.row($0)) } }
    }

    /// The longest edge of the best way between each pair, whatever way that is.
    private static func minimax(_ points: Matrix) -> [[Double]] {
        var heights = pairwise(points)
        for k in heights.indices {
            for i in heights.indices {
                for j in heights.indices { heights[i][j] = min(heights[i][j], max(heights[i][k], heights[k][j])) }
            }
        }
        return heights
    }

    private static func meanSquareOverPairs(_ a: [[Double]], _ b: (Int, Int) -> Double) -> Double {
        let pairs = a.indices.flatMap { i in a.indices.filter { $0 > i }.map { (i, $0) } }
        return pairs.reduce(0) { $0 + pow(a[$1.0][$1.1] - b($1.0, $1.1), 2) } / Double(pairs.count)
    }

    static let cophenetic = LossOracle(name: "cophenetic", sizes: [2, 17]) { given in
        [meanSquareOverPairs(minimax(given["points"])) { given["heights"][$0, $1] }]
    }

    static let dendrogramMismatch = LossOracle(name: "dendrogramMismatch", sizes: [2, 17]) { given in
        let other = minimax(given["targets"])
        return [meanSquareOverPairs(minimax(given["points"])) { other[$0][$1] }]
    }

    private static func lifetimes(_ points: Matrix, dimension: Int) -> [Double] {
        let homology = NaiveHomology(distances: pairwise(points), maximumDimension: dimension, threshold: .infinity)
        return homology.classes.filter { $0.dimension == dimension && $0.death.isFinite }.map { $0.death - $0.birth }
    }

    static let totalPersistence = LossOracle(
        name: "totalPersistence", sizes: [1, 13], larger: nil,
        cases: [
            LossCase(options: ["dimension": "0", "power": "3"]), LossCase(options: ["power": "1"], extents: ["n": 14, "d": 2]),
            LossCase(options: ["dimension": "2"], extents: ["n": 9]),
        ]
    ) { given in
        let power = given.number("power", 2)
        return [lifetimes(given["points"], dimension: Int(given.number("dimension", 1))).reduce(0) { $0 + pow($1, power) }]
    }

    static let persistenceEntropy = LossOracle(
        name: "persistenceEntropy", sizes: [2, 13], cases: [LossCase(options: ["dimension": "1"], extents: ["n": 14, "d": 2])]
    ) { given in
        let lifetimes = lifetimes(given["points"], dimension: Int(given.number("dimension", 0)))
        let sum = lifetimes.reduce(0, +)
        return [lifetimes.reduce(0) { $0 - $1 / sum * log($1 / sum) }]
    }

    static let bettiNumberPrior = LossOracle(
        name: "bettiNumberPrior", extents: ["h": 5, "w": 4], sizes: [1, 3],
        cases: [
            LossCase(options: ["components": "2", "loops": "1"], extents: ["n": 2, "h": 6, "w": 6]), LossCase(options: ["components": "0"]),
        ],
        divisor: { Double(max(1, $0["predictions"].shape[0])) }
    ) { given in
        let images = given["predictions"]
        let (h, w) = (images.shape[1], images.shape[2])
        return (0..<images.shape[0]).map { index in
            let values = images.values[index * h * w..<(index + 1) * h * w].map { -$0 }
            let classes = NaiveCubicalHomology(values, shape: [h, w], voxelsAreCorners: true).classes
            return [("components", 1.0), ("loops", 0.0)].enumerated().reduce(0.0) { sum, wanted in
                let count = Int(given.number(wanted.element.0, wanted.element.1))
                let lives = classes.filter { $0.dimension == wanted.offset }.map { ($0.death.isFinite ? $0.death : 0) - $0.birth }
                let sorted = lives.sorted(by: >) + [Double](repeating: 0, count: max(0, count - lives.count))
                return sorted.enumerated().reduce(sum) { $0 + ($1.offset < count ? 1 - $1.element * $1.element : $1.element * $1.element) }
            }
        }
    }
}
