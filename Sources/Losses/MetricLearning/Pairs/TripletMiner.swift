import LossKitOps

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Which triplets of a batch, an anchor a, a positive p of its label and a negative n of another, a loss looks at.
///
/// Triplets are chosen by Euclidean distances of unit vectors as they stand: no derivative is carried through the choice.
public enum TripletMiner: Sendable, Equatable {
    /// Every triplet.
    case all
    /// Those with `d_an - d_ap` at most (`violating`), below 0 (`hard`), between 0 and (`semihard`) or above (`easy`) a margin, as
    /// `TripletMarginMiner`.
    case margin(Double, Kind = .violating)
    /// Those whose angle at the negative, atan(d_ap / (2 |n - (a + p) / 2|)), is larger than so many degrees, as `AngularMiner`.
    case angular(degrees: Double = 20)
    /// One negative for each anchor and positive, drawn so that all distances are as likely, as `DistanceWeightedMiner`: with probability
    /// proportional to `d^(2 - D) (1 - d^2 / 4)^((3 - D) / 2)` in D dimensions, d not below `cutoff`, of negatives nearer than
    /// `lossCutoff`, or where there is none of all alike.
    case distanceWeighted(cutoff: Double = 0.5, lossCutoff: Double = 1.4, seed: UInt64 = 0)

    /// What is between a triplet's distances.
    public enum Kind: String, Sendable, CaseIterable {
        case violating, hard, semihard, easy
    }

    /// The triplets as rows of the batch, by anchor, positive and negative.
    ///
    /// - Parameters:
    ///   - embeddings: [n, d].
    ///   - labels: [n], integers.
    /// - Returns: Where there is no triplet, tensors [0].
    /// - Throws: Shape and type mismatches.
    /// - Note: Memory: that of the triplets, and for angles that of the matrix of pairs. Wu et al., Sampling Matters in Deep Embedding
    ///   Learning, 2017.
    public func triplets(embeddings: Tensor, labels: Tensor) throws -> Triplets {
        let batch = try BatchLabels(labels, beside: embeddings, "TripletMiner")
        let units = try EmbeddingDistance.euclidean.prepared(stopGradient(embeddings))
        let n = batch.count
        let apart = try needsAll ? pairwiseDistance(units, units).array(of: Double.self) : []
        let blocks = RowBlocks(rows: n, columns: n, beside: units)
        var (anchors, positives, negatives): ([Int], [Int], [Int]) = ([], [], [])
        func append(_ a: Int, _ p: Int, _ n: Int) {
            anchors.append(a)
            positives.append(p)
            negatives.append(n)
        }
        var draw = NegativeDraw(self, dimension: embeddings.shape[1])
        func visit(_ a: Int, _ row: ArraySlice<Double>) {
            let row = Array(row)
            let others = (0..<n).filter { batch.classes[$0] != batch.classes[a] }
            guard !others.isEmpty else { return }
            draw?.start(others.map { row[$0] })
            for p in 0..<n where p != a && batch.classes[p] == batch.classes[a] {
                if draw != nil {
                    if let place = draw?.next() { append(a, p, others[place]) }
                } else {
                    for negative in others where takes(row[p], row[negative], needsAll ? apart[p * n + negative] : 0) {
                        append(a, p, negative)
                    }
                }
            }
        }
        for range in blocks.ranges {
            let rows = try pairwiseDistance(units.slice(axis: 0, from: range.lowerBound, to: range.upperBound), units)
            let values = try rows.array(of: Double.self)
            for (place, a) in range.enumerated() { visit(a, values[place * n..<(place + 1) * n]) }
        }
        func tensor(_ rows: [Int]) throws -> Tensor { try Tensor(rows, on: embeddings.device) }
        return try Triplets(anchors: tensor(anchors), positives: tensor(positives), negatives: tensor(negatives))
    }

    /// Whether it looks at distances of positives to negatives.
    private var needsAll: Bool {
        if case .angular = self { return true }
        return false
    }

    /// Whether a triplet stays, by the distances of anchor and positive, anchor and negative, positive and negative.
    private func takes(_ near: Double, _ far: Double, _ across: Double) -> Bool {
        switch self {
        case .all, .distanceWeighted: return true
        case .margin(let margin, let kind):
            let room = far - near
            switch kind {
            case .violating: return room <= margin
            case .hard: return room <= 0
            case .semihard: return room > 0 && room <= margin
            case .easy: return room > margin
            }
        case .angular(let degrees):
            // The distance of the negative to the middle of the other two.
            let middle = max(0, (2 * far * far + 2 * across * across - near * near) / 4).squareRoot()
            return atan2(near, 2 * middle) > degrees * .pi / 180
        }
    }
}

/// Triplets of a batch as rows of it, int64 [t] each.
public struct Triplets: Sendable {
    /// The anchors.
    public let anchors: Tensor
    /// For each a row of its label.
    public let positives: Tensor
    /// For each a row of another label.
    public let negatives: Tensor
}

/// Draws negatives of one anchor after the other.
private struct NegativeDraw {
    private let cutoff: Double
    private let lossCutoff: Double
    private let dimension: Double
    private var random: Philox
    /// Sums of the weights so far.
    private var sums: [Double] = []

    init?(_ miner: TripletMiner, dimension: Int) {
        guard case .distanceWeighted(let cutoff, let lossCutoff, let seed) = miner else { return nil }
        (self.cutoff, self.lossCutoff, self.dimension, random) = (cutoff, lossCutoff, Double(dimension), Philox(seed: seed))
    }

    mutating func start(_ distances: [Double]) {
        let logarithms = distances.map { distance -> Double in
            guard distance < lossCutoff else { return -.infinity }
            let d = max(distance, cutoff)
            return (2 - dimension) * log(d) + (3 - dimension) / 2 * log(max(1 - d * d / 4, 1e-8))
        }
        let peak = logarithms.max() ?? 0
        let weights = logarithms.map { peak.isFinite ? exp($0 - peak) : 1 }
        sums = weights.reduce(into: []) { $0.append(($0.last ?? 0) + $1) }
    }

    mutating func next() -> Int? {
        guard let total = sums.last, total > 0 else { return nil }
        let point = Double.random(in: 0..<total, using: &random)
        return sums.firstIndex { $0 > point }
    }
}

/// The triplet margin loss over the triplets that a miner finds in a batch: `max(0, d(a, p) - d(a, n) + margin)`, Euclidean distances of
/// unit vectors.
///
/// - Parameters:
///   - embeddings: [n, d].
///   - labels: [n], integers.
///   - miner: Which triplets count.
///   - margin: In units of distance.
///   - reducer: Over triplets.
/// - Returns: A scalar; 0, with gradient 0, where there is no triplet.
/// - Throws: Shape and type mismatches.
/// - Note: `TripletMarginLoss` of pytorch-metric-learning with a miner. ``batchTripletMargin(embeddings:labels:margin:mining:reduction:)``
///   needs no memory for triplets.
public func tripletMargin(
    embeddings: Tensor, labels: Tensor, miner: TripletMiner, margin: Double = 0.05, reducer: Reducer = .nonZeroMean
) throws -> Tensor {
    let triplets = try miner.triplets(embeddings: embeddings, labels: labels)
    let units = try embeddings.inArithmetic().unitRows()
    let anchors = try units.rows(at: triplets.anchors)
    func distance(_ rows: Tensor) throws -> Tensor { try (anchors - units.rows(at: rows)).norm(axes: [1]) }
    let elements = try (distance(triplets.positives) - distance(triplets.negatives) + margin).relu()
    let weights = try reducer.weights(of: BatchLabels(labels, beside: embeddings, "tripletMargin"), beside: elements)
    return try reducer(elements, weights: weights?.take(triplets.anchors)).asType(embeddings.dtype)
}
