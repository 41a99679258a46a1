import LossKitOps

/// InfoNCE: each query should pick out its own key among all keys of the batch.
///
/// With cosine similarities `s_ij = q_i . k_j / (|q_i| |k_j| temperature)`: `-s_ii + log sum_j exp s_ij`, the mean over i.
///
/// - Parameters:
///   - queries: [n, d], floating point.
///   - keys: [n, d]; key i is query i's positive.
///   - temperature: Above 0.
///   - reduction: Over queries.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: O(n d) memory. van den Oord, Li and Vinyals, Representation Learning with Contrastive Predictive Coding, 2018.
public func infoNCE(queries: Tensor, keys: Tensor, temperature: Double = 0.07, reduction: Reduction = .mean) throws -> Tensor {
    try requireEqualShapes(queries, keys, "infoNCE")
    guard queries.rank == 2 else {
        throw TensorError.shapeMismatch(operation: "infoNCE", expected: "queries and keys [n, d]", actual: [queries.shape])
    }
    try requireFloatingPoint(queries, "infoNCE")
    try requireFloatingPoint(keys, "infoNCE")
    try require(temperature > 0, "infoNCE", "temperature > 0", temperature)
    let count = queries.shape[0]
    let blocks = RowBlocks(rows: count, columns: count, beside: queries)
    let losses = try blocks.joined([queries.inArithmetic().unitRows()], [keys.inArithmetic().unitRows()]) { range, rows, columns in
        try (rows[0].matmul(columns[0].transposed()) / temperature).ownOfRow(in: range)
    }
    return try reduction(losses).asType(Tensor.commonSample(queries, keys).dtype)
}

extension LossDescription {
    static let infoNCELoss = LossDescription(
        "infoNCE", .metricLearning, "Each query picks its own key out of the batch",
        reference: "van den Oord, Li and Vinyals, Representation Learning with Contrastive Predictive Coding, 2018",
        inputs: [.init("queries", ["n", "d"]), .init("keys", ["n", "d"])], options: [.number("temperature", 0.07), .reduction]
    ) { try infoNCE(queries: $0["queries"], keys: $0["keys"], temperature: $0.number("temperature"), reduction: $0.reduction()) }
}
