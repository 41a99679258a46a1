import LossKitKernels

/// The soft minima of a cost plus a potential between two weighted sets of points and within each: the one operation of which entropic optimal
/// transport is made.
///
/// Rows 0..<n are the points of x against y, then m of y against x; then n of x against x and m of y against y.
/// `soft_i = -epsilon log sum_j w_j exp((u_j - C(x_i, y_j)) / epsilon)` with `C = |x - y|^2 / 2` (power 2) or `|x - y|` (power 1), online: O(n + m)
/// memory, and one launch for all rows.
package struct SoftMin: Sendable {
    private let points: Tensor
    private let columns: Tensor
    private let logWeights: Tensor
    private let kernels: SoftMinKernels

    /// The number of points in both sets; there are twice as many rows.
    package let count: Int

    /// - Parameters:
    ///   - x: [n, d] float32.
    ///   - y: [m, d] float32.
    ///   - logWeights: [n + m].
    package init(_ x: Tensor, _ y: Tensor, logWeights: Tensor, power: Int) throws {
        points = try Tensor.concatenate([stopGradient(x), stopGradient(y)]).packed().evaluated()
        columns = try points.transposed().packed().evaluated()
        self.logWeights = try stopGradient(logWeights).evaluated()
        count = x.shape[0] + y.shape[0]
        kernels = SoftMinKernels(n: x.shape[0], m: y.shape[0], d: x.shape[1], power: power)
    }

    private func inputs(_ potentials: Tensor) throws -> SoftMinKernels.Inputs {
        SoftMinKernels.Inputs(
            points: try points.slice(), columns: try columns.slice(), logWeights: try logWeights.slice(), potentials: try potentials.slice()
        )
    }

    /// The soft minima for potentials [2 count], and `keep` times the potentials plus `take` times those; of all rows, or of those between the sets.
    package func callAsFunction(
        _ potentials: Tensor, epsilon: Double, keep: Double = 0, take: Double = 1, onlyBetween: Bool = false
    ) throws -> (soft: Tensor, next: Tensor) {
        let rows = onlyBetween ? count : 2 * count
        let soft = try Tensor.empty([rows], dtype: .float32, on: points.device)
        let next = try Tensor.empty([rows], dtype: .float32, on: points.device)
        try kernels(
            inputs(potentials), epsilon: Float(epsilon), keep: Float(keep), take: Float(take), rows: rows, soft: soft.output(),
            next: next.output(), on: points.device)
        return (soft, next)
    }

    /// sum_j w_ij dC(x_i, y_j)/dx_i [rows, d], w the soft minimum's weights, which sum to 1 for each row.
    package func costGradient(_ potentials: Tensor, rows: Range<Int>, epsilon: Double) throws -> Tensor {
        let output = try Tensor.empty([rows.count, kernels.d], dtype: .float32, on: points.device)
        try kernels.costGradient(inputs(potentials), epsilon: Float(epsilon), rows: rows, into: output.output(), on: points.device)
        return output
    }
}
