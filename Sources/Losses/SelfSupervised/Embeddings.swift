import LossKitOps

/// Two views' embeddings [n, d] of one shape, floating point, of enough rows.
func requireViews(_ first: Tensor, _ second: Tensor, rows: Int = 1, _ operation: String) throws {
    try requireShape(first, [nil, nil], "embeddings", operation)
    try requireEqualShapes(first, second, operation)
    try requireFloatingPoint(first, operation)
    try requireFloatingPoint(second, operation)
    try require(first.shape[0] >= rows, operation, "at least \(rows) embeddings", first.shape[0])
}

extension Tensor {
    /// Each column less its mean.
    func centredColumns() throws -> Tensor { try self - mean(axes: [-2], keepDimensions: true) }

    /// Each column less its mean, over the root of its variance (over n - `correction`) plus `epsilon`.
    func standardizedColumns(correction: Double, epsilon: Double) throws -> Tensor {
        let apart = try centredColumns()
        // Squares of large numbers would overflow.
        let scale = try apart.magnitude(axes: [-2]).clamped(min: 1)
        let centred = apart / scale
        let variance = try centred.square().sum(axes: [-2], keepDimensions: true) / (Double(shape[rank - 2]) - correction)
        return centred * (variance + (epsilon / scale) / scale).reciprocalSquareRoot()
    }

    /// The sum of the squares of a matrix's elements off its diagonal.
    func offDiagonalSquares() throws -> Tensor {
        let apart = try Tensor.ones(Array(shape.suffix(2)), dtype: dtype, on: device) - .eye(shape[rank - 1], dtype: dtype, on: device)
        return try (self * apart).square().sum(axes: [-2, -1])
    }

    /// `-s_ii + log sum_j exp s_ij` for each i of a range, whose rows [b, m] these are.
    func ownOfRow(in range: Range<Int>) throws -> Tensor {
        let own = try Tensor.arange(Double(range.lowerBound), to: Double(range.upperBound), on: device)
        return try crossEntropy(logits: self, targets: own, reduction: .none)
    }
}
