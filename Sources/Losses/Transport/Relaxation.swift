#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// How much bolder than plain ones steps are, b in 0..<1, found from how fast errors fall.
///
/// Alternating steps go (1 + b) of the way; averaged steps of everything at once go `z + (1 + b)^2 (average - z) + b^2 (z - before)`. Where
/// plain ones have the rate 1 - g, both have a rate r with `g = (1 + b^2 - r - b^2 / r) / (1 + b)^2`, and `b = (1 - sqrt(g)) / (1 + sqrt(g))`
/// is best. Errors of bolder steps may rise for a while before they fall; where they do not come down, steps are plain again and less bold
/// from then on.
/// Young, Iterative Solution of Large Linear Systems, 1971; Polyak, Some Methods of Speeding Up the Convergence of Iteration Methods, 1964;
/// Thibault et al., Overrelaxed Sinkhorn-Knopp Algorithm for Regularized Optimal Transport, 2017; Lehmann et al., A Note on Overrelaxation in
/// the Sinkhorn Algorithm, 2022.
struct Relaxation {
    /// Steps between two looks at the errors.
    static let period = 10
    /// Above this multiple of the least error, and after so many looks without a lesser one, steps are too bold.
    private static let (mostRise, mostLooks) = (4.0, 3)
    /// What is seen in passing over what a plain step leaves.
    private static let mostAhead = 50.0
    private(set) var boldness = 0.0
    private var limit: Double
    private var last: Double?
    /// The least error since steps became bolder, and the looks since then.
    private var (best, looks) = (Double.infinity, 0)

    init(isAllowed: Bool = true) { limit = isAllowed ? 0.95 : 0 }

    /// Alternating steps: the share of the way.
    var factor: Double { 1 + boldness }
    /// Averaged steps: how far they go, and what they keep of the last one.
    var length: Double { factor * factor }
    var carry: Double { boldness * boldness }

    /// Whether potentials that pass with an error, of steps bolder than plain ones far above that of their best ones, may be good enough.
    func isWorthALook(_ error: Double, _ tolerance: Double, isDue: Bool) -> Bool {
        tolerance > 0 && (factor == 1 ? error <= tolerance : isDue && error <= Self.mostAhead * tolerance)
    }

    /// Errors from here on are of other potentials, or measured otherwise.
    mutating func forget() { (last, best, looks) = (nil, .infinity, 0) }

    mutating func observe(_ error: Double) {
        let before = last
        last = error
        guard limit > 0, let before, before > 0, error.isFinite else { return }
        looks = error < best ? 0 : looks + 1
        if boldness > 0, error > Self.mostRise * best || looks >= Self.mostLooks {
            // Twice as far from 1, so that there are only so many attempts.
            (limit, boldness, last, best, looks) = (max(0, 2 * boldness - 1), 0, nil, .infinity, 0)
            return
        }
        best = min(best, error)
        let rate = pow(error / before, 1 / Double(Self.period))
        guard rate > boldness, rate < 1 else { return }
        let gap = (1 + carry - rate - carry / rate) / length
        guard gap > 0 else { return }
        let found = min((1 - gap.squareRoot()) / (1 + gap.squareRoot()), limit)
        if found > boldness { (boldness, best, looks) = (found, .infinity, 0) }
    }
}
