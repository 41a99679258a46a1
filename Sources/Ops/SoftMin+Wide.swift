import LossKitDevice
import LossKitKernels

/// A ``SoftMin`` in doubles: of exponents that floats, over a small epsilon, cannot hold.
package struct WideSoftMin: Sendable {
    private let softMin: SoftMin
    /// Where it runs: the device, or the CPU where that has no doubles.
    package let device: Device

    package init(_ softMin: SoftMin) throws {
        let home = softMin.points.x.device
        device = Self.device(for: home)
        self.softMin = try device == home ? softMin : softMin.onCPU()
    }

    /// Where doubles of a device's problems are.
    package static func device(for home: Device) -> Device { WideSoftMinKernels.runs(on: home) ? home : .cpu }

    /// The soft minima of one side, float64 [batch, n] or [batch, m].
    ///
    /// - Parameters:
    ///   - potentials: Of the other side, float64.
    ///   - logWeights: Of the other side, float64.
    ///   - own: Of this side, which say about where the soft minima are, float64.
    package func callAsFunction(
        _ side: SoftMin.Side, potentials: Tensor, logWeights: Tensor, own: Tensor, epsilon: Double
    ) throws -> Tensor {
        if let formula = softMin.formula {
            return try formula.wideMinima(side, potentials: potentials, logWeights: logWeights, own: own, epsilon: epsilon)
        }
        if let near = softMin.near {
            return try near.wideMinima(side, potentials: potentials, logWeights: logWeights, own: own, epsilon: epsilon)
        }
        return try softMin.wideMinima(side, potentials: potentials, logWeights: logWeights, own: own, epsilon: epsilon)
    }
}

extension SoftMin {
    /// The soft minima of one side in doubles, of all pairs or of those that are near.
    func wideMinima(
        _ side: Side, potentials: Tensor, logWeights: Tensor, own: Tensor, epsilon: Double, near: NearColumns? = nil
    ) throws -> Tensor {
        let bases = try (potentials / epsilon + logWeights).packed().evaluated()
        let start = try (own / epsilon).packed().evaluated()
        let sums = try Tensor.empty([batch, count(of: side)], dtype: .float64, on: potentials.device)
        try WideSoftMinKernels(batch: batch, n: count(of: side), m: count(against: side), d: d, cost: cost).logSums(
            wideInputs(side, bases: bases, own: start), epsilon: epsilon, into: sums.output(), near: near, on: potentials.device)
        return try (sums * -epsilon).evaluated()
    }

    private func wideInputs(_ side: Side, bases: Tensor, own: Tensor) throws -> WideSoftMinKernels.Inputs {
        // Held costs of points are rounded.
        let matrix = cost == .matrix ? costs.map { side == .x ? $0.x : $0.y } : nil
        let columns = side == .x ? given.columns.y : given.columns.x
        return WideSoftMinKernels.Inputs(
            points: try (side == .x ? given.points.x : given.points.y).slice(), columns: try (matrix ?? columns).slice(),
            bases: try bases.slice(), own: try own.slice())
    }

    /// Writes exp(base_i + base_j - C_ij / epsilon) [rows, m] of one problem of the batch, on the CPU.
    ///
    /// - Parameter bases: float64 [rows] and [m], on the CPU.
    package func fill(
        _ kernel: Tensor, entry: Int, rows: Range<Int>, bases: (x: Tensor, y: Tensor), epsilon: Double
    ) throws {
        func part(_ tensor: Tensor) throws -> Tensor { try tensor[entry].to(.cpu).packed().evaluated() }
        func some(_ tensor: Tensor) throws -> Tensor {
            try tensor[entry].slice(axis: 0, from: rows.lowerBound, to: rows.upperBound).to(.cpu).packed().evaluated()
        }
        let isMatrix = cost == .matrix
        let points = try some(isMatrix ? (costs ?? self.points).x : given.points.x)
        let columns = try isMatrix ? points : part(given.columns.y)
        let inputs = WideSoftMinKernels.Inputs(
            points: try points.slice(), columns: try columns.slice(), bases: try bases.y.slice(), own: try bases.x.slice())
        try WideSoftMinKernels(batch: 1, n: rows.count, m: m, d: d, cost: cost).fill(inputs, epsilon: epsilon, into: kernel.output())
    }

    /// The plan's rows `a_i b_j exp((f_i + g_j - C_ij) / epsilon)` [batch, rows, m], from exponents in doubles, in float32.
    ///
    /// - Parameters:
    ///   - potentials: float64 [batch, n] and [batch, m].
    ///   - weights: [batch, n] and [batch, m].
    package func plan(
        rows: Range<Int>, potentials: (x: Tensor, y: Tensor), weights: (x: Tensor, y: Tensor), epsilon: Double
    ) throws -> Tensor {
        if let formula {
            return try formula.plan(rows: rows, potentials: potentials, weights: weights, epsilon: epsilon).to(points.x.device)
        }
        func base(_ potential: Tensor, _ weights: Tensor, _ entry: Int) throws -> Tensor {
            try (potential[entry].to(.cpu).asType(.float64) / epsilon + weights[entry].to(.cpu).asType(.float64).log())
        }
        let entries = try (0..<batch).map { entry in
            let kernel = try Tensor.empty([rows.count, m], dtype: .float32, on: .cpu)
            let ofX = try base(potentials.x, weights.x, entry).slice(axis: 0, from: rows.lowerBound, to: rows.upperBound)
            let bases = (x: try ofX.packed().evaluated(), y: try base(potentials.y, weights.y, entry).packed().evaluated())
            try fill(kernel, entry: entry, rows: rows, bases: bases, epsilon: epsilon)
            return kernel
        }
        return try Tensor.stack(entries).to(points.x.device)
    }
}
