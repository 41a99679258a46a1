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
    /// C must not overlap A or B, and no batch stride may be negative.
    /// - Throws: ``DeviceError/libraryMissing(library:operation:remedy:)`` where CLBlast is not installed.
    package func multiply(
        _ a: MatrixSlice, _ b: MatrixSlice, into c: MatrixSlice, m: Int, n: Int, k: Int, batch: Int = 1, accumulates: Bool = false
    ) throws {
        guard let functions = CLBlast.functions else {
            throw DeviceError.libraryMissing(library: "CLBlast", operation: "a matrix product", remedy: "apt-get install libclblast-dev")
        }
        guard m > 0, n > 0, k > 0, batch > 0 else { return }
        if c.slice.elementSize == 8 {
            try multiply(
                a, b, into: c, (m, n, k), batch, accumulates ? 1 : 0,
                CLBlastProduct<Double>(gemm: functions.dgemm, memory: functions.dgemm_memory, batched: functions.dgemm_batched))
        } else {
            try multiply(
                a, b, into: c, (m, n, k), batch, accumulates ? 1 : 0,
                CLBlastProduct<Float>(gemm: functions.sgemm, memory: functions.sgemm_memory, batched: functions.sgemm_batched))
        }
    }

    private func multiply<T: BinaryFloatingPoint>(
        _ a: MatrixSlice, _ b: MatrixSlice, into c: MatrixSlice, _ size: (m: Int, n: Int, k: Int), _ batch: Int, _ beta: T,
        _ product: CLBlastProduct<T>
    ) throws {
        guard let x = a.slice.buffer.object, let y = b.slice.buffer.object, let z = c.slice.buffer.object else { return }
        let (left, right, result) = (UnsafeMutableRawPointer(x), UnsafeMutableRawPointer(y), UnsafeMutableRawPointer(z))
        let order = Int32(losskit_row_major)
        var memorySize = 0
        try queue("CLBlast gemm") { queue in
            var queue = UnsafeMutableRawPointer(queue)
            return product.memory(
                order, a.order, b.order, size.m, size.n, size.k, a.slice.elementOffset, a.leadingDimension, b.slice.elementOffset,
                b.leadingDimension, c.slice.elementOffset, c.leadingDimension, &queue, &memorySize)
        }
        // Only large matrices take memory. For all at once CLBlast would take it for itself, uncounted: they go one by one.
        guard batch == 1 || memorySize > 0 else {
            try queue("CLBlast gemmStridedBatched") { queue in
                var queue = UnsafeMutableRawPointer(queue)
                return product.batched(
                    order, a.order, b.order, size.m, size.n, size.k, 1, left, a.slice.elementOffset, a.leadingDimension, a.batchStride, right,
                    b.slice.elementOffset, b.leadingDimension, b.batchStride, beta, result, c.slice.elementOffset, c.leadingDimension,
                    c.batchStride, batch, &queue, nil)
            }
            Profiler.scope?.launched()
            return
        }
        let memory = try scratch(byteCount: memorySize)
        // It begins at an object's first byte, where a canary is.
        let own = Canary.isOn ? nil : memory.object
        for index in 0..<batch {
            let offsets = [a, b, c].map { $0.slice.elementOffset + index * $0.batchStride }
            try queue("CLBlast gemm") { queue in
                var queue = UnsafeMutableRawPointer(queue)
                return product.gemm(
                    order, a.order, b.order, size.m, size.n, size.k, 1, left, offsets[0], a.leadingDimension, right, offsets[1],
                    b.leadingDimension, beta, result, offsets[2], c.leadingDimension, &queue, nil,
                    own.map { UnsafeMutableRawPointer($0) })
            }
            Profiler.scope?.launched()
        }
    }

    private func queue(_ call: String, _ body: (cl_command_queue) -> cl_int) throws {
        try retryingWithoutCache(call, "matmul") { try stream.enqueue(call, body) }
    }
}

/// CLBlast's functions for one element type.
private struct CLBlastProduct<T> {
    typealias Raw = UnsafeMutableRawPointer

    let gemm:
        (
            Int32, Int32, Int32, Int, Int, Int, T, Raw, Int, Int, Raw, Int, Int, T, Raw, Int, Int, UnsafeMutablePointer<Raw>,
            UnsafeMutablePointer<Raw?>?, Raw?
        ) -> Int32
    let memory:
        (Int32, Int32, Int32, Int, Int, Int, Int, Int, Int, Int, Int, Int, UnsafeMutablePointer<Raw>, UnsafeMutablePointer<Int>) -> Int32
    let batched:
        (
            Int32, Int32, Int32, Int, Int, Int, T, Raw, Int, Int, Int, Raw, Int, Int, Int, T, Raw, Int, Int, Int, Int,
            UnsafeMutablePointer<Raw>, UnsafeMutablePointer<Raw?>?
        ) -> Int32
}
