import CLossKitHost
import LossKitDevice

/// One operand of a matrix product: [batch, rows, columns] by strides, in elements.
package struct MatrixOperand: Sendable {
    package var slice: BufferSlice
    package var rowStride: Int
    package var columnStride: Int
    package var batchStride: Int

    package init(slice: BufferSlice, rowStride: Int, columnStride: Int, batchStride: Int) {
        self.slice = slice
        self.rowStride = rowStride
        self.columnStride = columnStride
        self.batchStride = batchStride
    }

    /// How a BLAS takes the operand: as it is or transposed, with the distance between its rows; nil where neither fits.
    func blasLayout(rows: Int, columns: Int) -> (isTransposed: Bool, leading: Int)? {
        if columnStride == 1 || columns <= 1, rowStride >= max(1, columns) || rows <= 1 { return (false, max(rowStride, columns, 1)) }
        if rowStride == 1 || rows <= 1, columnStride >= max(1, rows) || columns <= 1 { return (true, max(columnStride, rows, 1)) }
        return nil
    }
}

/// Batched matrix products C = A B of float32 or float64, C row-major.
package struct Matmul: Sendable {
    package var batch: Int
    package var m: Int
    package var n: Int
    package var k: Int
    package var isDouble: Bool
    /// Whether the product is added to what C holds.
    package var accumulates = false

    package init(batch: Int, m: Int, n: Int, k: Int, isDouble: Bool) {
        self.batch = batch
        self.m = m
        self.n = n
        self.k = k
        self.isDouble = isDouble
    }

    /// Whether operands with these strides can be multiplied where they lie.
    package func accepts(_ operand: MatrixOperand, rows: Int, columns: Int) -> Bool {
        operand.blasLayout(rows: rows, columns: columns) != nil
    }

    /// What multiplies on an OpenCL device.
    package enum Engine: Sendable, CaseIterable {
        /// OpenBLAS, or without it a plain product in C, on memory that the device shares with the host.
        case host
        case clblast
        /// A kernel of ours.
        case kernel
    }

    /// Runs the product: OpenBLAS on the CPU and on OpenCL devices that are CPUs; on others CLBlast, or a kernel of ours where it is not
    /// installed or does not take the operands' layouts.
    ///
    /// - Parameter engine: What to multiply with on an OpenCL device, if it can.
    package func run(_ a: MatrixOperand, _ b: MatrixOperand, into c: BufferSlice, on device: Device, by engine: Engine? = nil) throws {
        guard batch > 0, m > 0, n > 0 else { return }
        try device.run(
            "matmul", shape: [batch, m, k, n], reads: [a.slice, b.slice], writes: accumulates ? [] : [c],
            updates: accumulates ? [c] : [],
            bytes: batch * (m * k + k * n + m * n) * a.slice.elementSize, flops: 2 * batch * m * n * k,
            host: { pointers in
                let result = accumulates ? UnsafeMutableRawPointer(pointers.update(0, as: UInt8.self)) : pointers.rawWrite(0)
                host(a, b, pointers.rawRead(0), pointers.rawRead(1), result)
            },
            openCL: { encoder in
                // A device that counts as another for a test is there to test our kernels.
                let hasBLAS = CLBlast.isAvailable && Environment.openCLType == nil
                let engine = engine ?? (encoder.traits.isCPU ? .host : hasBLAS ? .clblast : .kernel)
                if engine == .host {
                    try encoder.withHostAccess(to: [a.slice, b.slice, c]) { host(a, b, $0[0], $0[1], $0[2]) }
                } else if engine == .clblast, let left = slice(a, m, k), let right = slice(b, k, n) {
                    try encoder.multiply(
                        left, right, into: MatrixSlice(c, leadingDimension: n, batchStride: m * n), m: m, n: n, k: k, batch: batch,
                        accumulates: accumulates)
                } else {
                    try launch(a, b, into: c, on: encoder)
                }
            })
    }

    /// The operand as CLBlast takes it, or nil where it does not.
    package func slice(_ operand: MatrixOperand, _ rows: Int, _ columns: Int) -> MatrixSlice? {
        guard k > 0, batch == 1 || operand.batchStride >= 0, let layout = operand.blasLayout(rows: rows, columns: columns) else { return nil }
        return MatrixSlice(
            operand.slice, leadingDimension: layout.leading, batchStride: operand.batchStride, isTransposed: layout.isTransposed)
    }

    /// The product by a kernel of ours.
    private func launch(_ a: MatrixOperand, _ b: MatrixOperand, into c: BufferSlice, on encoder: OpenCLEncoder) throws {
        // Work-groups are square tiles.
        let tile = encoder.tuned(.productTile)
        try encoder.launch(
            "matmul", in: "matmul", defines: ["WIDE=\(isDouble ? 1 : 0)", "TILE=\(tile)"],
            arguments: [
                .buffer(a.slice), .buffer(b.slice), .buffer(c), .count(m), .count(n), .count(k), .count(a.rowStride),
                .count(a.columnStride), .count(b.rowStride), .count(b.columnStride), .count(a.batchStride), .count(b.batchStride),
                .int32(accumulates ? 1 : 0),
            ], global: [n, m, batch], local: [tile, tile, 1])
    }

    private func host(_ a: MatrixOperand, _ b: MatrixOperand, _ x: UnsafeRawPointer, _ y: UnsafeRawPointer, _ z: UnsafeMutableRawPointer) {
        if isDouble {
            host(a, b, x, y, z, Double.self, plain: losskit_matmul_f64)
        } else {
            host(a, b, x, y, z, Float.self, plain: losskit_matmul_f32)
        }
    }

    private typealias PlainProduct<T> =
        @Sendable (
            UnsafePointer<T>, UnsafePointer<T>, UnsafeMutablePointer<T>, Int64, Int64, Int64, Int64, Int64, Int64, Int64, Int64
        ) -> Void

    private func host<T: HostProductElement>(
        _ a: MatrixOperand, _ b: MatrixOperand, _ x: UnsafeRawPointer, _ y: UnsafeRawPointer, _ z: UnsafeMutableRawPointer, _ type: T.Type,
        plain: @escaping PlainProduct<T>
    ) {
        let (x, y, z) = (x.assumingMemoryBound(to: T.self), y.assumingMemoryBound(to: T.self), z.assumingMemoryBound(to: T.self))
        if let blas = BLAS.shared, k > 0, let left = a.blasLayout(rows: m, columns: k), let right = b.blasLayout(rows: k, columns: n),
            HostProduct<T>.isInRange(m, n, k, left.leading, right.leading)
        {
            HostProduct(
                .init(x, leading: left.leading, isTransposed: left.isTransposed, batchStride: a.batchStride),
                .init(y, leading: right.leading, isTransposed: right.isTransposed, batchStride: b.batchStride),
                into: z, m: m, n: n, k: k, batch: batch, beta: accumulates ? 1 : 0
            ).run(by: blas)
            return
        }
        if !accumulates { z.update(repeating: 0, count: batch * m * n) }
        let call = Shared((x: x, y: y, z: z))
        let sizes = (Int64(n), Int64(k), Int64(a.rowStride), Int64(a.columnStride), Int64(b.rowStride), Int64(b.columnStride))
        for index in 0..<batch {
            let (left, right, result) = (index * a.batchStride, index * b.batchStride, index * m * n)
            ThreadPool.forEachChunk(of: m, minimumPerChunk: max(1, 1 << 16 / max(1, n * k))) { rows in
                plain(
                    call.x + left, call.y + right, call.z + result, Int64(rows.lowerBound), Int64(rows.upperBound), sizes.0, sizes.1,
                    sizes.2, sizes.3, sizes.4, sizes.5)
            }
        }
    }
}
