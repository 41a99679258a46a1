import CLossKitHost
import LossKitDevice

/// Stable orders of the rows of a [rows, length] array: NaN last either way, -0 equal to 0.
package enum Sort {
    /// Writes the int32 positions in each row that put it in order.
    ///
    /// - Throws: ``DeviceError/invalidLaunch(kernel:problem:)`` for rows of 2^31 elements and more.
    package static func positions(
        _ source: BufferSlice, dtype: DType, rows: Int, length: Int, descending: Bool, into positions: BufferSlice, on device: Device
    ) throws {
        guard rows > 0, length > 0 else { return }
        let call = try Call(dtype: dtype, rows: rows, length: length, descending: descending)
        try device.run(
            "sort", shape: [rows, length], reads: [source], writes: [positions], bytes: rows * length * (dtype.byteCount + 4),
            host: { try call.host($0.rawRead(0), $0.write(0)) }, openCL: { try call.launch(source, into: positions, on: $0) })
    }

    /// One step of sorting, for either back end.
    struct Call {
        let dtype: DType
        let rows: Int
        let length: Int
        let descending: Bool

        init(dtype: DType, rows: Int, length: Int, descending: Bool) throws {
            guard length <= Int(Int32.max) else {
                throw DeviceError.invalidLaunch(kernel: "sort", problem: "rows of \(length) elements, at most 2^31 - 1 can be sorted")
            }
            (self.dtype, self.rows, self.length, self.descending) = (dtype, rows, length, descending)
        }

        private var kind: Int {
            switch dtype {
            case .float32, .float16, .bfloat16, .float64: losskit_sort_floating
            case .int32, .int64: losskit_sort_signed
            case .uint8, .bool: losskit_sort_unsigned
            }
        }

        /// The bits of infinity, beyond which all is NaN.
        private var infinity: UInt64 {
            switch dtype {
            case .float32: 0x7F80_0000
            case .float64: 0x7FF0_0000_0000_0000
            case .float16: 0x7C00
            case .bfloat16: 0x7F80
            case .int32, .int64, .uint8, .bool: 0
            }
        }

        /// By radix, the rows shared out among the threads.
        func host(_ source: UnsafeRawPointer, _ positions: UnsafeMutablePointer<Int32>) throws {
            let pieces = min(rows, ThreadPool.threadCount)
            let scratchBytes = length * Int(losskit_sort_scratch(Int32(dtype.byteCount)))
            let memory = try Buffer(byteCount: pieces * scratchBytes, on: .cpu)
            guard let scratch = memory.hostPointer else { return }
            let pointers = Shared((source: source, scratch: scratch, positions: positions))
            let (rows, length, size, kind, infinity) = (rows, length, dtype.byteCount, Int32(kind), infinity)
            let descends: Int32 = descending ? 1 : 0
            ThreadPool.forEach(pieces) { piece in
                let (source, scratch, positions) = pointers.value
                for row in rows * piece / pieces..<rows * (piece + 1) / pieces {
                    losskit_sort_row(
                        source + row * length * size, Int64(length), Int32(size), kind, infinity, descends, scratch + piece * scratchBytes,
                        positions + row * length)
                }
            }
        }

        /// By merging runs of eight, back and forth between two lists, so that the last pass ends in the result.
        func launch(_ source: BufferSlice, into positions: BufferSlice, on encoder: OpenCLEncoder) throws {
            let widths = Array(sequence(first: 8) { $0 * 2 }.prefix { $0 < length })
            let defines = ["ELEMENT=\(dtype.byteCount)"]
            let keyBytes = max(4, dtype.byteCount)
            let keys = try (0..<(widths.isEmpty ? 1 : 2)).map { _ in
                BufferSlice(try encoder.scratch(byteCount: rows * length * keyBytes), elementSize: keyBytes)
            }
            let other = widths.isEmpty ? positions : BufferSlice(try encoder.scratch(byteCount: rows * length * 4), elementSize: 4)
            let places = widths.count % 2 == 0 ? [positions, other] : [other, positions]
            try encoder.launch(
                "sort_runs", in: "sort", defines: defines,
                arguments: [
                    .buffer(source), .buffer(keys[0]), .buffer(places[0]), .count(rows), .count(length), .int32(Int32(kind)),
                    .int64(Int64(infinity)), .int32(descending ? 1 : 0),
                ], global: [rows * ((length + 7) / 8)], local: [64])
            // Long pieces save a processor's bisections; short ones keep a GPU's many items busy.
            let longest = encoder.traits.isCPU ? 4096 : 16
            for (pass, width) in widths.enumerated() {
                let (from, to) = (pass % 2, 1 - pass % 2)
                let chunk = min(2 * width, longest)
                try encoder.launch(
                    "merge_runs", in: "sort", defines: defines,
                    arguments: [
                        .buffer(keys[from]), .buffer(places[from]), .buffer(keys[to]), .buffer(places[to]), .count(rows), .count(length),
                        .count(width), .count(chunk),
                    ], global: [rows * ((length + chunk - 1) / chunk)], local: [encoder.traits.isCPU ? 1 : 64])
            }
        }
    }
}
