import LossKitOps

/// Which pairs of a batch count.
///
/// Pairs are chosen by their distances (or similarities, read the other way round) as they stand: no derivative is carried through the
/// choice.
public enum PairMiner: Sendable, Equatable {
    /// Every pair.
    case all
    /// Positives farther apart than one margin, negatives nearer than another, as `PairMarginMiner`.
    case margins(positive: Double, negative: Double)
    /// Positives farther than the nearest negative less epsilon, negatives nearer than the farthest positive and epsilon, as
    /// `MultiSimilarityMiner`.
    case multiSimilarity(epsilon: Double)
    /// One positive and one negative of each anchor that has both, as `BatchEasyHardMiner`.
    case extremes(positive: Strategy, negative: Strategy)
    /// Of all the batch's positive pairs the farthest such part, of its negative ones the nearest, as `HDCMiner`; of pairs as far as the
    /// last one all.
    case hardest(part: Double = 0.5)
    /// Of equal bins between the batch's least and largest distance, of each kind of pairs on its own, so many drawn from each, as
    /// `UniformHistogramMiner`, but none twice.
    case uniformHistogram(bins: Int = 100, positives: Int = 10, negatives: Int = 10, seed: UInt64 = 0)

    /// Which of an anchor's positives or negatives.
    public enum Strategy: String, Sendable, CaseIterable {
        /// The nearest positive, the farthest negative.
        case easy
        /// The nearest negative that is farther than the chosen positive; the farthest positive that is nearer than the chosen negative.
        case semihard
        /// The farthest positive, the nearest negative.
        case hard
        /// All of them.
        case all
    }

    /// The hardest positive and the hardest negative of each anchor, as `BatchHardMiner`.
    public static let batchHard = PairMiner.extremes(positive: .hard, negative: .hard)

    /// The masks of the pairs that stay, where each anchor's are chosen among its own.
    ///
    /// - Parameter far: How far apart pairs are, larger being farther.
    /// - Parameter sign: -1 where that is the negative of a similarity, in whose units margins are given.
    func callAsFunction(_ far: Tensor, sign: Double, _ isPositive: Tensor, _ isNegative: Tensor) throws -> (Tensor, Tensor) {
        guard far.count > 0 else { return (isPositive, isNegative) }
        switch self {
        case .all, .hardest, .uniformHistogram: return (isPositive, isNegative)
        case .margins(let positive, let negative):
            return (isPositive .&& (far .> sign * positive), isNegative .&& (far .< sign * negative))
        case .multiSimilarity(let epsilon):
            let nearest = try Tensor.select(isNegative, far, far.constant(1e30)).min(axes: [1], keepDimensions: true)
            let farthest = try Tensor.select(isPositive, far, far.constant(-1e30)).max(axes: [1], keepDimensions: true)
            return (isPositive .&& (far + epsilon .> nearest), isNegative .&& (far - epsilon .< farthest))
        case .extremes(let positive, let negative):
            return try extremes(far, isPositive, isNegative, positive, negative)
        }
    }

    private func extremes(
        _ far: Tensor, _ isPositive: Tensor, _ isNegative: Tensor, _ positive: Strategy, _ negative: Strategy
    ) throws -> (Tensor, Tensor) {
        let isCircular = positive == .semihard && (negative == .semihard || negative == .all)
        try require(
            !isCircular && !(negative == .semihard && positive == .all), "PairMiner", "semihard beside easy or hard", (positive, negative))
        var (near, apart) = (isPositive, isNegative)
        if positive == .semihard {
            apart = try pick(far, isNegative, nearest: negative == .hard)
            near = try pick(far, isPositive .&& (far .< value(far, at: apart, otherwise: -1e30)), nearest: false)
        } else {
            if positive != .all { near = try pick(far, isPositive, nearest: positive == .easy) }
            if negative == .semihard {
                apart = try pick(far, isNegative .&& (far .> value(far, at: near, otherwise: 1e30)), nearest: true)
            } else if negative != .all {
                apart = try pick(far, isNegative, nearest: negative == .hard)
            }
        }
        guard positive != .all, negative != .all else { return (near, apart) }
        // One of a kind each, or none at all.
        return (near .&& (try apart.any(axes: [1], keepDimensions: true)), apart .&& (try near.any(axes: [1], keepDimensions: true)))
    }

    /// The first of each row's nearest or farthest selected columns.
    private func pick(_ far: Tensor, _ isSelected: Tensor, nearest: Bool) throws -> Tensor {
        let values = Tensor.select(isSelected, far, try far.constant(nearest ? 1e30 : -1e30))
        let place = nearest ? try values.argMin(axis: 1, keepDimensions: true) : try values.argMax(axis: 1, keepDimensions: true)
        let column = try Tensor.arange(to: Double(far.shape[1]), dtype: .float32, on: far.device)
        return isSelected .&& (column .== place.asType(.float32))
    }

    /// Each row's one selected value.
    private func value(_ far: Tensor, at chosen: Tensor, otherwise: Double) throws -> Tensor {
        let found = try chosen.any(axes: [1], keepDimensions: true)
        let values = try Tensor.select(chosen, far, far.constant(0)).sum(axes: [1], keepDimensions: true)
        return Tensor.select(found, values, try far.constant(otherwise))
    }
}
