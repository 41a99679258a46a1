import LossKitKernels

extension Tensor {
    /// Whether kernels by rows take this tensor along an axis: the last one, in a type that is computed in float32.
    private func hasRows(along axis: Int) -> Bool {
        dtype.isFloatingPoint && dtype != .float64 && axis == rank - 1 && shape[axis] > 0
    }

    private var rowCount: Int { shape.dropLast().reduce(1, *) }

    /// log sum exp along the last axis in one launch, and one for its derivative; nil where only the operations it is made of will do.
    func fusedLogSumExp(axes: [Int], keepDimensions: Bool) throws -> Tensor? {
        guard axes.count == 1, hasRows(along: axes[0]) else { return nil }
        let rows = try reshaped([rowCount, shape[axes[0]]])
        let result = try rowCrossEntropy(logits: rows, targets: .none).logPartition.asType(dtype)
        return try result.reshaped(Shape.reduced(shape, axes: axes, keepDimensions: keepDimensions))
    }

    /// Softmax or its logarithm along the last axis in one launch, and one for its derivative.
    func fusedSoftmax(axis: Int, isLogarithm: Bool) throws -> Tensor? {
        guard hasRows(along: axis) else { return nil }
        let output = try Tensor.empty(shape, dtype: dtype, on: device)
        let kernel = Softmax(rows: rowCount, classes: shape[axis], type: dtype, isLogarithm: isLogarithm)
        try kernel.forward(slice(), into: output.output(), on: device)
        return Self.record("softmax", inputs: [self], output: output, savingOutput: true) { [self] pullback in
            let (result, cotangent) = (pullback.outputs[0], pullback.cotangent)
            if Self.records([result, cotangent]) {
                if isLogarithm { return [cotangent - result.exp() * (try cotangent.sum(axes: [axis], keepDimensions: true))] }
                return [result * (cotangent - (try (cotangent * result).sum(axes: [axis], keepDimensions: true)))]
            }
            let gradient = try Tensor.empty(shape, dtype: dtype, on: device)
            try kernel.backward(result.slice(), cotangent: cotangent.asType(dtype).slice(), into: gradient.output(), on: device)
            return [gradient]
        }
    }
}
