import LossKitOps

/// Pairs of some anchors of a batch with the whole batch, or with references: how far apart they are, and which of them count as positive
/// and negative.
struct EmbeddingPairs: Sendable {
    /// Which rows of the batch the anchors are.
    let range: Range<Int>
    /// The anchors [b, d] and the others [m, d] as the measure takes them.
    let anchors: Tensor
    let others: Tensor
    /// [b, m], larger being farther: distances, or similarities times -1.
    let far: Tensor
    /// 1 for distances, -1 for similarities: what takes a margin in their units to those of `far`.
    let sign: Double
    var isPositive: Tensor
    var isNegative: Tensor
    /// What a loss has beside: of these anchors, and of all others.
    let ofAnchors: [Tensor]
    let ofOthers: [Tensor]
}

extension Tensor {
    /// log sum exp along an axis, kept with extent 1, of what a mask selects; -1e30 where that is nothing, which neither relu nor softplus
    /// lets through.
    func logSumExp(where mask: Tensor, axis: Int = 1) throws -> Tensor {
        guard shape[axis] > 0 else {
            var row = shape
            row[axis] = 1
            return try .full(row, -1e30, dtype: dtype, on: device)
        }
        return try Tensor.select(mask, self, constant(-1e30)).logSumExp(axes: [axis], keepDimensions: true)
    }
}
