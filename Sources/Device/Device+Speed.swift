import CLossKitOpenCL

/// What a device was measured to reach.
public struct DeviceSpeed: Sendable, Hashable {
    /// Bytes read and written a second by a kernel that copies.
    public var copyBytesPerSecond: Double
    /// Operations a second in a product of float32 matrices; nil without a BLAS for the device.
    public var productFlopsPerSecond: Double?
    /// The library that multiplied.
    public var productLibrary: String?
}

extension Device {
    /// Measures copying and multiplying, each the median of `repetitions` runs after a first that does not count.
    ///
    /// - Parameters:
    ///   - copiedBytes: The size of the block that is copied; larger than the caches, if it is the memory that is to be measured.
    ///   - matrixSize: Rows and columns of the matrices.
    public func measureSpeed(copiedBytes: Int = 64 << 20, matrixSize: Int = 1024, repetitions: Int = 7) throws -> DeviceSpeed {
        let count = max(1, copiedBytes / 4)
        let source = BufferSlice(try filled(count), elementSize: 4)
        let target = BufferSlice(try filled(count), elementSize: 4)
        let copy = try medianSeconds(repetitions) { try self.copy(source, to: target, count) }
        var speed = DeviceSpeed(copyBytesPerSecond: Double(2 * 4 * count) / copy)
        guard let library = productLibrary else { return speed }
        let n = max(1, matrixSize)
        let matrices = try (0..<3).map { _ in BufferSlice(try filled(n * n), elementSize: 4) }
        let product = try medianSeconds(repetitions) { try multiply(matrices[0], matrices[1], into: matrices[2], n) }
        speed.productFlopsPerSecond = 2 * Double(n) * Double(n) * Double(n) / product
        speed.productLibrary = library
        return speed
    }

    /// CLBlast on a GPU; OpenBLAS on the CPU, also when it is an OpenCL device, whose memory the host can reach.
    private var productLibrary: String? {
        if traits?.isCPU ?? true { return BLAS.shared == nil ? nil : "OpenBLAS" }
        return CLBlast.isAvailable ? "CLBlast" : nil
    }

    private func filled(_ count: Int) throws -> Buffer {
        let buffer = try Buffer(byteCount: count * 4, on: self)
        try [Float](repeating: 0.5, count: count).withUnsafeBytes { try buffer.upload($0) }
        return buffer
    }

    private func medianSeconds(_ repetitions: Int, _ body: () throws -> Void) throws -> Double {
        let times = try (0...max(1, repetitions)).map { _ in
            let start = Clock.nanoseconds
            try body()
            try synchronize()
            return Double(max(1, Clock.nanoseconds - start)) * 1e-9
        }.dropFirst().sorted()
        return times[times.count / 2]
    }

    private func copy(_ source: BufferSlice, to target: BufferSlice, _ count: Int) throws {
        try run(
            "copy", shape: [count], reads: [source], writes: [target], bytes: 8 * count,
            host: { pointers in
                let (from, to) = (Handle(pointers.rawRead(0)), Handle(pointers.rawWrite(0)))
                ThreadPool.forEachChunk(of: count, minimumPerChunk: 1 << 14) { range in
                    (to.raw + 4 * range.lowerBound).copyMemory(from: from.raw + 4 * range.lowerBound, byteCount: 4 * range.count)
                }
            },
            openCL: { encoder in
                let traits = encoder.traits
                let items = traits.isCPU ? (count + (1 << 14) - 1) >> 14 : min((count + 3) / 4, traits.computeUnits * 2048)
                try encoder.launch(
                    "copy", in: "measure", arguments: [.buffer(source), .buffer(target), .count(count)],
                    global: [items], local: traits.isCPU ? nil : [min(256, traits.maxWorkGroupSize)])
            })
    }

    private func multiply(_ a: BufferSlice, _ b: BufferSlice, into c: BufferSlice, _ n: Int) throws {
        func host(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ c: UnsafeMutableRawPointer) {
            guard let blas = BLAS.shared else { return }
            HostProduct(
                .init(a.assumingMemoryBound(to: Float.self), leading: n), .init(b.assumingMemoryBound(to: Float.self), leading: n),
                into: c.assumingMemoryBound(to: Float.self), m: n, n: n, k: n
            ).run(by: blas)
        }
        try run(
            "product", shape: [n, n, n], reads: [a, b], writes: [c], bytes: 12 * n * n, flops: 2 * n * n * n,
            host: { pointers in host(pointers.rawRead(0), pointers.rawRead(1), pointers.rawWrite(0)) },
            openCL: { encoder in
                if encoder.traits.isCPU {
                    try encoder.withHostAccess(to: [a, b, c]) { host($0[0], $0[1], $0[2]) }
                } else {
                    let matrices = [a, b, c].map { MatrixSlice($0, leadingDimension: n) }
                    try encoder.multiply(matrices[0], matrices[1], into: matrices[2], m: n, n: n, k: n)
                }
            })
    }
}
