import LossKitKernels

extension Tensor {
    /// Rows (entries of the first axis) by index; negative indices count from the end.
    ///
    /// The indices are read back and checked before anything runs.
    /// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)``.
    public func rows(at indices: Tensor) throws -> Tensor {
        try rows(at: indices, operation: "rows")
    }

    func rows(at indices: Tensor, operation: String) throws -> Tensor {
        guard try checked().rank > 0, try indices.checked().rank == 1, !indices.dtype.isFloatingPoint else {
            throw TensorError.shapeMismatch(
                operation: operation, expected: "a tensor of rank 1 or more and a list of integers", actual: [shape, indices.shape])
        }
        let bound = shape[0]
        let list = try indices.array(of: Int.self).enumerated().map { position, index in
            let row = index < 0 ? index + bound : index
            guard row >= 0, row < bound else {
                throw TensorError.indexOutOfRange(operation: operation, position: position, index: index, bound: bound)
            }
            return row
        }
        return try gathered(list, bound: bound)
    }

    /// Rows by indices that are known to be in range.
    func gathered(_ list: [Int], bound: Int) throws -> Tensor {
        let output = try Tensor.empty([list.count] + shape.dropFirst(), dtype: dtype, on: device)
        try Indexing.gatherRows(
            slice(), Tensor(list, on: device).slice(), count: list.count, width: shape.dropFirst().reduce(1, *),
            into: output.output(), on: device)
        return Self.record("rows", inputs: [self], output: output) { [try $0.cotangent.rowsSummed(at: list, bound: bound)] }
    }

    /// `bound` rows, each the sum of this tensor's rows whose index names it: what a gather's derivative is.
    func rowsSummed(at list: [Int], bound: Int) throws -> Tensor {
        let indices = RowIndices(list, bound: bound)
        let computed: DType = dtype == .float64 ? .float64 : .float32
        let output = try Tensor.empty([indices.bound] + shape.dropFirst(), dtype: computed, on: device)
        try Indexing.sumRows(
            asType(computed).slice(), starts: Tensor(indices.starts, on: device).slice(), order: Tensor(indices.order, on: device).slice(),
            rows: indices.bound, width: shape.dropFirst().reduce(1, *), into: output.output(), on: device)
        return Self.record("summedRows", inputs: [self], output: output.asType(dtype)) { [try $0.cotangent.gathered(list, bound: bound)] }
    }

    /// A one at each index along a new last axis of extent `classes`, zeros elsewhere; an index outside 0..<classes gives zeros only.
    ///
    /// - Throws: ``TensorError/dtypeMismatch(operation:expected:actual:)`` unless the indices are integers,
    ///   ``TensorError/invalidArgument(operation:expected:actual:)`` for a negative number of classes.
    public func oneHot(classes: Int, dtype: DType = .float32) throws -> Tensor {
        guard try !checked().dtype.isFloatingPoint else {
            throw TensorError.dtypeMismatch(operation: "oneHot", expected: "integer indices", actual: [self.dtype])
        }
        guard classes >= 0 else { throw TensorError.invalidArgument(operation: "oneHot", expected: "classes >= 0", actual: "\(classes)") }
        let list = try Tensor.arange(to: Double(classes), on: device)
        return try (expandedDimensions(at: rank) .== list).asType(dtype)
    }
}

/// Row indices in range, and for each row the positions that name it, in order.
private struct RowIndices: Sendable {
    let bound: Int
    let starts: [Int]
    let order: [Int]

    init(_ list: [Int], bound: Int) {
        self.bound = bound
        var starts = [Int](repeating: 0, count: bound + 1)
        for row in list { starts[row + 1] += 1 }
        for row in 0..<bound { starts[row + 1] += starts[row] }
        var next = starts
        var order = [Int](repeating: 0, count: list.count)
        for (position, row) in list.enumerated() {
            order[next[row]] = position
            next[row] += 1
        }
        self.starts = starts
        self.order = order
    }
}
