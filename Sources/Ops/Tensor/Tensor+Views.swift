import LossKitKernels

// Views share memory and cost nothing. Reshaping packs only where the elements do not lie in order. Each is linear, so that its derivative
// is the way back and may be differentiated any number of times.

extension Tensor {
    /// A tensor that reads this one's memory in another way, and its derivative.
    func view(
        _ name: StaticString, shape: [Int], strides: [Int], offset: Int? = nil, vjp: @escaping @Sendable (Pullback) throws -> [Tensor?]
    ) -> Tensor {
        let view = Tensor(shape: shape, dtype: dtype, device: device, strides: strides, offset: offset ?? self.offset, storage: storage)
        return Self.record(name, inputs: [self], output: view, vjp: vjp)
    }

    /// The same elements in row-major order under another shape; one extent may be -1, to be worked out.
    ///
    /// Shares memory where the elements lie in order, else packs them.
    /// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` where the shape holds another number of elements.
    public func reshaped(_ shape: [Int]) throws -> Tensor {
        let count = try checked().count
        var target = shape
        if let free = shape.firstIndex(of: -1) {
            let rest = Shape.count(Array(shape[..<free] + shape[(free + 1)...])) ?? 0
            if rest > 0, count % rest == 0 { target[free] = count / rest }
        }
        guard Shape.count(target) == count else {
            throw TensorError.shapeMismatch(
                operation: "reshaped", expected: "a shape of \(count) elements (one may be -1)", actual: [shape])
        }
        if target == self.shape { return self }
        let original = self.shape
        let vjp: @Sendable (Pullback) throws -> [Tensor?] = { [try $0.cotangent.reshaped(original)] }
        if isContiguous { return view("reshaped", shape: target, strides: Shape.rowMajorStrides(target), vjp: vjp) }
        // Axes of extent 1 come and go without a copy.
        var kept = zip(self.shape, strides).filter { $0.0 != 1 }[...]
        if kept.map(\.0) == target.filter({ $0 != 1 }) {
            return view("reshaped", shape: target, strides: target.map { $0 == 1 ? 0 : kept.removeFirst().1 }, vjp: vjp)
        }
        let packed = packed()
        return Self.record("reshaped", inputs: [self], output: try packed.reshaped(target), vjp: vjp)
    }

    /// All elements along one axis; see ``reshaped(_:)``.
    public func flattened() throws -> Tensor { try reshaped([-1]) }

    /// The axes in another order, as NumPy's `transpose`; reversed where no order is given.
    ///
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` unless each axis is named once.
    public func transposed(_ order: [Int]? = nil) throws -> Tensor {
        let rank = try checked().rank
        let axes = try (order ?? Array((0..<rank).reversed())).map { try Shape.axis($0, rank: rank, operation: "transposed") }
        guard axes.count == rank, Set(axes).count == rank else {
            throw TensorError.invalidArgument(
                operation: "transposed", expected: "each of \(rank) axes once", actual: "\(order ?? [])")
        }
        var inverse = [Int](repeating: 0, count: rank)
        for (position, axis) in axes.enumerated() { inverse[axis] = position }
        let back = inverse
        return view("transposed", shape: axes.map { shape[$0] }, strides: axes.map { strides[$0] }) { [try $0.cotangent.transposed(back)] }
    }

    /// Two axes exchanged.
    ///
    /// - Throws: ``TensorError/invalidAxis(operation:axis:rank:)``.
    public func swappingAxes(_ a: Int, _ b: Int) throws -> Tensor {
        var order = Array(0..<rank)
        order.swapAt(
            try Shape.axis(a, rank: rank, operation: "swappingAxes"), try Shape.axis(b, rank: rank, operation: "swappingAxes"))
        return try transposed(order)
    }

    /// Part of one axis: every `step`th index of a range; a negative step walks the same range backwards, from its last index on.
    ///
    /// Negative bounds count from the end. Gradient: the cotangent in its place among zeros.
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for a range beyond the axis (nothing is clipped) or a step of
    ///   0, ``TensorError/invalidAxis(operation:axis:rank:)``.
    ///
    /// ```swift
    /// let everyOther = try x.slice(axis: 1, from: 1, to: -1, step: 2)  // x[:, 1:-1:2] of NumPy
    /// let backwards = try x.slice(axis: 0, step: -1)                   // x[::-1]
    /// ```
    public func slice(axis: Int, from start: Int = 0, to end: Int? = nil, step: Int = 1) throws -> Tensor {
        let axis = try Shape.axis(axis, rank: try checked().rank, operation: "slice")
        let extent = shape[axis]
        let (first, last) = (start < 0 ? start + extent : start, end.map { $0 < 0 ? $0 + extent : $0 } ?? extent)
        guard step != 0, first >= 0, first <= extent, last >= 0, last <= extent else {
            throw TensorError.invalidArgument(
                operation: "slice", expected: "a range within 0..<\(extent) and a step other than 0",
                actual: "\(start)..<\(end.map(String.init) ?? "end") by \(step)")
        }
        let length = Swift.max(0, last - first)
        let count = length == 0 ? 0 : (length - 1) / Int(clamping: step.magnitude) + 1
        // A step beyond the range is never taken, and might not fit in an Int once multiplied.
        let pace = count > 1 ? step : step.signum()
        var shape = shape
        var strides = strides
        shape[axis] = count
        strides[axis] *= pace
        let begin = step > 0 ? first : Swift.max(last - 1, 0)
        let lowest = count == 0 ? 0 : step > 0 ? first : begin + (count - 1) * pace
        let original = self.shape
        return view("slice", shape: shape, strides: strides, offset: offset + begin * self.strides[axis]) { pullback in
            [
                try pullback.cotangent.placed(
                    inShape: original, axis: axis, first: lowest, step: Swift.abs(pace), isReversed: step < 0)
            ]
        }
    }

    /// A range of rows (entries of the first axis); one beyond them gives a tensor that carries the error.
    public subscript(rows: Range<Int>) -> Tensor {
        do {
            return try slice(axis: 0, from: rows.lowerBound, to: rows.upperBound)
        } catch {
            return .failed(error)
        }
    }

    /// One entry of the first axis, which is gone; a negative index counts from the end. An index beyond the axis gives a tensor that
    /// carries
    /// the error.
    public subscript(index: Int) -> Tensor {
        do {
            let position = index < 0 && rank > 0 ? index + shape[0] : index
            guard try checked().rank > 0, position >= 0, position < shape[0] else {
                throw TensorError.indexOutOfRange(operation: "subscript", position: 0, index: index, bound: shape.first ?? 0)
            }
            return try slice(axis: 0, from: position, to: position + 1).squeezed(axes: [0])
        } catch {
            return .failed(error)
        }
    }

    /// The order along the given axes reversed; along all where none are named.
    ///
    /// - Throws: ``TensorError/invalidAxis(operation:axis:rank:)``, also for an axis named twice.
    public func flipped(axes: [Int]? = nil) throws -> Tensor {
        try Shape.axes(axes, rank: try checked().rank, operation: "flipped").reduce(self) { try $0.slice(axis: $1, step: -1) }
    }

    /// The tensor read as if it had a larger shape: extents of 1 and missing leading axes are repeated.
    ///
    /// Gradient: summed over what was repeated.
    /// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` where the shape is not one that this tensor's broadcasts to.
    public func broadcast(to shape: [Int]) throws -> Tensor {
        guard try checked().rank <= shape.count, Shape.broadcast(self.shape, shape) == shape else {
            throw TensorError.shapeMismatch(operation: "broadcast", expected: "a shape that \(self.shape) broadcasts to", actual: [shape])
        }
        _ = try Shape.checkedCount(shape, operation: "broadcast")
        if shape == self.shape { return self }
        return view("broadcast", shape: shape, strides: Shape.broadcastStrides(self.shape, strides, to: shape)) { [self] in
            [try $0.cotangent.summed(toShapeOf: self)]
        }
    }

    /// A new axis of extent 1 before `axis` (negative: counted from the end of the result).
    ///
    /// - Throws: ``TensorError/invalidAxis(operation:axis:rank:)``.
    public func expandedDimensions(at axis: Int) throws -> Tensor {
        let axis = try Shape.axis(axis, rank: try checked().rank + 1, operation: "expandedDimensions")
        var shape = shape
        shape.insert(1, at: axis)
        var strides = strides
        strides.insert(0, at: axis)
        return view("expandedDimensions", shape: shape, strides: strides) { [try $0.cotangent.squeezed(axes: [axis])] }
    }

    /// Without the given axes of extent 1, or without all of them.
    ///
    /// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` for an axis of another extent,
    ///   ``TensorError/invalidAxis(operation:axis:rank:)``.
    public func squeezed(axes: [Int]? = nil) throws -> Tensor {
        let dropped =
            try axes.map { try Shape.axes($0, rank: try checked().rank, operation: "squeezed") } ?? shape.indices.filter { shape[$0] == 1 }
        guard dropped.allSatisfy({ shape[$0] == 1 }) else {
            throw TensorError.shapeMismatch(operation: "squeezed", expected: "extent 1 along axes \(dropped)", actual: [shape])
        }
        let kept = shape.indices.filter { !dropped.contains($0) }
        let original = shape
        return view("squeezed", shape: kept.map { shape[$0] }, strides: kept.map { strides[$0] }) { [try $0.cotangent.reshaped(original)] }
    }

    /// The diagonal of two axes, in place of the first; the second is gone.
    ///
    /// Gradient: the cotangent on the diagonal among zeros.
    /// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` unless the two have one extent.
    public func diagonal(_ a: Int = -2, _ b: Int = -1) throws -> Tensor {
        let first = try Shape.axis(a, rank: try checked().rank, operation: "diagonal")
        let second = try Shape.axis(b, rank: rank, operation: "diagonal")
        guard first != second, shape[first] == shape[second] else {
            throw TensorError.shapeMismatch(operation: "diagonal", expected: "equal extents along axes \(a) and \(b)", actual: [shape])
        }
        var shape = shape
        var strides = strides
        strides[first] += strides[second]
        shape.remove(at: second)
        strides.remove(at: second)
        let extent = self.shape[first]
        return view("diagonal", shape: shape, strides: strides) { pullback in
            // Back in its place: the cotangent times the identity.
            let cotangent = pullback.cotangent
            var mask = [Int](repeating: 1, count: cotangent.rank + 1)
            (mask[first], mask[second]) = (extent, extent)
            let identity = try Tensor.eye(extent, dtype: cotangent.dtype, on: cotangent.device).reshaped(mask)
            return [try cotangent.expandedDimensions(at: second) * identity]
        }
    }
}
