import LossKitKernels

extension Tensor {
    /// The elements at every `step`th index from `first` on along one axis of a larger tensor, zeros elsewhere: what a slice's derivative
    /// is.
    func placed(inShape shape: [Int], axis: Int, first: Int, step: Int = 1, isReversed: Bool = false) throws -> Tensor {
        let output = try Tensor.zeros(shape, dtype: dtype, on: device).evaluated()
        var strides = Shape.rowMajorStrides(shape)
        let start = first * strides[axis]
        strides[axis] *= step
        let ordered = isReversed ? try slice(axis: axis, step: -1) : self
        try Indexing.place(
            ordered.slice(), shape: self.shape, into: output.output().advanced(by: start), strides: strides, on: device)
        let count = self.shape[axis]
        return Self.record("placed", inputs: [self], output: output) { pullback in
            let cut = try pullback.cotangent.slice(
                axis: axis, from: first, to: Swift.max(first, first + (count - 1) * step + 1), step: step)
            return [isReversed ? try cut.slice(axis: axis, step: -1) : cut]
        }
    }

    /// Tensors joined along an axis; their types are promoted to a common one.
    ///
    /// Gradient: each gets its part of the cotangent.
    /// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` unless all have one rank and equal extents but along the axis,
    ///   ``TensorError/deviceMismatch(operation:devices:)``, ``TensorError/invalidArgument(operation:expected:actual:)`` for no tensors.
    public static func concatenate(_ tensors: [Tensor], axis: Int = 0) throws -> Tensor {
        guard let first = try tensors.first?.checked() else {
            throw TensorError.invalidArgument(operation: "concatenate", expected: "at least one tensor", actual: "none")
        }
        let axis = try Shape.axis(axis, rank: first.rank, operation: "concatenate")
        var shape = first.shape
        shape[axis] = 0
        for tensor in tensors {
            var rest = try tensor.checked().shape
            guard rest.count == shape.count else {
                throw TensorError.shapeMismatch(operation: "concatenate", expected: "equal ranks", actual: tensors.map(\.shape))
            }
            let (extent, isTooLong) = shape[axis].addingReportingOverflow(rest[axis])
            shape[axis] = extent
            rest[axis] = extent
            guard rest == shape, !isTooLong else {
                throw TensorError.shapeMismatch(
                    operation: "concatenate", expected: "equal extents but along axis \(axis)", actual: tensors.map(\.shape))
            }
            guard tensor.device == first.device else {
                throw TensorError.deviceMismatch(operation: "concatenate", devices: tensors.map { "\($0.device)" })
            }
        }
        let dtype = tensors.reduce(first.dtype) { DType.promoted($0, $1.dtype) }
        let output = try Tensor.empty(shape, dtype: dtype, on: first.device)
        let strides = Shape.rowMajorStrides(shape)
        var starts: [Int] = []
        var start = 0
        for tensor in tensors {
            starts.append(start)
            try Indexing.place(
                tensor.asType(dtype).slice(), shape: tensor.shape, into: output.output().advanced(by: start * strides[axis]),
                strides: strides, on: first.device)
            start += tensor.shape[axis]
        }
        let (extents, dtypes, places) = (tensors.map { $0.shape[axis] }, tensors.map(\.dtype), starts)
        return record("concatenate", inputs: tensors, output: output) { pullback in
            try extents.indices.map { index in
                guard pullback.isNeeded[index] else { return nil }
                return try pullback.cotangent.slice(axis: axis, from: places[index], to: places[index] + extents[index]).asType(
                    dtypes[index])
            }
        }
    }

    /// Tensors of one shape joined along a new axis; see ``concatenate(_:axis:)``.
    ///
    /// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` for unlike shapes.
    public static func stack(_ tensors: [Tensor], axis: Int = 0) throws -> Tensor {
        guard tensors.allSatisfy({ $0.shape == tensors[0].shape }) else {
            throw TensorError.shapeMismatch(operation: "stack", expected: "equal shapes", actual: tensors.map(\.shape))
        }
        return try concatenate(tensors.map { try $0.expandedDimensions(at: axis) }, axis: axis)
    }

    /// Parts of given extents along an axis, which share memory with the whole.
    ///
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` unless the extents add up to the axis's.
    public func split(_ extents: [Int], axis: Int = 0) throws -> [Tensor] {
        let axis = try Shape.axis(axis, rank: try checked().rank, operation: "split")
        var rest = shape[axis]
        for extent in extents where extent >= 0 && rest >= 0 { rest -= extent }
        guard rest == 0, extents.allSatisfy({ $0 >= 0 }) else {
            throw TensorError.invalidArgument(
                operation: "split", expected: "extents that add up to \(shape[axis])", actual: "\(extents)")
        }
        var start = 0
        return try extents.map { extent in
            defer { start += extent }
            return try slice(axis: axis, from: start, to: start + extent)
        }
    }

    /// The tensor with `before` and `after` more elements of a constant along an axis.
    ///
    /// Gradient: the cotangent's part between.
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for negative counts.
    public func padded(axis: Int, before: Int = 0, after: Int = 0, with value: Double = 0) throws -> Tensor {
        let axis = try Shape.axis(axis, rank: try checked().rank, operation: "padded")
        guard before >= 0, after >= 0 else {
            throw TensorError.invalidArgument(operation: "padded", expected: "counts >= 0", actual: "\(before), \(after)")
        }
        func block(_ extent: Int) throws -> Tensor {
            var shape = shape
            shape[axis] = extent
            return try .full(shape, value, dtype: dtype, on: device)
        }
        return try .concatenate([block(before), self, block(after)], axis: axis)
    }
}
