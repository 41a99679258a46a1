import LossKitKernels

extension DType {
    /// What kernels over rows take the type as: float32, float64 or int64.
    var rowArithmetic: DType { !isFloatingPoint ? .int64 : self == .float64 ? .float64 : .float32 }
}

extension Tensor {
    /// Running sums along an axis, as NumPy's `cumsum`; integers and truth values in int64.
    ///
    /// Gradient: the running sums of the cotangent from the other end. Float32 is summed in float64 where the device has it.
    public func cumulativeSum(axis: Int = -1) throws -> Tensor {
        let axis = try Shape.axis(axis, rank: try checked().rank, operation: "cumulativeSum")
        let computed = dtype.rowArithmetic
        let sums = try scanned(.sum, axis: axis, as: computed, into: computed).asType(dtype.isFloatingPoint ? dtype : .int64)
        return Self.record("cumulativeSum", inputs: [self], output: sums) {
            [try $0.cotangent.flipped(axes: [axis]).cumulativeSum(axis: axis).flipped(axes: [axis])]
        }
    }

    /// The running maximum along an axis and where it lies, int64: the first of equals; a NaN is the maximum from then on.
    ///
    /// Gradient: each value's cotangent goes to the element it is. Twice differentiable.
    public func cumulativeMax(axis: Int = -1) throws -> (values: Tensor, indices: Tensor) {
        let axis = try Shape.axis(axis, rank: try checked().rank, operation: "cumulativeMax")
        let computed = dtype.rowArithmetic
        let indices = try scanned(.maximumPosition, axis: axis, as: computed, into: .int64)
        return (try gatheredAlong(indices, axis: axis), indices)
    }

    private func scanned(_ kind: Scan.Kind, axis: Int, as computed: DType, into output: DType) throws -> Tensor {
        let rows = try stopGradient(self).asType(computed).swappingAxes(axis, rank - 1)
        let result = try Tensor.empty(rows.shape, dtype: output, on: device)
        let length = rows.shape[rank - 1]
        try Scan.run(
            kind, rows.slice(), dtype: computed, rows: length == 0 ? 0 : count / length, length: length,
            into: result.output(), on: device)
        return try result.swappingAxes(axis, rank - 1)
    }
}
