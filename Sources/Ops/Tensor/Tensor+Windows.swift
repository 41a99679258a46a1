import LossKitKernels

extension Tensor {
    /// Windows of an axis: it becomes the positions at which a window of `size` elements `dilation` apart starts, every `stride`; a last
    /// axis runs within the window.
    ///
    /// Shares memory: n positions of k elements take no more than the tensor. Gradient: each element's cotangents of all windows it is in,
    /// summed in the order of the places within them.
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for a window longer than the axis, or a size, stride or
    ///   dilation below 1.
    public func slidingWindows(axis: Int, size: Int, stride: Int = 1, dilation: Int = 1) throws -> Tensor {
        let axis = try Shape.axis(axis, rank: try checked().rank, operation: "slidingWindows")
        guard size > 0, stride > 0, dilation > 0,
            case let (reach, isTooFar) = (size - 1).multipliedReportingOverflow(by: dilation), !isTooFar, reach < shape[axis]
        else {
            throw TensorError.invalidArgument(
                operation: "slidingWindows", expected: "a window of at most \(shape[axis]) elements, stride and dilation above 0",
                actual: "size \(size), stride \(stride), dilation \(dilation)")
        }
        var shape = shape
        var strides = strides
        shape[axis] = (shape[axis] - reach - 1) / stride + 1
        shape.append(size)
        _ = try Shape.checkedCount(shape, operation: "slidingWindows")
        // Steps that are never taken might not fit in an Int once multiplied.
        let pace = shape[axis] > 1 ? stride : 1
        strides.append(size > 1 ? strides[axis] * dilation : 0)
        strides[axis] *= pace
        let extent = self.shape[axis]
        return view("slidingWindows", shape: shape, strides: strides) {
            [try $0.cotangent.folded(axis: axis, extent: extent, stride: stride, dilation: dilation)]
        }
    }

    /// Windows along an axis, whose places the last axis counts, added where they overlap: what the derivative of
    /// ``slidingWindows(axis:size:stride:dilation:)`` is.
    private func folded(axis: Int, extent: Int, stride: Int, dilation: Int) throws -> Tensor {
        let size = shape[rank - 1]
        var target = Array(shape.dropLast())
        target[axis] = extent
        let computed: DType = dtype == .float64 ? .float64 : .float32
        let output = try Tensor.empty(target, dtype: computed, on: device)
        let layout = Indexing.Windows(
            outer: target[..<axis].reduce(1, *), extent: extent, inner: target[(axis + 1)...].reduce(1, *), positions: shape[axis],
            size: size, stride: stride, dilation: dilation)
        try Indexing.fold(asType(computed).slice(), layout, into: output.output(), on: device)
        return Self.record("folded", inputs: [self], output: output.asType(dtype)) {
            [try $0.cotangent.slidingWindows(axis: axis, size: size, stride: stride, dilation: dilation)]
        }
    }
}
