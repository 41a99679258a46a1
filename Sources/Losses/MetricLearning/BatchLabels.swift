import LossKitOps

/// Labels of a batch, read once: who shares one with whom.
struct BatchLabels {
    /// Integers [n], as the kernels read them.
    let tensor: Tensor
    /// For each row its class, numbered from 0 in order of appearance.
    let classes: [Int]
    /// How many rows each class has.
    let counts: [Int]

    var count: Int { classes.count }

    /// - Throws: ``TensorError`` unless there is one integer for each of the embeddings [n, d].
    init(_ labels: Tensor, beside embeddings: Tensor, _ operation: String) throws {
        try requireFloatingPoint(embeddings, operation)
        try requireShape(embeddings, [nil, nil], "embeddings", operation)
        guard try !labels.checked().dtype.isFloatingPoint else {
            throw TensorError.dtypeMismatch(operation: operation, expected: "integer labels", actual: [labels.dtype])
        }
        try requireShape(labels, [embeddings.shape[0]], "labels", operation)
        var numbers: [Int: Int] = [:]
        var counts: [Int] = []
        classes = try labels.array(of: Int.self).map { label in
            let place = numbers[label] ?? counts.count
            if place == counts.count {
                numbers[label] = place
                counts.append(0)
            }
            counts[place] += 1
            return place
        }
        self.counts = counts
        tensor = try Tensor(classes.map { Int32($0) }, on: embeddings.device)
    }

    /// How many others share each row's label.
    var positives: [Int] { classes.map { counts[$0] - 1 } }

    /// The ordered pairs of rows that share a label, by their first row, as indices.
    func positivePairs() -> (anchors: [Int], positives: [Int]) {
        var members = counts.map { _ in [Int]() }
        for (row, place) in classes.enumerated() { members[place].append(row) }
        var pairs = (anchors: [Int](), positives: [Int]())
        for (row, place) in classes.enumerated() {
            for other in members[place] where other != row {
                pairs.anchors.append(row)
                pairs.positives.append(other)
            }
        }
        return pairs
    }
}

extension Reduction {
    /// Elements of which some count for nothing: the mean divides by how many count, and is 0 where none does though there are some.
    func callAsFunction(_ elements: Tensor, counting number: Int) throws -> Tensor {
        guard self == .mean, elements.count > 0 else { return try self(elements) }
        return try elements.sum() / Double(Swift.max(1, number))
    }
}
