import LossKitKernels

extension Tensor {
    /// The position of the largest element along an axis (of all elements where none is named), int64: the first of equals, the first NaN
    /// where there is one.
    ///
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` where there is no element.
    public func argMax(axis: Int? = nil, keepDimensions: Bool = false) throws -> Tensor {
        try argExtremum("argMax", axis: axis, keepDimensions: keepDimensions, isMinimum: false)
    }

    /// The position of the smallest element along an axis; see ``argMax(axis:keepDimensions:)``.
    public func argMin(axis: Int? = nil, keepDimensions: Bool = false) throws -> Tensor {
        try argExtremum("argMin", axis: axis, keepDimensions: keepDimensions, isMinimum: true)
    }

    private func argExtremum(_ operation: String, axis: Int?, keepDimensions: Bool, isMinimum: Bool) throws -> Tensor {
        let source = stopGradient(axis == nil ? try checked().flattened() : try checked())
        let axis = try Shape.axis(axis ?? 0, rank: source.rank, operation: operation)
        let (last, extent) = (source.rank - 1, source.shape[axis])
        guard extent > 0 else {
            throw TensorError.invalidArgument(
                operation: operation, expected: "at least one element along axis \(axis)", actual: "shape \(shape)")
        }
        let computed = dtype.rowArithmetic
        let rows = try source.asType(computed).swappingAxes(axis, last)
        let output = try Tensor.empty(rows.shape.dropLast() + [1], dtype: .int64, on: device)
        try Scan.extremum(
            rows.slice(), dtype: computed, isMinimum: isMinimum, rows: output.count, length: extent, into: output.output(), on: device)
        let places = try output.swappingAxes(axis, last)
        guard keepDimensions else { return try places.squeezed(axes: [axis]) }
        return rank == source.rank ? places : try places.reshaped([Int](repeating: 1, count: rank))
    }

    /// The order that sorts along an axis, int64: equal elements keep theirs, and NaN comes last either way; -0 equals 0.
    ///
    /// It is the same on every device: they sort by the elements' bits.
    /// - Throws: ``TensorError/invalidAxis(operation:axis:rank:)``, ``DeviceError/invalidLaunch(kernel:problem:)`` for 2^31 elements or
    ///   more
    ///   along the axis.
    public func argSort(axis: Int = -1, descending: Bool = false) throws -> Tensor {
        try order(axis: Shape.axis(axis, rank: try checked().rank, operation: "argSort"), descending: descending)
    }

    private func order(axis: Int, descending: Bool) throws -> Tensor {
        let last = rank - 1
        let moved = try stopGradient(self).swappingAxes(axis, last)
        let output = try Tensor.empty(moved.shape, dtype: .int32, on: device)
        let length = moved.shape[last]
        try Sort.positions(
            moved.slice(), dtype: dtype, rows: length == 0 ? 0 : count / length, length: length, descending: descending,
            into: output.output(), on: device)
        return try output.swappingAxes(axis, last).asType(.int64)
    }

    /// The elements in order along an axis; see ``argSort(axis:descending:)``.
    ///
    /// Gradient: each cotangent goes back to where its element came from. Twice differentiable.
    public func sorted(axis: Int = -1, descending: Bool = false) throws -> Tensor {
        let axis = try Shape.axis(axis, rank: try checked().rank, operation: "sorted")
        return try gatheredAlong(order(axis: axis, descending: descending), axis: axis, isDistinct: true)
    }

    /// The k largest (or smallest) elements along an axis, in order, with their int64 positions; of equals the first come first, NaN counts
    /// as
    /// the least wanted.
    ///
    /// Gradient: each value's cotangent goes back to where it came from. Twice differentiable.
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for more elements than there are.
    public func topK(_ k: Int, axis: Int = -1, largest: Bool = true) throws -> (values: Tensor, indices: Tensor) {
        let axis = try Shape.axis(axis, rank: try checked().rank, operation: "topK")
        guard k >= 0, k <= shape[axis] else {
            throw TensorError.invalidArgument(operation: "topK", expected: "k in 0...\(shape[axis])", actual: "\(k)")
        }
        let order = try self.order(axis: axis, descending: largest).slice(axis: axis, from: 0, to: k)
        return (try gatheredAlong(order, axis: axis, isDistinct: true), order)
    }
}
