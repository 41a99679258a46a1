import LossKitOps

/// Hard contrastive loss: each row picks its own pair out of its hardest negatives only.
///
/// With `s_ij = x_i . y_j / (|x_i| |y_j|)`: `-log(exp(s_ii / t) / (exp(s_ii / t) + sum_j exp(s_ij / t)))` over the negatives j that are the
/// hardest `fraction` of row i's, the count rounded up; which they are is held still. The fraction 1 is InfoNCE. Gradient to `s_ij`
/// `(P_ij - [i = j]) / t`, P the softmax of those kept. For t near 0 the loss is `max(0, max_j s_ij - s_ii) / t`.
///
/// - Parameters:
///   - first: [n, d], floating point, n >= 2.
///   - second: [n, d]; row i is the positive of row i.
///   - temperature: Above 0.
///   - fraction: In 0...1 without 0.
///   - reduction: Over rows.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: O(n d) memory. Wang and Liu, Understanding the Behaviour of Contrastive Loss, 2021.
public func hardContrastive(
    first: Tensor, second: Tensor, temperature: Double = 0.07, fraction: Double = 0.25, reduction: Reduction = .mean
) throws -> Tensor {
    try requireViews(first, second, rows: 0, "hardContrastive")
    try require(temperature > 0, "hardContrastive", "temperature > 0", temperature)
    try require(fraction > 0 && fraction <= 1, "hardContrastive", "fraction above 0, at most 1", fraction)
    let n = first.shape[0]
    let (x, y) = (try first.inArithmetic().unitRows(), try second.inArithmetic().unitRows())
    guard n > 1 else { return try reduction((x * y).sum(axes: [1]) * 0).asType(first.dtype) }
    // By number rather than by a threshold, which all of several equal ones would pass.
    let kept = Swift.min(n - 1, Int((Double(n - 1) * fraction).rounded(.up)))
    let losses = try RowBlocks(rows: n, columns: n, beside: x).joined([x], [y]) { range, rows, columns in
        let similarity = try rows[0].matmul(columns[0].transposed())
        let places = try Tensor.places(range, columns: n, beside: x)
        let isOwn = places.column .== places.row
        let own = try Tensor.select(isOwn, similarity, similarity.constant(0)).sum(axes: [1], keepDimensions: true)
        let negatives = try Tensor.select(isOwn, similarity.constant(-.infinity), similarity).topK(kept, axis: 1).values
        let first = try Tensor.zeros([range.count], dtype: .int32, on: x.device)
        return try crossEntropy(logits: Tensor.concatenate([own, negatives], axis: 1) / temperature, targets: first, reduction: .none)
    }
    return try reduction(losses).asType(first.dtype)
}

/// How far embeddings are from an even spread over the sphere: `log mean_{i != j} exp(-t |f_i - f_j|^2)` of unit rows [n, d], n >= 2.
///
/// 0 where all coincide, lower the more even. Gradient through all pairs.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Wang and Isola, Understanding Contrastive Representation Learning through Alignment and Uniformity on the Hypersphere, 2020.
public func uniformity(embeddings: Tensor, t: Double = 2) throws -> Tensor {
    try requireViews(embeddings, embeddings, rows: 2, "uniformity")
    let n = embeddings.shape[0]
    let unit = try embeddings.inArithmetic().unitRows()
    let others = try RowBlocks(rows: n, columns: n, beside: unit).joined([unit], [unit]) { range, rows, columns in
        let places = try Tensor.places(range, columns: n, beside: unit)
        let exponents = try pairwiseDistance(rows[0], columns[0], metric: .squaredEuclidean) * -t
        return try Tensor.select(places.column .== places.row, unit.constant(-.infinity), exponents).logSumExp(axes: [1])
    }
    return try (others.logSumExp() - unit.constant(Double(n * (n - 1))).log()).asType(embeddings.dtype)
}

/// How alike embeddings of one class are: the mean of `f_i . f_j` of unit rows over all pairs, counted where labels agree.
///
/// - Parameters:
///   - embeddings: [n, d], floating point.
///   - labels: [n], integers.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``.
/// - Note: Wang and Liu, Understanding the Behaviour of Contrastive Loss, 2021.
public func tolerance(embeddings: Tensor, labels: Tensor) throws -> Tensor {
    try requireViews(embeddings, embeddings, rows: 1, "tolerance")
    try requireShape(labels, [embeddings.shape[0]], "labels", "tolerance")
    let unit = try embeddings.inArithmetic().unitRows()
    // Of a class's rows the products of all pairs add up to the square of their sum.
    let classes = try BatchLabels(labels, beside: embeddings, "tolerance")
    let (sums, _) = try unit.classSums(Tensor(classes.classes, on: unit.device), classes: classes.counts.count)
    let count = Double(embeddings.shape[0])
    return try (sums.square().sum() / (count * count)).asType(embeddings.dtype)
}

extension LossDescription {
    static let hardContrastiveLoss = LossDescription(
        "hardContrastive", .selfSupervised, "InfoNCE over each row's hardest negatives",
        reference: "Wang and Liu, Understanding the Behaviour of Contrastive Loss, 2021",
        inputs: [.init("first", ["n", "d"]), .init("second", ["n", "d"])],
        options: [.number("temperature", 0.07), .number("fraction", 0.25), .reduction],
        catalogue: ["understanding-the-behaviour-of-contrastive-loss"]
    ) {
        try hardContrastive(
            first: $0["first"], second: $0["second"], temperature: $0.number("temperature"), fraction: $0.number("fraction"),
            reduction: $0.reduction())
    }
}
