import LossKit

extension Kernel {
    /// Reductions over all pairs of points that never hold their matrix, also where it would be larger than the memory.
    static func formulas(quick: Bool) -> [Kernel] {
        let sizes = [(1000, 1000, 3), (10_000, 10_000, 3), (10_000, 10_000, 64), (10_000, 10_000, 128), (1_000_000, 1000, 3)]
        return sizes.prefix(quick ? 1 : sizes.count).flatMap { [gaussianSum($0, $1, $2), pairLogSumExp($0, $1, $2)] }
    }

    /// mean_i sum_j exp(-|x_i - y_j|^2 / (2 d)).
    private static func gaussianSum(_ n: Int, _ m: Int, _ d: Int) -> Kernel {
        pairReduction("gaussianSum", n, m, d) { try ($0.squaredDistance(to: $1) * (-0.5 / Double(d))).exp().sum() }
    }

    /// mean_i log sum_j exp(-|x_i - y_j|^2 / 2).
    private static func pairLogSumExp(_ n: Int, _ m: Int, _ d: Int) -> Kernel {
        pairReduction("pairLogSumExp", n, m, d) { try ($0.squaredDistance(to: $1) * -0.5).logSumExp() }
    }

    private static func pairReduction(
        _ name: String, _ n: Int, _ m: Int, _ d: Int, _ reduction: @escaping @Sendable (Formula, Formula) throws -> Tensor
    ) -> Kernel {
        let flops = 2 * Double(n * m * d)
        return Kernel(
            name: name, size: "\(n)x\(m)x\(d)",
            inputs: { [try random([n, d], seed: 1, on: $0), try random([m, d], seed: 2, on: $0)] }, differentiated: 2,
            function: { try reduction(.x($0[0]), .y($0[1])).mean() },
            bound: .operations(forward: flops, both: 3 * flops),
            // The pulls on a point from all sides cancel.
            gradientTolerance: Tolerance(relative: 2e-5, ofLargest: 2e-5))
    }
}
