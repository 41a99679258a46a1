#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Over-relaxation of alternating steps, its factor found from how fast errors fall.
///
/// With a rate r per step at factor w, steps without it have the rate s = (r + w - 1)^2 / (r w^2), for which 2 / (1 + sqrt(1 - s)) is best.
/// Thibault et al., Overrelaxed Sinkhorn-Knopp Algorithm for Regularized Optimal Transport, 2017; Young, Iterative Solution of Large Linear
/// Systems, 1971.
struct Relaxation {
    /// Steps between two looks at the errors.
    static let period = 10
    var factor = 1.0
    private var isAllowed: Bool
    private var last: Double?

    init(isAllowed: Bool) { self.isAllowed = isAllowed }

    mutating func observe(_ error: Double) {
        defer { last = error }
        guard isAllowed, let last, last > 0, error.isFinite else { return }
        let rate = pow(error / last, 1 / Double(Self.period))
        guard rate < 1 else {
            // Too bold, or at the limit of rounding.
            (isAllowed, factor) = (factor == 1, 1)
            return
        }
        guard rate > factor - 1 else { return }
        let plain = (rate + factor - 1) * (rate + factor - 1) / (rate * factor * factor)
        if plain < 1 { factor = max(factor, min(2 / (1 + (1 - plain).squareRoot()), 1.95)) }
    }
}

/// Momentum of averaged steps of everything at once, `z + length (average - z) + carry (z - before)`, found from how fast errors fall.
///
/// Averaged steps have rates from 0 to 1 - g. With a rate r per step at length l and carry c, `g = (1 + c - r - c / r) / l`, for which
/// `c = ((1 - sqrt(g)) / (1 + sqrt(g)))^2` and `l = (1 + sqrt(c))^2` are best: Polyak, Some Methods of Speeding Up the Convergence of
/// Iteration Methods, 1964.
struct Momentum {
    /// Steps between two looks at the errors.
    static let period = 10
    private(set) var length = 1.0
    private(set) var carry = 0.0
    private var isAllowed = true
    private var last: Double?

    mutating func observe(_ error: Double) {
        defer { last = error }
        guard isAllowed, let last, last > 0, error.isFinite else { return }
        let rate = pow(error / last, 1 / Double(Self.period))
        guard rate < 1 else {
            // Too bold, or at the limit of rounding.
            (isAllowed, length, carry) = (carry == 0, 1, 0)
            return
        }
        guard rate > carry.squareRoot() else { return }
        let gap = (1 + carry - rate - carry / rate) / length
        guard gap > 0 else { return }
        let root = min((1 - gap.squareRoot()) / (1 + gap.squareRoot()), 0.95)
        if root * root > carry { (carry, length) = (root * root, (1 + root) * (1 + root)) }
    }
}
