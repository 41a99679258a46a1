import LossKitKernels

/// The soft minima of a cost plus a potential between two weighted sets, for each of a batch: the one operation of which entropic optimal
/// transport is made.
///
/// `soft_i = -epsilon log sum_j w_j exp((u_j - C_ij) / epsilon)`, over the columns for the rows or the other way round; online from points
/// in
/// O(n + m) memory, or from matrices. One launch each.
package struct SoftMin: Sendable {
    /// Which of both sets the minima are of.
    package enum Side: Sendable {
        /// Of the rows x, over y.
        case x
        /// Of the columns y, over x.
        case y
    }

    private let points: (x: Tensor, y: Tensor)
    private let columns: (x: Tensor, y: Tensor)
    /// Costs by rows and by columns, where they are held.
    private let costs: (x: Tensor, y: Tensor)?
    private let cost: SoftMinKernels.Cost
    /// Extents.
    package let (batch, n, m): (Int, Int, Int)
    private let d: Int

    /// The most costs of points that are held, each twice.
    private static let heldCosts = 1 << 23

    /// C = |x - y|^2 / 2 (power 2) or |x - y| (power 1) between float32 points [batch, n, d] and [batch, m, d]; of one tensor with itself
    /// all
    /// is held once.
    package init(_ x: Tensor, _ y: Tensor, power: Int, isLinearInMemory: Bool) throws {
        let isSame = x.isSame(as: y)
        let x = try stopGradient(x).packed().evaluated()
        let y = isSame ? x : try stopGradient(y).packed().evaluated()
        points = (x, y)
        let columnsOfX = try x.swappingAxes(1, 2).packed().evaluated()
        columns = (columnsOfX, isSame ? columnsOfX : try y.swappingAxes(1, 2).packed().evaluated())
        (batch, n, m, d) = (x.shape[0], x.shape[1], y.shape[1], x.shape[2])
        cost = power == 1 ? .distance : .halfSquare
        let isGPU = x.device.kind == .gpu || x.device.kind == .accelerator
        if !isLinearInMemory, !isGPU, d > 8, x.shape[0] * x.shape[1] * y.shape[1] <= Self.heldCosts {
            let byRows =
                try power == 1
                ? pairwiseDistance(x, y, metric: .euclidean).evaluated()
                : (pairwiseDistance(x, y, metric: .squaredEuclidean) * 0.5).evaluated()
            costs = (byRows, isSame ? byRows : try byRows.swappingAxes(1, 2).packed().evaluated())
        } else {
            costs = nil
        }
    }

    /// C as float32 matrices [batch, n, m], of which a transposed copy is held too.
    package init(costs: Tensor) throws {
        let byRows = try stopGradient(costs).packed().evaluated()
        self.costs = (byRows, try byRows.swappingAxes(1, 2).packed().evaluated())
        points = (byRows, byRows)
        columns = (byRows, byRows)
        (batch, n, m, d) = (costs.shape[0], costs.shape[1], costs.shape[2], 0)
        cost = .matrix
    }

    private func call(
        _ side: Side, potentials: Tensor, logWeights: Tensor, reads costs: (x: Tensor, y: Tensor)?
    ) throws -> (kernels: SoftMinKernels, inputs: SoftMinKernels.Inputs) {
        let isX = side == .x
        let columns = costs.map { isX ? $0.x : $0.y } ?? (isX ? self.columns.y : self.columns.x)
        let inputs = SoftMinKernels.Inputs(
            points: try (isX ? points.x : points.y).slice(), columns: try columns.slice(), logWeights: try logWeights.slice(),
            potentials: try potentials.slice())
        let kernels = SoftMinKernels(
            batch: batch, n: isX ? n : m, m: isX ? m : n, d: costs == nil ? d : 0, cost: costs == nil ? cost : .matrix)
        return (kernels, inputs)
    }

    /// The soft minima of one side, and `keep` times that side's own potentials plus `take` times those.
    ///
    /// - Parameters:
    ///   - potentials: Of the other side, float32.
    ///   - logWeights: Of the other side.
    ///   - own: Of this side, which say about where the soft minima are: those are found faster near them.
    package func callAsFunction(
        _ side: Side, potentials: Tensor, logWeights: Tensor, own: Tensor, epsilon: Double, keep: Double = 0, take: Double = 1
    ) throws -> (soft: Tensor, next: Tensor) {
        let (kernels, inputs) = try call(side, potentials: potentials, logWeights: logWeights, reads: costs)
        let device = points.x.device
        let soft = try Tensor.empty([kernels.batch, kernels.n], dtype: .float32, on: device)
        let next = try Tensor.empty([kernels.batch, kernels.n], dtype: .float32, on: device)
        try kernels(
            inputs, own: own.slice(), epsilon: Float(epsilon), keep: Float(keep), take: Float(take), soft: soft.output(),
            next: next.output(), on: device)
        return (soft, next)
    }

    /// sum_j w_ij dC(x_i, y_j)/dx_i [batch, n, d], w the soft minimum's weights, which sum to 1 for each row; of points.
    package func costGradient(_ side: Side, potentials: Tensor, logWeights: Tensor, epsilon: Double) throws -> Tensor {
        let (kernels, inputs) = try call(side, potentials: potentials, logWeights: logWeights, reads: nil)
        let output = try Tensor.empty([kernels.batch, kernels.n, d], dtype: .float32, on: points.x.device)
        try kernels.costGradient(inputs, epsilon: Float(epsilon), into: output.output(), on: points.x.device)
        return output
    }
}
