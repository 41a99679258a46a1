import CLossKitOpenCL

/// CLBlast, found at run time: matrix products on GPUs.
package enum CLBlast {
    static let functions: losskit_clblast? = losskit_clblast_load()?.pointee

    /// Whether it is installed.
    package static var isAvailable: Bool { functions != nil }
}

/// One operand of a batch of row-major matrix products: `leadingDimension` elements from row to row, `batchStride` from matrix to matrix.
package struct MatrixSlice: Sendable {
    package var slice: BufferSlice
    package var leadingDimension: Int
    package var batchStride: Int
    package var isTransposed: Bool

    package init(_ slice: BufferSlice, leadingDimension: Int, batchStride: Int = 0, isTransposed: Bool = false) {
        self.slice = slice
        self.leadingDimension = leadingDimension
        self.batchStride = batchStride
        self.isTransposed = isTransposed
    }

    fileprivate var order: Int32 { Int32(isTransposed ? losskit_transpose : losskit_no_transpose) }
}

extension OpenCLEncoder {
    /// Queues C = A B for `batch` pairs of float32 (or float64, by the slices' element size) matrices, by CLBlast.
    ///
    /// - Throws: ``DeviceError/libraryMissing(library:operation:remedy:)`` where CLBlast is not installed.
    package func multiply(_ a: MatrixSlice, _ b: MatrixSlice, into c: MatrixSlice, m: Int, n: Int, k: Int, batch: Int = 1) throws {
        guard let functions = CLBlast.functions else {
            throw DeviceError.libraryMissing(library: "CLBlast", operation: "a matrix product", remedy: "apt-get install libclblast-dev")
        }
        guard let x = a.slice.buffer.object, let y = b.slice.buffer.object, let z = c.slice.buffer.object, m > 0, n > 0, k > 0, batch > 0
        else { return }
        let (left, right, result) = (UnsafeMutableRawPointer(x), UnsafeMutableRawPointer(y), UnsafeMutableRawPointer(z))
        let order = Int32(losskit_row_major)
        try stream.enqueue(batch == 1 ? "CLBlast gemm" : "CLBlast gemmStridedBatched") { queue in
            var queue = UnsafeMutableRawPointer(queue)
            switch (c.slice.elementSize, batch) {
            case (8, 1):
                return functions.dgemm(
                    order, a.order, b.order, m, n, k, 1, left, a.slice.elementOffset, a.leadingDimension, right, b.slice.elementOffset,
                    b.leadingDimension, 0, result, c.slice.elementOffset, c.leadingDimension, &queue, nil)
            case (8, _):
                return functions.dgemm_batched(
                    order, a.order, b.order, m, n, k, 1, left, a.slice.elementOffset, a.leadingDimension, a.batchStride, right,
                    b.slice.elementOffset, b.leadingDimension, b.batchStride, 0, result, c.slice.elementOffset, c.leadingDimension,
                    c.batchStride, batch, &queue, nil)
            case (_, 1):
                return functions.sgemm(
                    order, a.order, b.order, m, n, k, 1, left, a.slice.elementOffset, a.leadingDimension, right, b.slice.elementOffset,
                    b.leadingDimension, 0, result, c.slice.elementOffset, c.leadingDimension, &queue, nil)
            default:
                return functions.sgemm_batched(
                    order, a.order, b.order, m, n, k, 1, left, a.slice.elementOffset, a.leadingDimension, a.batchStride, right,
                    b.slice.elementOffset, b.leadingDimension, b.batchStride, 0, result, c.slice.elementOffset, c.leadingDimension,
                    c.batchStride, batch, &queue, nil)
            }
        }
        Profiler.scope?.launched()
    }
}
