import LossKitKernels

/// The matrix product, as NumPy's `matmul`: a vector on either side is taken as a row or column and dropped again; leading axes broadcast.
///
/// Gradient: g b^T and a^T g, summed over the axes that broadcasting added. Twice differentiable.
/// Numerics: 16-bit operands are multiplied in float32 and rounded; float64 stays float64.
/// Memory: transposed and broadcast views are multiplied where they lie; other strided views, among them leading axes whose strides are not
/// those of one batch, are packed first.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/dtypeMismatch(operation:expected:actual:)`` for
///   integers,
///   ``TensorError/deviceMismatch(operation:devices:)``.
public func matmul(_ a: Tensor, _ b: Tensor) throws -> Tensor { try a.matmul(b) }

extension Tensor {
    /// The matrix product with another tensor; see ``matmul(_:_:)``.
    public func matmul(_ other: Tensor) throws -> Tensor {
        guard try checked().rank > 0, try other.checked().rank > 0 else {
            throw TensorError.shapeMismatch(operation: "matmul", expected: "operands of rank 1 or more", actual: [shape, other.shape])
        }
        if rank == 1 { return try expandedDimensions(at: 0).matmul(other).squeezed(axes: [other.rank == 1 ? 0 : -2]) }
        if other.rank == 1 { return try matmul(other.expandedDimensions(at: 1)).squeezed(axes: [-1]) }
        guard shape[rank - 1] == other.shape[other.rank - 2],
            let batch = Shape.broadcast(Array(shape.dropLast(2)), Array(other.shape.dropLast(2)))
        else {
            throw TensorError.shapeMismatch(
                operation: "matmul", expected: "[..., m, k] and [..., k, n] with leading axes that broadcast", actual: [shape, other.shape])
        }
        guard device == other.device else {
            throw TensorError.deviceMismatch(operation: "matmul", devices: ["\(device)", "\(other.device)"])
        }
        let output = DType.promoted(dtype, other.dtype)
        guard output.isFloatingPoint else {
            throw TensorError.dtypeMismatch(operation: "matmul", expected: "floating-point operands", actual: [dtype, other.dtype])
        }
        let product = try Self.product(asType(output), other.asType(output), batch: batch)
        return Self.record("matmul", inputs: [self, other], output: product) { [self] pullback in
            let cotangent = pullback.cotangent
            return [
                pullback.isNeeded[0] ? try cotangent.matmul(other.swappingAxes(-1, -2)).summed(toShapeOf: self) : nil,
                pullback.isNeeded[1] ? try swappingAxes(-1, -2).matmul(cotangent).summed(toShapeOf: other) : nil,
            ]
        }
    }

    private static func product(_ a: Tensor, _ b: Tensor, batch: [Int]) throws -> Tensor {
        let (m, k, n) = (a.shape[a.rank - 2], a.shape[a.rank - 1], b.shape[b.rank - 1])
        let computed: DType = a.dtype == .float64 ? .float64 : .float32
        let result = try Tensor.empty(batch + [m, n], dtype: computed, on: a.device)
        let call = Matmul(batch: batch.reduce(1, *), m: m, n: n, k: k, isDouble: computed == .float64)
        let left = try a.asType(computed).operand(batch: batch, rows: m, columns: k, for: call)
        let right = try b.asType(computed).operand(batch: batch, rows: k, columns: n, for: call)
        try call.run(left, right, into: result.output(), on: a.device)
        return result.asType(a.dtype)
    }

    /// The matrices with one stride for the whole batch, packed only where strides cannot say it.
    private func operand(batch: [Int], rows: Int, columns: Int, for call: Matmul) throws -> MatrixOperand {
        let whole = try broadcast(to: batch + [rows, columns])
        let lead = Array(whole.strides.dropLast(2))
        var step = 0
        var isUniform = true
        var expected: Int?
        for axis in batch.indices.reversed() where batch[axis] != 1 {
            if let expected, lead[axis] != expected { isUniform = false }
            if expected == nil { step = lead[axis] }
            expected = lead[axis] * batch[axis]
        }
        let direct = MatrixOperand(
            slice: try whole.memory(), rowStride: whole.strides[batch.count], columnStride: whole.strides[batch.count + 1],
            batchStride: step)
        if isUniform, call.accepts(direct, rows: rows, columns: columns) { return direct }
        let packed = whole.packed()
        return MatrixOperand(slice: try packed.slice(), rowStride: columns, columnStride: 1, batchStride: rows * columns)
    }
}
