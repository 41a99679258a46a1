import LossKitOps

/// Cosine embedding loss: two vectors alike, or not alike beyond a margin.
///
/// `1 - cos(x, y)` where the target is 1, `max(0, cos(x, y) - margin)` where it is -1; a vector of length 0 has cosine 0.
///
/// - Parameters:
///   - x: [n, d].
///   - y: [n, d].
///   - targets: [n], 1 or -1.
///   - margin: In -1...1.
///   - reduction: Over rows.
/// - Throws: Shape and type mismatches; a margin out of range; a target that is neither, naming its row.
/// - Note: PyTorch's `cosine_embedding_loss`.
public func cosineEmbedding(_ x: Tensor, _ y: Tensor, targets: Tensor, margin: Double = 0, reduction: Reduction = .mean) throws -> Tensor {
    try require((-1...1).contains(margin), "cosineEmbedding", "margin in -1...1", margin)
    try requireEqualShapes(x, y, "cosineEmbedding")
    try requireShape(x, [nil, nil], "vectors", "cosineEmbedding")
    try requireFloatingPoint(x, "cosineEmbedding")
    try requireFloatingPoint(y, "cosineEmbedding")
    try requireShape(targets, [x.shape[0]], "targets", "cosineEmbedding")
    for (row, target) in try targets.array(of: Double.self).enumerated() where abs(target) != 1 {
        throw TensorError.invalidArgument(operation: "cosineEmbedding", expected: "targets of 1 or -1", actual: "\(target) in row \(row)")
    }
    let cosine = try (x.inArithmetic().unitRows() * y.inArithmetic().unitRows()).sum(axes: [1])
    let loss = Tensor.select(targets.asType(cosine.dtype) .> 0, 1 - cosine, (cosine - margin).relu())
    return try reduction(loss).asType(x.dtype)
}

extension LossDescription {
    static let cosineEmbeddingLoss = LossDescription(
        "cosineEmbedding", .metricLearning, "Two vectors alike, or not alike beyond a margin",
        reference: "PyTorch, torch.nn.functional.cosine_embedding_loss",
        inputs: [.init("x", ["n", "d"]), .init("y", ["n", "d"]), .init("targets", ["n"], .signs)],
        options: [.number("margin", 0), .reduction]
    ) { try cosineEmbedding($0["x"], $0["y"], targets: $0["targets"], margin: $0.number("margin"), reduction: $0.reduction()) }
}
