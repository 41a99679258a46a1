import CLossKitHost
import LossKitDevice

extension Scan {
    /// The int64 positions of the largest (or smallest) elements of the rows of a [rows, length] array of float32, float64 or int64: the
    /// first
    /// of equals, the first NaN where there is one.
    package static func extremum(
        _ source: BufferSlice, dtype: DType, isMinimum: Bool, rows: Int, length: Int, into target: BufferSlice, on device: Device
    ) throws {
        guard rows > 0, length > 0 else { return }
        let type = type(of: dtype)
        let flag: Int32 = isMinimum ? 1 : 0
        try device.run(
            "row_extremum", shape: [rows, length], reads: [source], writes: [target], bytes: rows * (length * source.elementSize + 8),
            host: { pointers in
                let call = Shared((from: pointers.rawRead(0), to: pointers.write(0, as: Int64.self)))
                ThreadPool.forEachChunk(of: rows, minimumPerChunk: max(1, 1 << 14 / length)) { chunk in
                    losskit_row_extremum(
                        Int32(type), flag, call.value.from, call.value.to, Int64(chunk.lowerBound), Int64(chunk.upperBound), Int64(length))
                }
            },
            openCL: { encoder in
                let (enough, local) = encoder.traits.isCPU ? (encoder.traits.computeUnits, 1) : (1 << 16, 64)
                let pieces = max(1, min((enough + rows - 1) / rows, length / 64))
                let found =
                    pieces == 1 ? target : BufferSlice(try encoder.scratch(byteCount: 8 * rows * pieces), elementSize: 8)
                let defines = ["ARITHMETIC=\(type)"]
                let sizes: [KernelArgument] = [.count(rows), .count(length), .count(pieces), .int32(flag)]
                try encoder.launch(
                    "extremum_pieces", in: "scan", defines: defines, arguments: [.buffer(source), .buffer(found)] + sizes,
                    global: [rows * pieces], local: [local])
                guard pieces > 1 else { return }
                try encoder.launch(
                    "extremum_of_pieces", in: "scan", defines: defines,
                    arguments: [.buffer(source), .buffer(found), .buffer(target)] + sizes, global: [rows], local: [local])
            })
    }
}
