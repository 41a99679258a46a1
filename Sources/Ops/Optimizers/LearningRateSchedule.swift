#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A learning rate that depends on the step.
public enum LearningRateSchedule: Sendable {
    case constant(Double)
    /// Down from `peak` to `floor` along half a cosine over `steps`, after rising linearly for `warmup` steps.
    case cosine(peak: Double, floor: Double = 0, steps: Int, warmup: Int = 0)
    /// `initial`, multiplied by `factor` every `steps`.
    case staircase(initial: Double, factor: Double, steps: Int)

    /// The rate at a step, counted from 0.
    public func rate(at step: Int) -> Double {
        switch self {
        case .constant(let rate): return rate
        case .cosine(let peak, let floor, let steps, let warmup):
            if step < warmup { return peak * Double(step + 1) / Double(warmup) }
            let progress = min(1, Double(step - warmup) / Double(max(1, steps - warmup)))
            return floor + (peak - floor) * 0.5 * (1 + cos(progress * .pi))
        case .staircase(let initial, let factor, let steps):
            return (0..<step / max(1, steps)).reduce(initial) { rate, _ in rate * factor }
        }
    }
}
