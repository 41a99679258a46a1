import CLossKitHost
import LossKitDevice

/// Running results along the rows of a [rows, length] array.
package enum Scan {
    /// What runs along.
    package enum Kind: Sendable { case sum, maximumPosition }

    /// Running sums (float32, float64 or int64), or the int64 positions of the running maximum (of the same types; the first of equals, NaN
    /// wins).
    package static func run(
        _ kind: Kind, _ source: BufferSlice, dtype: DType, rows: Int, length: Int, into target: BufferSlice, on device: Device
    ) throws {
        guard rows > 0, length > 0 else { return }
        let type = type(of: dtype)
        try device.run(
            "scan", shape: [rows, length], reads: [source], writes: [target],
            bytes: rows * length * (source.elementSize + target.elementSize),
            host: { pointers in
                let call = Shared((from: pointers.rawRead(0), to: pointers.rawWrite(0)))
                ThreadPool.forEachChunk(of: rows, minimumPerChunk: max(1, 1 << 14 / length)) { chunk in
                    let (begin, end) = (Int64(chunk.lowerBound), Int64(chunk.upperBound))
                    switch kind {
                    case .sum: losskit_running_sum(Int32(type), call.value.from, call.value.to, begin, end, Int64(length))
                    case .maximumPosition:
                        let positions = call.value.to.assumingMemoryBound(to: Int64.self)
                        losskit_running_maximum(Int32(type), call.value.from, positions, begin, end, Int64(length))
                    }
                }
            },
            openCL: { encoder in
                try launch(kind, source, defines: ["ARITHMETIC=\(type)"], rows: rows, length: length, into: target, on: encoder)
            })
    }

    /// The number that kernels know float32, float64 and int64 by.
    static func type(of dtype: DType) -> Int {
        !dtype.isFloatingPoint ? losskit_scan_int64 : dtype == .float64 ? losskit_scan_float64 : losskit_scan_float32
    }

    /// Rows that are too few to keep the device busy are cut into pieces, about as many as each is long.
    private static func launch(
        _ kind: Kind, _ source: BufferSlice, defines: [String], rows: Int, length: Int, into target: BufferSlice, on encoder: OpenCLEncoder
    ) throws {
        let enough = encoder.traits.isCPU ? encoder.traits.computeUnits : 4096
        let piece = rows < enough && length >= 512 ? max(64, Int(Double(length).squareRoot())) : length
        let pieces = (length + piece - 1) / piece
        let sizes: [KernelArgument] = [.count(rows), .count(length), .count(piece), .count(pieces)]
        let before = BufferSlice(try encoder.scratch(byteCount: 8 * rows * pieces), elementSize: encoder.sumSize(kind, source))
        let items = rows * pieces
        func run(_ kernel: String, _ arguments: [KernelArgument], items: Int) throws {
            let local = encoder.traits.isCPU ? 1 : 64
            try encoder.launch(kernel, in: "scan", defines: defines, arguments: arguments, global: [items], local: [local])
        }
        switch kind {
        case .sum:
            if pieces > 1 {
                try run("sum_pieces", [.buffer(source), .buffer(before)] + sizes, items: items)
                try run("sum_before", [.buffer(before), .count(rows), .count(pieces)], items: rows)
            }
            try run("running_sum", [.buffer(source), .buffer(before), .buffer(target)] + sizes, items: items)
        case .maximumPosition:
            if pieces > 1 {
                try run("maximum_pieces", [.buffer(source), .buffer(before)] + sizes, items: items)
                try run("maximum_before", [.buffer(source), .buffer(before), .count(rows), .count(length), .count(pieces)], items: rows)
            }
            try run("running_maximum", [.buffer(source), .buffer(before), .buffer(target)] + sizes, items: items)
        }
    }
}

extension OpenCLEncoder {
    /// Bytes of what a piece of a row comes to: positions, integers and wide sums take eight, narrow sums four.
    fileprivate func sumSize(_ kind: Scan.Kind, _ source: BufferSlice) -> Int {
        kind == .maximumPosition || source.elementSize == 8 || traits.hasFP64 ? 8 : 4
    }
}
