import LossKitKernels

/// The soft minima between two clouds and within each, of which a debiased divergence is made: one launch for all four problems.
package struct DebiasedSoftMin: Sendable {
    private let points: Tensor
    private let columns: Tensor
    private let logWeights: Tensor
    private let kernels: DebiasedSoftMinKernels
    /// The points of both.
    package var count: Int { kernels.n + kernels.m }

    /// C as in ``SoftMin``, between float32 points [n, d] and [m, d] with log weights [n + m].
    package init(_ x: Tensor, _ y: Tensor, logWeights: Tensor, power: Int, isLinearInMemory: Bool) throws {
        self.logWeights = try logWeights.packed().evaluated()
        points = try Tensor.concatenate([x, y]).evaluated()
        let (n, m, d) = (x.shape[0], y.shape[0], x.shape[1])
        if SoftMin.holdsCosts(count: (n + m) * (n + m), d: d, isLinearInMemory: isLinearInMemory, on: x.device) {
            // Each on its own: what is the same for equal clouds is so to the last bit.
            let costs = try [(x, y), (y, x), (x, x), (y, y)].map { try SoftMin.costs($0.0, $0.1, power: power).reshaped([-1]) }
            columns = try Tensor.concatenate(costs).evaluated()
            kernels = DebiasedSoftMinKernels(n: n, m: m, d: 0, cost: .matrix)
        } else {
            columns = try Tensor.concatenate([x.transposed().reshaped([n * d]), y.transposed().reshaped([m * d])]).evaluated()
            kernels = DebiasedSoftMinKernels(n: n, m: m, d: d, cost: power == 1 ? .distance : .halfSquare)
        }
    }

    /// The soft minima of all four problems [2 (n + m)], x against y, y against x, x against itself and y against itself, and
    /// `keep potentials + take soft + carry before`; `onlyBetween`, the first half of them.
    package func callAsFunction(
        _ potentials: Tensor, before: Tensor? = nil, epsilon: Double, keep: Double = 0, take: Double = 1, carry: Double = 0,
        onlyBetween: Bool = false
    ) throws -> (soft: Tensor, next: Tensor) {
        let rows = onlyBetween ? count : 2 * count
        let soft = try Tensor.empty([rows], dtype: .float32, on: points.device)
        let next = try Tensor.empty([rows], dtype: .float32, on: points.device)
        let inputs = SoftMinKernels.Inputs(
            points: try points.slice(), columns: try columns.slice(), logWeights: try logWeights.slice(),
            potentials: try potentials.slice())
        try kernels(
            inputs, before: (before ?? potentials).slice(),
            step: .init(epsilon: Float(epsilon), keep: Float(keep), take: Float(take), carry: Float(carry)), rows: rows,
            soft: soft.output(), next: next.output(), on: points.device)
        return (soft, next)
    }
}
