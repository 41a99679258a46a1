import LossKitDevice

/// Moves elements to and from places that are computed.
package enum Indexing {
    /// Writes row-major elements of `shape` to places `strides` apart, leaving what lies between.
    package static func place(_ source: BufferSlice, shape: [Int], into target: BufferSlice, strides: [Int], on device: Device) throws {
        let count = shape.reduce(1, *)
        guard count > 0 else { return }
        let merged = IterationSpace(ExpressionOperands(leaves: [], strides: [strides], constants: [], shape: shape))
        guard merged.shape.count <= ExpressionProgram.maximumRank else {
            throw DeviceError.invalidLaunch(
                kernel: "place", problem: "more than \(ExpressionProgram.maximumRank) axes that cannot be merged")
        }
        let size = source.elementSize
        try device.run(
            "place", shape: shape, reads: [source], writes: [], updates: [target], bytes: 2 * count * size,
            host: { pointers in
                let from = Shared(pointers.rawRead(0))
                let to = Shared(UnsafeMutableRawPointer(pointers.update(0, as: UInt8.self)))
                let inner = merged.shape[merged.shape.count - 1]
                let step = merged.strides[0][merged.shape.count - 1] * size
                ThreadPool.forEachChunk(of: count / inner, minimumPerChunk: max(1, 1 << 15 / inner)) { rows in
                    for row in rows {
                        var rest = row
                        var offset = 0
                        for axis in merged.shape.indices.dropLast().reversed() {
                            offset += rest % merged.shape[axis] * merged.strides[0][axis]
                            rest /= merged.shape[axis]
                        }
                        let source = from.value + row * inner * size
                        let target = to.value + offset * size
                        if step == size {
                            target.copyMemory(from: source, byteCount: inner * size)
                        } else {
                            for index in 0..<inner { (target + index * step).copyMemory(from: source + index * size, byteCount: size) }
                        }
                    }
                }
            },
            openCL: { encoder in
                var layout: [UInt8] = []
                let lead = ExpressionProgram.maximumRank - merged.shape.count
                for extents in [Array(repeating: 1, count: lead) + merged.shape, Array(repeating: 0, count: lead) + merged.strides[0]] {
                    for extent in extents { withUnsafeBytes(of: Int64(extent)) { layout.append(contentsOf: $0) } }
                }
                try encoder.launch(
                    "place", in: "indexing", defines: ["ELEMENT=\(size)"],
                    arguments: [.bytes(layout), .buffer(source), .buffer(target), .count(count)], global: [count], local: [64])
            })
    }
}
