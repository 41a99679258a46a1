import LossKitDevice

extension Indexing {
    /// Rows of `source` [rows, width] by int64 indices, which must be in range.
    package static func gatherRows(_ source: BufferSlice, _ indices: BufferSlice, count: Int, width: Int, into target: BufferSlice, on device: Device) throws {
        guard count > 0, width > 0 else { return }
        let size = source.elementSize
        try device.run(
            "gather_rows", shape: [count, width], reads: [source, indices], writes: [target], bytes: 2 * count * width * size,
            host: { pointers in
                let (from, to) = (Shared(pointers.rawRead(0)), Shared(pointers.rawWrite(0)))
                let index = Shared(pointers.rawRead(1))
                ThreadPool.forEachChunk(of: count, minimumPerChunk: max(1, 1 << 15 / width)) { rows in
                    for row in rows {
                        let source = index.value.load(fromByteOffset: row * 8, as: Int64.self)
                        (to.value + row * width * size).copyMemory(from: from.value + Int(source) * width * size, byteCount: width * size)
                    }
                }
            },
            openCL: { encoder in
                try encoder.launch(
                    "gather_rows", in: "indexing", defines: ["ELEMENT=\(size)"],
                    arguments: [.buffer(source), .buffer(indices), .buffer(target), .count(count), .count(width)], global: [count * width],
                    local: [64])
            })
    }

    /// Rows of `target` [rows, width], each the sum of the rows of `source` (float32 or float64) that `order` lists for it between its starts.
    ///
    /// Every row has one owner and a fixed order, so the result is the same on every run.
    package static func sumRows(
        _ source: BufferSlice, starts: BufferSlice, order: BufferSlice, rows: Int, width: Int, into target: BufferSlice, on device: Device
    ) throws {
        guard rows > 0, width > 0 else { return }
        let isDouble = source.elementSize == 8
        try device.run(
            "sum_rows", shape: [rows, width], reads: [source, starts, order], writes: [target],
            bytes: source.byteCount + rows * width * source.elementSize,
            host: { pointers in
                let (first, list) = (pointers.read(1, as: Int64.self), pointers.read(2, as: Int64.self))
                if isDouble {
                    sum(pointers.read(0, as: Double.self), first, list, rows, width, pointers.write(0))
                } else {
                    sum(pointers.read(0, as: Float.self), first, list, rows, width, pointers.write(0))
                }
            },
            openCL: { encoder in
                try encoder.launch(
                    "sum_rows", in: "indexing", defines: ["ELEMENT=\(source.elementSize)"],
                    arguments: [.buffer(source), .buffer(starts), .buffer(order), .buffer(target), .count(rows), .count(width)],
                    global: [rows * width], local: [64])
            })
    }

    private static func sum<T: FloatingPoint>(
        _ source: UnsafePointer<T>, _ starts: UnsafePointer<Int64>, _ order: UnsafePointer<Int64>, _ rows: Int, _ width: Int,
        _ target: UnsafeMutablePointer<T>
    ) {
        for row in 0..<rows {
            let out = target + row * width
            for column in 0..<width { out[column] = 0 }
            for position in starts[row]..<starts[row + 1] {
                let addend = source + Int(order[Int(position)]) * width
                for column in 0..<width { out[column] += addend[column] }
            }
        }
    }
}
