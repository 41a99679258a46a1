import Foundation

/// Softmax cross-entropy of one row, straight from the formula in float64.
public struct CrossEntropyOracle: Sendable {
    public var weights: [Double]?
    public var smoothing = 0.0
    public var zLoss = 0.0
    public var softCap: Double?
    public var temperature = 1.0

    public init() {}

    /// What a row should be.
    public enum Target: Sendable {
        case label(Int)
        case masses([Double])
    }

    /// What the loss is of: the capped logits divided by the temperature.
    public func shaped(_ x: [Double]) -> [Double] {
        x.map { value in (softCap.map { $0 * tanh(value / $0) } ?? value) / temperature }
    }

    public func masses(_ target: Target, classes: Int) -> [Double] {
        (0..<classes).map { k in
            let w = weights?[k] ?? 1
            switch target {
            case .label(let y): return (k == y ? (1 - smoothing) * w : 0) + smoothing * w / Double(classes)
            case .masses(let q): return w * ((1 - smoothing) * q[k] + smoothing / Double(classes))
            }
        }
    }

    public func loss(_ x: [Double], _ target: Target) -> Double {
        let z = shaped(x)
        let partition = logSumExp(z)
        let q = masses(target, classes: x.count)
        return zip(q, z).reduce(zLoss * partition * partition) { $0 + ($1.0 == 0 ? 0 : $1.0 * (partition - $1.1)) }
    }

    public func gradient(_ x: [Double], _ target: Target) -> [Double] {
        let z = shaped(x)
        let partition = logSumExp(z)
        let q = masses(target, classes: x.count)
        let mass = q.reduce(0, +) + 2 * zLoss * partition
        return x.indices.map { k in
            let bend = softCap.map { 1 - pow(tanh(x[k] / $0), 2) } ?? 1
            return (mass * exp(z[k] - partition) - q[k]) * bend / temperature
        }
    }

    /// d log-partition / d logits.
    public func partitionGradient(_ x: [Double]) -> [Double] {
        let z = shaped(x)
        let partition = logSumExp(z)
        return x.indices.map { k in exp(z[k] - partition) * (softCap.map { 1 - pow(tanh(x[k] / $0), 2) } ?? 1) / temperature }
    }
}
