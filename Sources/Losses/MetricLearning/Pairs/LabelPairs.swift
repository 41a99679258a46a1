import LossKitOps

/// Which pairs of a batch with itself, or with references, are of one label.
struct LabelPairs {
    /// True where two different rows have one label, [n, m]; both masks are expressions that take no memory where they are used.
    let isPositive: Tensor
    /// True where labels differ.
    let isNegative: Tensor
    /// Small numbers for the labels, equal where they are.
    let names: [Int]
    let referenceNames: [Int]
    /// The anchors' labels by name, [n, 1], for comparisons.
    let column: Tensor

    /// - Parameter embeddings: [n, d]; checked here.
    init(_ embeddings: Tensor, _ labels: Tensor, references: References? = nil, _ operation: String) throws {
        try requireEmbeddings(embeddings, labels, operation)
        var list: [Int: Int] = [:]
        func named(_ labels: Tensor) throws -> [Int] {
            try labels.array(of: Int.self).map { label in
                let name = list[label] ?? list.count
                list[label] = name
                return name
            }
        }
        names = try named(labels)
        let device = embeddings.device
        // Float32 lets the comparisons run within expressions of it.
        func tensor(_ names: [Int]) throws -> Tensor { try Tensor(names.map { Float($0) }, on: device) }
        column = try tensor(names).expandedDimensions(at: 1)
        if let references {
            try requireEmbeddings(references.embeddings, references.labels, "\(operation) references")
            try requireShape(references.embeddings, [nil, embeddings.shape[1]], "references", operation)
            referenceNames = try named(references.labels)
        } else {
            referenceNames = names
        }
        let row = references == nil ? try column.reshaped([1, names.count]) : try tensor(referenceNames).expandedDimensions(at: 0)
        isNegative = column .!= row
        guard references?.startsWithBatch != false else {
            isPositive = column .== row
            return
        }
        let place = try Tensor.arange(to: Double(names.count), dtype: .float32, on: device).expandedDimensions(at: 1)
        let other = try Tensor.arange(to: Double(referenceNames.count), dtype: .float32, on: device)
        isPositive = (column .== row) .&& (place .!= other)
    }
}

/// Checks a batch of embeddings [n, d] and their labels [n].
func requireEmbeddings(_ embeddings: Tensor, _ labels: Tensor, _ operation: String) throws {
    try requireShape(embeddings, [nil, nil], "embeddings", operation)
    try requireFloatingPoint(embeddings, operation)
    try requireShape(labels, [embeddings.shape[0]], "labels", operation)
    guard !labels.dtype.isFloatingPoint else {
        throw TensorError.dtypeMismatch(operation: operation, expected: "integer labels", actual: [labels.dtype])
    }
}
