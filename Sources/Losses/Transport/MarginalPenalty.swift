import LossKitOps

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What it costs a plan to have another marginal on a side than the weights given there.
///
/// One side exact and the other not is semi-relaxed transport.
public enum MarginalPenalty: Sendable, Hashable {
    /// The marginal is the weights.
    case exact
    /// rho KL(marginal | weights) = rho sum(p log(p / a) - p + a), for a rho above 0: GeomLoss' `reach` is rho^(1 / power), POT's `reg_m`
    /// is rho,
    /// OTT's `tau` is rho / (rho + epsilon).
    case divergence(Double)
    /// rho sum|p - a|, for a rho above 0.
    case totalVariation(Double)
    /// The marginal lies between these times the weights, 0 <= lower < upper.
    case range(ClosedRange<Double>)

    func check(_ operation: String) throws {
        switch self {
        case .exact: break
        case .divergence(let rho), .totalVariation(let rho): try require(rho > 0 && rho.isFinite, operation, "a finite rho above 0", rho)
        case .range(let range):
            try require(
                range.lowerBound >= 0 && range.lowerBound < range.upperBound, operation, "a range of factors of at least 0", range)
        }
    }
}

// The dual of a side is maximised in one step: for the soft minimum s over the other side it is at a function of s alone.
extension MarginalPenalty {
    /// Whether that function is a factor.
    func factor(_ epsilon: Double) -> Double? {
        switch self {
        case .exact: 1
        case .divergence(let rho): 1 / (1 + epsilon / rho)
        case .totalVariation, .range: nil
        }
    }

    /// The best potential for a soft minimum.
    func potential(_ soft: Tensor, _ epsilon: Double) -> Tensor {
        switch self {
        case .exact: soft
        case .divergence(let rho): soft * (1 / (1 + epsilon / rho))
        case .totalVariation(let rho): soft.clamped(min: -rho, max: rho)
        case .range(let range):
            soft
                - soft.clamped(
                    min: range.upperBound.isFinite ? -epsilon * log(range.upperBound) : nil,
                    max: range.lowerBound > 0 ? -epsilon * log(range.lowerBound) : nil)
        }
    }

    /// What a point adds to the dual for each unit of its weight: minus the conjugate of the penalty at -f.
    func gain(_ f: Tensor) -> Tensor {
        switch self {
        case .exact: f
        case .divergence(let rho): (f * (-1 / rho)).expm1() * -rho
        case .totalVariation(let rho): f.clamped(max: rho)
        case .range(let range):
            range.upperBound.isFinite ? Tensor.minimum(f * range.lowerBound, f * range.upperBound) : f * range.lowerBound
        }
    }

    /// The marginal over the weights that the potentials ask for; nil where it is 1.
    func ratio(_ f: Tensor, soft: Tensor, _ epsilon: Double) -> Tensor? {
        switch self {
        case .exact: nil
        case .divergence(let rho): (f * (-1 / rho)).exp()
        case .totalVariation, .range: ((f - soft) / epsilon).exp()
        }
    }

    /// How far a marginal, over the weights, is from what is best for its potential.
    func excess(_ ratio: Tensor, _ f: Tensor) throws -> Tensor {
        func between(_ low: Tensor, _ high: Tensor) -> Tensor {
            Tensor.maximum(Tensor.maximum(low - ratio, ratio - high), low * 0)
        }
        let one = try Tensor.ones([], dtype: f.dtype, on: f.device)
        switch self {
        case .exact: return (ratio - 1).absolute()
        case .divergence(let rho): return (ratio - (f * (-1 / rho)).exp()).absolute()
        case .totalVariation(let rho):
            let (isLow, isHigh) = (f .<= -rho, f .>= rho)
            return between(
                Tensor.select(isHigh, one * 0, one), Tensor.select(isLow, one * Double(Float.greatestFiniteMagnitude), one))
        case .range(let range):
            let (low, high) = (one * range.lowerBound, one * min(range.upperBound, Double(Float.greatestFiniteMagnitude)))
            return between(Tensor.select(f .< 0, high, low), Tensor.select(f .> 0, low, high))
        }
    }

    /// What the curvature of the penalty adds to a unit of weight in the Hessian of the dual, over epsilon; and whether a potential may
    /// move.
    func curvature(_ f: Tensor, _ epsilon: Double) throws -> (added: Tensor, isFree: Tensor) {
        let zero = try Tensor.zeros([], dtype: f.dtype, on: f.device)
        switch self {
        case .exact: return (zero, f .== f)
        case .divergence(let rho): return ((f * (-1 / rho)).exp() * (epsilon / rho), f .== f)
        case .totalVariation(let rho): return (zero, (f .> -rho) .&& (f .< rho))
        case .range: return (zero, f .!= 0)
        }
    }
}
