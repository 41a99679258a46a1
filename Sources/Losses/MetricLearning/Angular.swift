import LossKitOps

/// Angular loss: the angle at a negative of the triangle it forms with a positive pair, below a bound.
///
/// Over positive pairs `log(1 + sum_n exp(4 tan^2 alpha (x_a + x_p).x_n - 2 (1 + tan^2 alpha) x_a.x_p))`, of unit vectors. Gradient: a
/// softmax over the negatives.
///
/// - Parameters:
///   - embeddings: [n, d].
///   - labels: [n], integers.
///   - alpha: The bound in degrees, above 0 and at most 70; 36 to 55 in the paper.
///   - reducer: Over positive pairs, both orders of each.
/// - Returns: A scalar; a pair without negatives has loss 0.
/// - Throws: Shape and type mismatches, an angle out of range.
/// - Note: The sums over negatives of all pairs are products of matrices of exponentials, which stay within float32 up to 70 degrees: O(n
///   d) memory, the anchors' blocks beside those of the rows of their classes. `AngularLoss` of pytorch-metric-learning, which leaves the
///   negatives as long as they are. Wang et al., Deep Metric Learning with Angular Loss, 2017.
public func angular(embeddings: Tensor, labels: Tensor, alpha: Double = 40, reducer: Reducer = .mean) throws -> Tensor {
    try require(alpha > 0 && alpha <= 70, "angular", "alpha above 0 and at most 70 degrees", alpha)
    // Rows of one class stand together, so that a block's positives are few rows.
    let given = try BatchLabels(labels, beside: embeddings, "angular").classes
    let places = try Tensor(given.indices.sorted { (given[$0], $0) < (given[$1], $1) }, on: embeddings.device)
    let batch = try BatchLabels(labels.take(places), beside: embeddings, "angular")
    let units = try embeddings.rows(at: places).inArithmetic().unitRows()
    let (names, slope) = (try batch.column(), try units.constant(alpha * .pi / 180).tan().square())
    /// Exponentials of the rows' cosines with their negatives, [b, n].
    @Sendable func weights(_ range: Range<Int>, _ rows: Tensor, _ columns: Tensor) throws -> Tensor {
        let cosine = try rows.matmul(columns.transposed())
        let isNegative = try names.slice(axis: 0, from: range.lowerBound, to: range.upperBound) .!= names.transposed()
        return try Tensor.select(isNegative, (cosine * slope * 4).exp(), cosine.constant(0))
    }
    let blocks = RowBlocks(rows: batch.count, columns: batch.count, beside: units)
    let parts = try blocks.joined([units], [units]) { range, rows, columns in
        let span = batch.span(of: range)
        let own = try weights(range, rows[0], columns[0])
        let members = try columns[0].slice(axis: 0, from: span.lowerBound, to: span.upperBound)
        let inner = RowBlocks(rows: span.count, columns: batch.count, beside: units)
        return try inner.added([members], [columns[0], rows[0], own]) { part, rows, columns in
            let part = span.lowerBound + part.lowerBound..<span.lowerBound + part.upperBound
            let sums = try columns[2].matmul(weights(part, rows[0], columns[0]).transposed())
            let cosine = try columns[1].matmul(rows[0].transposed())
            let isAlone = sums .<= 0
            let logarithm = try Tensor.select(isAlone, cosine.constant(-1e30), Tensor.select(isAlone, cosine.constant(1), sums).log())
            let exponent = logarithm - cosine * (slope + 1) * 2
            return try reducer.parts(exponent.softplus(), where: batch.arePositive(range, part, names))
        }
    }
    return try reducer(parts: parts, weights: reducer.weights(of: batch, beside: parts)).asType(embeddings.dtype)
}

extension BatchLabels {
    /// All rows of the classes of some rows, where classes stand together in order.
    fileprivate func span(of range: Range<Int>) -> Range<Int> {
        guard let first = range.first, let last = range.last else { return range }
        let start = classes[...first].lastIndex { $0 != classes[first] }.map { $0 + 1 } ?? 0
        return start..<(classes[last...].firstIndex { $0 != classes[last] } ?? classes.count)
    }

    /// Where rows of a range and of another share their class of `names` [n, 1] and are not one.
    fileprivate func arePositive(_ range: Range<Int>, _ part: Range<Int>, _ names: Tensor) throws -> Tensor {
        let (own, others) = (
            try names.slice(axis: 0, from: range.lowerBound, to: range.upperBound),
            try names.slice(axis: 0, from: part.lowerBound, to: part.upperBound).transposed()
        )
        let places = try Tensor.places(range, columns: count, beside: names)
        return try (own .== others) .&& (places.column .!= places.row.slice(axis: 0, from: part.lowerBound, to: part.upperBound))
    }
}

extension LossDescription {
    static let angularLoss = LossDescription(
        "angular", .metricLearning, "The angle at a negative, below a bound",
        reference: "Wang et al., Deep Metric Learning with Angular Loss, 2017", inputs: Input.labelledBatch,
        options: [.number("alpha", 40), .reducer(.mean)]
    ) { try angular(embeddings: $0["embeddings"], labels: $0["labels"], alpha: $0.number("alpha"), reducer: $0.reducer()) }
}
