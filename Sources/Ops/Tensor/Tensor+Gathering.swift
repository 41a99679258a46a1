import LossKitKernels

extension Tensor {
    /// Elements along an axis by index: `out[.., i, ..] = self[.., indices[.., i, ..], ..]`, as NumPy's `take_along_axis` and PyTorch's
    /// `gather`.
    ///
    /// Gradient: elements that are taken more than once get the sum of their cotangents. Twice differentiable.
    /// - Parameter indices: Integers of this tensor's rank, equal extents but along the axis; negative ones count from the end.
    /// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` (on an OpenCL device whatever reads the result does),
    ///   ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/dtypeMismatch(operation:expected:actual:)``.
    public func takeAlongAxis(_ indices: Tensor, axis: Int) throws -> Tensor {
        let axis = try Shape.axis(axis, rank: try checked().rank, operation: "takeAlongAxis")
        return try gatheredAlong(places(indices, axis: axis, operation: "takeAlongAxis"), axis: axis)
    }

    /// This tensor with `values` added at indices along an axis; what falls on one element is summed in order.
    ///
    /// Gradient: the cotangent itself for this tensor, its elements at the indices for the values. Twice differentiable.
    /// - Parameters:
    ///   - values: The indices' shape.
    ///   - indices: As for ``takeAlongAxis(_:axis:)``.
    /// - Throws: As ``takeAlongAxis(_:axis:)``.
    public func scatterAdd(_ values: Tensor, at indices: Tensor, axis: Int) throws -> Tensor {
        guard try values.checked().shape == indices.checked().shape else {
            throw TensorError.shapeMismatch(
                operation: "scatterAdd", expected: "values of the indices' shape", actual: [values.shape, indices.shape])
        }
        let axis = try Shape.axis(axis, rank: try checked().rank, operation: "scatterAdd")
        guard values.device == device else {
            throw TensorError.deviceMismatch(operation: "scatterAdd", devices: ["\(device)", "\(values.device)"])
        }
        return try (self + values.summedAlong(places(indices, axis: axis, operation: "scatterAdd"), axis: axis, shape: shape)).checked()
    }

    /// Whole slices along an axis by indices of any shape, which takes the axis's place, as NumPy's `take`.
    ///
    /// Gradient: slices that are taken more than once get the sum of their cotangents. Twice differentiable.
    /// - Parameter indices: Integers; negative ones count from the end.
    /// - Throws: As ``rows(at:)``.
    public func take(_ indices: Tensor, axis: Int = 0) throws -> Tensor {
        let axis = try Shape.axis(axis, rank: try checked().rank, operation: "take")
        let others = shape.indices.filter { $0 != axis }
        let front = axis == 0 ? self : try transposed([axis] + others)
        let taken = try front.rows(at: indices.checked().flattened(), operation: "take").reshaped(indices.shape + others.map { shape[$0] })
        guard axis > 0 else { return taken }
        let places = Array(0..<indices.rank)
        let rest = others.indices.map { indices.rank + $0 }
        return try taken.transposed(rest[..<axis] + places + rest[axis...])
    }

    /// Checked indices that select along an axis.
    private func places(_ indices: Tensor, axis: Int, operation: String) throws -> Tensor {
        var expected = shape
        if try indices.checked().rank == rank { expected[axis] = indices.shape[axis] }
        guard indices.shape == expected else {
            throw TensorError.shapeMismatch(
                operation: operation, expected: "indices of shape \(expected) but along axis \(axis)", actual: [indices.shape])
        }
        return try indices.checkedIndices(bound: shape[axis], operation: operation, on: device)
    }

    /// Elements along an axis by int64 indices that are known to be in range and, where `isDistinct`, to name no element twice.
    package func gatheredAlong(_ places: Tensor, axis: Int, isDistinct: Bool = false) throws -> Tensor {
        let output = try Tensor.empty(places.shape, dtype: dtype, on: device)
        try Indexing.gather(
            slice(), places.slice(), .elements(along: axis, of: shape, extent: places.shape[axis]), into: output.output(), on: device)
        return Self.record("takeAlongAxis", inputs: [self], output: output) { [shape] pullback in
            let cotangent = pullback.cotangent
            return [
                isDistinct
                    ? try cotangent.scatteredAlong(places, axis: axis, shape: shape)
                    : try cotangent.summedAlong(places, axis: axis, shape: shape)
            ]
        }
    }

    /// Elements put along an axis of a tensor of zeros, at indices that name no element twice.
    private func scatteredAlong(_ places: Tensor, axis: Int, shape: [Int]) throws -> Tensor {
        let output = try Tensor.zeros(shape, dtype: dtype, on: device).evaluated()
        try Indexing.scatter(
            slice(), places.slice(), .elements(along: axis, of: shape, extent: places.shape[axis]), into: output.output(), on: device)
        return Self.record("scattered", inputs: [self], output: output) {
            [try $0.cotangent.gatheredAlong(places, axis: axis, isDistinct: true)]
        }
    }

    /// Elements added along an axis of a tensor of zeros.
    private func summedAlong(_ places: Tensor, axis: Int, shape: [Int]) throws -> Tensor {
        let (rows, inner) = (shape[..<axis].reduce(1, *), shape[(axis + 1)...].reduce(1, *))
        let lines = try places.reshaped([rows, places.shape[axis], inner])
        let row = try Tensor.arange(to: Double(rows), on: device).reshaped([rows, 1, 1])
        let column = try Tensor.arange(to: Double(inner), on: device)
        let flat: Tensor = ((row * shape[axis]) + lines) * inner + column
        return try flattened().rowsSummed(at: flat.flattened(), bound: shape.reduce(1, *)).reshaped(shape)
    }
}
