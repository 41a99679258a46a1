import LossKitDevice
import LossKitKernels

extension Tensor {
    /// Rows (entries of the first axis) by a list of indices; negative ones count from the end.
    ///
    /// Gradient: rows that are taken more than once get the sum of their cotangents, in the list's order. Twice differentiable.
    /// - Parameter indices: Integers [k], on any device.
    /// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)``; on an OpenCL device, which checks the indices itself,
    ///   whatever
    ///   reads the result throws it. ``TensorError/shapeMismatch(operation:expected:actual:)`` unless the indices are a list,
    ///   ``TensorError/dtypeMismatch(operation:expected:actual:)`` unless they are integers.
    public func rows(at indices: Tensor) throws -> Tensor {
        try rows(at: indices, operation: "rows")
    }

    func rows(at indices: Tensor, operation: String) throws -> Tensor {
        guard try checked().rank > 0, try indices.checked().rank == 1 else {
            throw TensorError.shapeMismatch(
                operation: operation, expected: "a tensor of rank 1 or more and a list of indices", actual: [shape, indices.shape])
        }
        return try gatheredRows(indices.checkedIndices(bound: shape[0], operation: operation, on: device))
    }

    /// Rows by int64 indices that are known to be in range.
    func gatheredRows(_ list: Tensor) throws -> Tensor {
        let (count, bound, width) = (list.count, shape[0], shape.dropFirst().reduce(1, *))
        let output = try Tensor.empty([count] + shape.dropFirst(), dtype: dtype, on: device)
        try Indexing.gather(slice(), list.slice(), .rows(count, of: bound, width: width), into: output.output(), on: device)
        return Self.record("rows", inputs: [self], output: output) { [try $0.cotangent.rowsSummed(at: list, bound: bound)] }
    }

    /// `bound` rows, each the sum of this tensor's rows whose index names it: what a gather's derivative is.
    ///
    /// Floating point is summed in float32 or float64 in the order of the rows, integers in int64.
    func rowsSummed(at list: Tensor, bound: Int) throws -> Tensor {
        let computed = dtype.rowArithmetic
        let starts = try Tensor.empty([bound + 1], dtype: .int64, on: device)
        let order = try Tensor.empty([list.count], dtype: .int32, on: device)
        try Indexing.group(list.slice(), count: list.count, bound: bound, starts: starts.output(), order: order.output(), on: device)
        let output = try Tensor.empty([bound] + shape.dropFirst(), dtype: computed, on: device)
        try Indexing.sumRows(
            asType(computed).slice(), dtype: computed, starts: starts.slice(), order: order.slice(), rows: bound,
            width: shape.dropFirst().reduce(1, *), into: output.output(), on: device)
        return Self.record("rowsSummed", inputs: [self], output: output.asType(dtype)) { [try $0.cotangent.gatheredRows(list)] }
    }

    /// These indices on a device as int64, counted from the front and within 0..<`bound`.
    ///
    /// Throws for one that is not on the CPU; on an OpenCL device whatever reads a value that depends on them does.
    func checkedIndices(bound: Int, operation: String, on device: Device) throws -> Tensor {
        guard try !checked().dtype.isFloatingPoint, dtype != .bool else {
            throw TensorError.dtypeMismatch(operation: operation, expected: "integer indices", actual: [dtype])
        }
        let given = try stopGradient(self).to(device).asType(.int64)
        let problem: @Sendable (Int, Int) -> any Error = {
            TensorError.indexOutOfRange(operation: operation, position: $0, index: $1, bound: bound)
        }
        if bound == 0, count > 0 { throw problem(0, try given.flattened()[0].array(of: Int.self)[0]) }
        let places = try Tensor.empty(shape, dtype: .int64, on: device)
        try Indexing.place(
            indices: given.slice(), count: count, in: -bound..<bound, into: places.output(), on: device, problem: problem)
        return places
    }

    /// These class indices as int64, each known to be in 0..<`classes` or the ignored one.
    ///
    /// On the CPU a wrong one is thrown at once. On an OpenCL device, which nobody waits for, whatever reads a value that depends on the result
    /// throws it.
    package func checkedClasses(below classes: Int, ignoring ignored: Int? = nil, operation: String) throws -> Tensor {
        guard try !checked().dtype.isFloatingPoint else {
            throw TensorError.dtypeMismatch(operation: operation, expected: "integer class indices", actual: [dtype])
        }
        let given = stopGradient(self).asType(.int64)
        let places = try Tensor.empty(shape, dtype: .int64, on: device)
        try Indexing.place(
            indices: given.slice(), count: count, in: 0..<classes, ignoring: ignored, into: places.output(), on: device
        ) {
            TensorError.indexOutOfRange(operation: operation, position: $0, index: $1, bound: classes)
        }
        return places
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
