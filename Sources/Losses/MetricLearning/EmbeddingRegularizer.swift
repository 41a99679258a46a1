import LossKitOps

/// What keeps embeddings, proxies or class weights in shape beside a metric-learning loss.
///
/// ```swift
/// let loss = try nPairs(embeddings: x, labels: y) + 0.01 * EmbeddingRegularizer.norm()(x)
/// ```
public enum EmbeddingRegularizer: Sendable, Equatable {
    /// The mean of `|x|_p^power` over rows, as `LpRegularizer`.
    case norm(p: Double = 2, power: Double = 1)
    /// The mean of `|sum_k x_k|` over rows, as `ZeroMeanRegularizer`.
    case zeroMean
    /// The mean of `(|w|^2 - mean |w|^2)^2 / 4` over rows, as `CenterInvariantRegularizer`.
    case centerInvariant
    /// The mean over rows of the cosine with the most alike other row, as `RegularFaceRegularizer`.
    case regularFace
    /// Over all pairs of one class's centers `sqrt(2 - 2 cos)`, summed and divided by twice their number, as `SparseCentersRegularizer`;
    /// rows of a class stand together.
    case sparseCenters(perClass: Int)

    /// The penalty of rows [n, d], a scalar; 0 of no rows.
    ///
    /// Gradient: 0 where a norm is 0; the choice of the most alike row is held.
    /// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/dtypeMismatch(operation:expected:actual:)``,
    ///   ``TensorError/invalidArgument(operation:expected:actual:)`` for a norm below 1 or a number of centers that does not divide the
    ///   rows.
    public func callAsFunction(_ rows: Tensor) throws -> Tensor {
        try requireShape(rows, [nil, nil], "rows", "EmbeddingRegularizer")
        try requireFloatingPoint(rows, "EmbeddingRegularizer")
        guard rows.count > 0 else { return try rows.sum() }
        let points = rows.inArithmetic()
        return try penalty(points).asType(rows.dtype)
    }

    private func penalty(_ points: Tensor) throws -> Tensor {
        switch self {
        case .norm(let p, let power): return try points.norm(p, axes: [1]).power(power).mean()
        case .zeroMean: return try points.sum(axes: [1]).absolute().mean()
        case .centerInvariant:
            let squares = try points.square().sum(axes: [1])
            return try (squares - squares.mean()).square().mean() * 0.25
        case .regularFace:
            guard points.shape[0] > 1 else { return try points.constant(0) }
            let units = try points.unitRows()
            let blocks = RowBlocks(rows: units.shape[0], columns: units.shape[0], beside: units)
            return try blocks.joined([units], [units]) { range, rows, columns in
                let cosine = try rows[0].matmul(columns[0].transposed())
                let places = try Tensor.places(range, columns: cosine.shape[1], beside: units)
                let others = Tensor.select(places.column .!= places.row, stopGradient(cosine), try cosine.constant(-2))
                return try cosine.takeAlongAxis(others.argMax(axis: 1, keepDimensions: true), axis: 1)
            }.mean()
        case .sparseCenters(let each):
            let count = points.shape[0]
            try require(each > 1 && count % each == 0, "EmbeddingRegularizer", "at least 2 centers a class, which divide \(count)", each)
            // The root of 2 - 2 cos is the distance of the unit vectors; both orders of each pair, and half of the authors' sum.
            let units = try points.unitRows().reshaped([count / each, each, points.shape[1]])
            return try pairwiseDistance(units, units).sum() / Double(2 * count * (each - 1))
        }
    }
}
