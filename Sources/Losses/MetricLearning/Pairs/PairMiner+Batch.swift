import LossKitOps

extension PairMiner {
    /// A miner that has seen the whole batch, where it has to.
    enum Prepared: Sendable {
        /// Each anchor's pairs are chosen among its own.
        case plain(PairMiner)
        /// Positives at least so far, negatives at most.
        case bounds(positive: Double, negative: Double)
        /// Each anchor's columns.
        case chosen(positives: [[Int]], negatives: [[Int]])

        func callAsFunction(_ pairs: EmbeddingPairs) throws -> (Tensor, Tensor) {
            switch self {
            case .plain(let miner): return try miner(stopGradient(pairs.far), sign: pairs.sign, pairs.isPositive, pairs.isNegative)
            case .bounds(let positive, let negative):
                let far = stopGradient(pairs.far).asType(.float32)
                return (pairs.isPositive .&& (far .>= positive), pairs.isNegative .&& (far .<= negative))
            case .chosen(let positives, let negatives):
                func mask(_ chosen: [[Int]]) throws -> Tensor {
                    let columns = pairs.others.shape[0]
                    var mask = [Bool](repeating: false, count: pairs.range.count * columns)
                    for (row, list) in chosen[pairs.range].enumerated() { for column in list { mask[row * columns + column] = true } }
                    return try Tensor(mask, shape: [pairs.range.count, columns], on: pairs.far.device)
                }
                return (try mask(positives), try mask(negatives))
            }
        }
    }

    /// Looks at a batch all of whose pairs count.
    func prepared(for batch: PairBatch) throws -> Prepared {
        switch self {
        case .hardest(let part):
            try require(part > 0 && part <= 1, "PairMiner", "a part above 0, at most 1", part)
            let (positives, negatives) = batch.labels.pairCounts
            func kept(_ count: Int) -> Int { max(1, Int((Double(count) * part).rounded(.up))) }
            // A kind without pairs has no bound to find.
            let bounds = try OrderStatistics.find([positives - kept(positives), kept(negatives) - 1].map { max(0, $0) }) { visit in
                try batch.forEachBlock { pairs in
                    try visit([(pairs.far, where: pairs.isPositive), (pairs.far, where: pairs.isNegative)])
                }
            }
            return .bounds(positive: Double(bounds[0]), negative: Double(bounds[1]))
        case .uniformHistogram(let bins, let positives, let negatives, let seed):
            try require(
                bins > 0 && positives >= 0 && negatives >= 0, "PairMiner", "bins, and not a negative number of each",
                (bins, positives, negatives))
            var draws = (HistogramDraw(bins: bins, perBin: positives), HistogramDraw(bins: bins, perBin: negatives))
            try batch.forEachBlock { pairs in
                try draws.0.measure(pairs.far, where: pairs.isPositive)
                try draws.1.measure(pairs.far, where: pairs.isNegative)
            }
            var random = Philox(seed: seed)
            try batch.forEachBlock { pairs in
                try draws.0.draw(pairs, where: pairs.isPositive, using: &random)
                try draws.1.draw(pairs, where: pairs.isNegative, using: &random)
            }
            let count = batch.labels.count
            return .chosen(positives: draws.0.columns(count: count), negatives: draws.1.columns(count: count))
        default: return .plain(self)
        }
    }
}

/// Draws pairs evenly from bins of their distances, as they come by: each of a bin's pairs is as likely to be among those that are kept.
private struct HistogramDraw {
    private let perBin: Int
    private var low = Double.infinity
    private var high = -Double.infinity
    private var seen: [Int]
    private var kept: [[(row: Int, column: Int)]]

    init(bins: Int, perBin: Int) {
        self.perBin = perBin
        seen = [Int](repeating: 0, count: bins)
        kept = [[(row: Int, column: Int)]](repeating: [], count: bins)
    }

    private static func selected(_ far: Tensor, _ mask: Tensor) throws -> [Double] {
        try Tensor.select(mask, far, far.constant(.nan)).array(of: Double.self)
    }

    mutating func measure(_ far: Tensor, where mask: Tensor) throws {
        for value in try Self.selected(far, mask) where !value.isNaN { (low, high) = (Swift.min(low, value), Swift.max(high, value)) }
    }

    mutating func draw(_ pairs: EmbeddingPairs, where mask: Tensor, using random: inout Philox) throws {
        let columns = pairs.others.shape[0]
        for (place, value) in try Self.selected(pairs.far, mask).enumerated() where !value.isNaN {
            let share = high > low ? (value - low) / (high - low) : 0
            let bin = Swift.min(seen.count - 1, Int(share * Double(seen.count)))
            let pair = (row: pairs.range.lowerBound + place / columns, column: place % columns)
            seen[bin] += 1
            if kept[bin].count < perBin {
                kept[bin].append(pair)
            } else if perBin > 0, case let drawn = Int.random(in: 0..<seen[bin], using: &random), drawn < perBin {
                kept[bin][drawn] = pair
            }
        }
    }

    func columns(count: Int) -> [[Int]] {
        var rows = [[Int]](repeating: [], count: count)
        for pair in kept.joined() { rows[pair.row].append(pair.column) }
        return rows
    }
}
