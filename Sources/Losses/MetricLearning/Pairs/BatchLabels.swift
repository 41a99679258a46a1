import LossKitOps

/// Labels of a batch of embeddings, or of references beside it, read once: who shares one with whom.
struct BatchLabels: Sendable {
    /// The rows' labels as they are given.
    let names: [Int]
    /// For each row its class, numbered from 0 in order of appearance.
    let classes: [Int]
    /// The same of what the batch is compared with: itself, or references.
    let referenceClasses: [Int]
    /// How many of the references each class has.
    let counts: [Int]
    /// Whether reference i is row i itself.
    let excludesSelf: Bool
    private let embeddings: Tensor

    var count: Int { classes.count }

    /// - Throws: ``TensorError`` unless there is one integer for each of the embeddings [n, d].
    init(_ labels: Tensor, beside embeddings: Tensor, references: References? = nil, _ operation: String) throws {
        var numbers: [Int: Int] = [:]
        func read(_ labels: Tensor, _ embeddings: Tensor, width: Int?, _ operation: String) throws -> [Int] {
            try requireShape(embeddings, [nil, width], "embeddings", operation)
            try requireFloatingPoint(embeddings, operation)
            try requireShape(labels, [embeddings.shape[0]], "labels", operation)
            guard !labels.dtype.isFloatingPoint else {
                throw TensorError.dtypeMismatch(operation: operation, expected: "integer labels", actual: [labels.dtype])
            }
            return try labels.array(of: Int.self)
        }
        func numbered(_ label: Int) -> Int {
            let number = numbers[label] ?? numbers.count
            numbers[label] = number
            return number
        }
        names = try read(labels, embeddings, width: nil, operation)
        classes = names.map(numbered)
        referenceClasses =
            try references.map { try read($0.labels, $0.embeddings, width: embeddings.shape[1], "\(operation) references").map(numbered) }
            ?? classes
        counts = referenceClasses.reduce(into: [Int](repeating: 0, count: numbers.count)) { $0[$1] += 1 }
        excludesSelf = references?.startsWithBatch ?? true
        self.embeddings = embeddings
    }

    /// The classes as the kernels read them.
    func tensor() throws -> Tensor { try Tensor(classes.map { Int32($0) }, on: embeddings.device) }

    /// How many references share each row's label.
    var positives: [Int] { classes.map { counts[$0] - (excludesSelf ? 1 : 0) } }

    /// How many pairs of rows and references share a label, and how many do not.
    var pairCounts: (positives: Int, negatives: Int) {
        let same = classes.reduce(0) { $0 + counts[$1] }
        return (same - (excludesSelf ? classes.count : 0), classes.count * referenceClasses.count - same)
    }

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

    /// The rows' classes [n, 1] for comparisons; in float32 these run within expressions of it.
    func column() throws -> Tensor { try Tensor(classes.map { Float($0) }, on: embeddings.device).expandedDimensions(at: 1) }
}

extension Reduction {
    /// Elements of which some count for nothing: the mean divides by how many count, and is 0 where none does though there are some.
    func callAsFunction(_ elements: Tensor, counting number: Int) throws -> Tensor {
        guard self == .mean, elements.count > 0 else { return try self(elements) }
        return try elements.sum() / Double(Swift.max(1, number))
    }
}
