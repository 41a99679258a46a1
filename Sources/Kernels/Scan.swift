import LossKitDevice

/// Running results along the rows of a [rows, length] array.
package enum Scan {
    /// What runs along.
    package enum Kind: Int32, Sendable { case sum = 0, maximumPosition }

    /// Running sums (float32, float64 or int64), or the int64 positions of the running maximum (of the same types; the first of equals, NaN wins).
    package static func run(
        _ kind: Kind, _ source: BufferSlice, isFloat: Bool, rows: Int, length: Int, into target: BufferSlice, on device: Device
    ) throws {
        guard rows > 0, length > 0 else { return }
        let type = !isFloat ? 3 : source.elementSize == 8 ? 1 : 0
        try device.run(
            "scan", shape: [rows, length], reads: [source], writes: [target], bytes: 2 * rows * length * source.elementSize,
            host: { pointers in
                let call = (Shared(pointers.rawRead(0)), Shared(pointers.rawWrite(0)))
                ThreadPool.forEachChunk(of: rows, minimumPerChunk: max(1, 1 << 14 / length)) { chunk in
                    for row in chunk {
                        let (from, to) = (call.0.value, call.1.value)
                        switch (kind, type) {
                        case (.sum, 0): sums(from.assumingMemoryBound(to: Float.self) + row * length, to.assumingMemoryBound(to: Float.self) + row * length, length, wide: Double.init, narrow: { Float($0) })
                        case (.sum, 1): sums(from.assumingMemoryBound(to: Double.self) + row * length, to.assumingMemoryBound(to: Double.self) + row * length, length, wide: { $0 }, narrow: { $0 })
                        case (.sum, _): wrappingSums(from.assumingMemoryBound(to: Int64.self) + row * length, to.assumingMemoryBound(to: Int64.self) + row * length, length)
                        case (_, 1): positions(from.assumingMemoryBound(to: Double.self) + row * length, to.assumingMemoryBound(to: Int64.self) + row * length, length)
                        case (_, 3): positions(from.assumingMemoryBound(to: Int64.self) + row * length, to.assumingMemoryBound(to: Int64.self) + row * length, length)
                        default: positions(from.assumingMemoryBound(to: Float.self) + row * length, to.assumingMemoryBound(to: Int64.self) + row * length, length)
                        }
                    }
                }
            },
            openCL: { encoder in
                try encoder.launch(
                    kind == .sum ? "running_sum" : "running_maximum", in: "scan", defines: ["ARITHMETIC=\(type)"],
                    arguments: [.buffer(source), .buffer(target), .count(rows), .count(length)], global: [rows], local: nil)
            })
    }

    private static func sums<T, Wide: FloatingPoint>(
        _ source: UnsafePointer<T>, _ target: UnsafeMutablePointer<T>, _ length: Int, wide: (T) -> Wide, narrow: (Wide) -> T
    ) {
        var sum = Wide.zero
        for index in 0..<length {
            sum += wide(source[index])
            target[index] = narrow(sum)
        }
    }

    private static func wrappingSums(_ source: UnsafePointer<Int64>, _ target: UnsafeMutablePointer<Int64>, _ length: Int) {
        var sum: Int64 = 0
        for index in 0..<length {
            sum &+= source[index]
            target[index] = sum
        }
    }

    private static func positions<T: Comparable>(_ source: UnsafePointer<T>, _ target: UnsafeMutablePointer<Int64>, _ length: Int) {
        var best = 0
        for index in 0..<length {
            // Only a NaN differs from itself.
            if source[index] > source[best] || (source[index] != source[index] && source[best] == source[best]) { best = index }
            target[index] = Int64(best)
        }
    }
}
