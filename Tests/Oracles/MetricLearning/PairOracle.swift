import Foundation

/// Pairs of a labelled batch in doubles, as lists: what the formulas of metric-learning losses run over.
struct PairOracle {
    let x: [[Double]]
    let y: [[Double]]
    let isSimilarity: Bool
    private let measure: String
    private let labels: [Double]
    private let others: [Double]
    private let isSelf: Bool
    private let given: LossOracle.Given

    init(_ given: LossOracle.Given, distance: String) {
        self.given = given
        measure = given.word("distance", distance)
        isSimilarity = measure == "cosine" || measure == "dot"
        let isNormalized = given.word("isNormalized", "true") == "true" || measure == "cosine"
        func rows(_ matrix: Matrix) -> [[Double]] {
            (0..<matrix.rows).map { isNormalized ? unit(matrix.row($0)) : matrix.row($0) }
        }
        x = rows(given["embeddings"])
        labels = given["labels"].values
        isSelf = given.inputs["references"] == nil
        y = isSelf ? x : rows(given["references"])
        others = isSelf ? labels : given["referenceLabels"].values
    }

    /// Distance or similarity.
    func value(_ i: Int, _ j: Int) -> Double {
        let (a, b) = (x[i], y[j])
        switch measure {
        case "cosine", "dot": return zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
        case "squaredEuclidean": return pow(distance(a, b), 2)
        case "manhattan": return zip(a, b).reduce(0) { $0 + abs($1.0 - $1.1) }
        case "signalToNoise": return variance(zip(a, b).map { $0 - $1 }) / variance(a)
        default: return distance(a, b)
        }
    }

    /// How far beyond a margin a value is: `value - margin` for distances.
    func beyond(_ value: Double, _ margin: Double) -> Double { isSimilarity ? margin - value : value - margin }

    private func far(_ i: Int, _ j: Int) -> Double { beyond(value(i, j), 0) }
    private func every(_ i: Int, same: Bool) -> [Int] {
        others.indices.filter { (others[$0] == labels[i]) == same && !(isSelf && $0 == i) }
    }

    /// The positives of an anchor that its miner keeps.
    func positives(_ i: Int) -> [Int] { mined(i).0 }
    func negatives(_ i: Int) -> [Int] { mined(i).1 }

    private func mined(_ i: Int) -> ([Int], [Int]) {
        let (p, n) = (every(i, same: true), every(i, same: false))
        func nearest(_ list: [Int]) -> [Int] { list.min { far(i, $0) < far(i, $1) }.map { [$0] } ?? [] }
        func farthest(_ list: [Int]) -> [Int] { list.max { far(i, $0) < far(i, $1) }.map { [$0] } ?? [] }
        func both(_ p: [Int], _ n: [Int]) -> ([Int], [Int]) { p.isEmpty || n.isEmpty ? ([], []) : (p, n) }
        switch given.word("miner", "all") {
        case "multiSimilarity":
            let epsilon = given.number("epsilon", 0.1)
            let (low, high) = (n.map { far(i, $0) }.min() ?? .infinity, p.map { far(i, $0) }.max() ?? -.infinity)
            return (p.filter { far(i, $0) + epsilon > low }, n.filter { far(i, $0) - epsilon < high })
        case "batchHard": return both(farthest(p), nearest(n))
        case "batchEasy": return both(nearest(p), farthest(n))
        case "batchSemihard":
            let chosen = nearest(p)
            return both(chosen, nearest(n.filter { j in chosen.allSatisfy { far(i, j) > far(i, $0) } }))
        case "hardest":
            // The farther half of all positive pairs, the nearer half of all negative ones.
            let positives = x.indices.flatMap { i in every(i, same: true).map { far(i, $0) } }.sorted(by: >)
            let negatives = x.indices.flatMap { i in every(i, same: false).map { far(i, $0) } }.sorted()
            let (low, high) = (positives.prefix((positives.count + 1) / 2).last, negatives.prefix((negatives.count + 1) / 2).last)
            return (p.filter { j in low.map { far(i, j) >= $0 } ?? false }, n.filter { j in high.map { far(i, j) <= $0 } ?? false })
        default: return (p, n)
        }
    }
}

/// The same of pairs listed by their anchors.
func reduced(_ anchors: [[Double]], _ given: LossOracle.Given, _ standard: String) -> Double {
    guard given.word("reducer", standard) == "perAnchor" else { return reduced(anchors.flatMap { $0 }, given, standard) }
    return anchors.reduce(0) { $0 + $1.reduce(0, +) / Double(max(1, $1.count)) } / Double(anchors.count)
}

/// The one number that a reducer makes of elements.
func reduced(_ elements: [Double], _ given: LossOracle.Given, _ standard: String) -> Double {
    let kind = given.word("reducer", standard)
    let counted = kind == "nonZeroMean" ? elements.filter { $0 > 0 } : elements
    return counted.reduce(0, +) / (kind == "sum" ? 1 : Double(max(1, counted.count)))
}

func unit(_ values: [Double]) -> [Double] {
    let length = sqrt(values.reduce(0) { $0 + $1 * $1 })
    return values.map { $0 / length }
}

func variance(_ values: [Double]) -> Double {
    let mean = values.reduce(0, +) / Double(values.count)
    return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)
}
