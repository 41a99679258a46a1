import LossKitOps

/// Pairs of a batch of embeddings with itself, or with references: how far apart they are, and which of them count as positive and
/// negative.
struct EmbeddingPairs {
    /// [n, m], larger being farther: distances, or similarities times -1.
    let far: Tensor
    /// 1 for distances, -1 for similarities: what takes a margin in their units to those of `far`.
    let sign: Double
    let isPositive: Tensor
    let isNegative: Tensor
    private let embeddings: Tensor

    init(
        _ embeddings: Tensor, _ labels: Tensor, references: References? = nil, distance: EmbeddingDistance, miner: PairMiner = .all,
        _ operation: String
    ) throws {
        let masks = try BatchLabels(labels, beside: embeddings, references: references, operation).masks()
        far = try distance.separation(embeddings, references?.embeddings)
        sign = distance.sign
        self.embeddings = embeddings
        (isPositive, isNegative) = try miner(stopGradient(far), sign: sign, masks.isPositive, masks.isNegative)
    }

    /// One number of elements, in the embeddings' type.
    func reduce(_ elements: Tensor, where exists: Tensor? = nil, _ reducer: Reducer) throws -> Tensor {
        try reducer(elements, where: exists).asType(embeddings.dtype)
    }
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
