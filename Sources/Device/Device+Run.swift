/// The memory of one step of work on the CPU, at the slices' offsets.
package struct HostPointers {
    let reads: [BufferSlice]
    let writes: [BufferSlice]
    let updates: [BufferSlice]

    /// The `index`th slice that the step reads.
    package func read<T>(_ index: Int, as type: T.Type = T.self) -> UnsafePointer<T> {
        UnsafePointer(Self.address(reads[index]).assumingMemoryBound(to: type))
    }

    /// The `index`th slice that the step writes.
    package func write<T>(_ index: Int, as type: T.Type = T.self) -> UnsafeMutablePointer<T> {
        Self.address(writes[index]).assumingMemoryBound(to: type)
    }

    /// The `index`th slice that the step reads and writes.
    package func update<T>(_ index: Int, as type: T.Type = T.self) -> UnsafeMutablePointer<T> {
        Self.address(updates[index]).assumingMemoryBound(to: type)
    }

    package func rawRead(_ index: Int) -> UnsafeRawPointer { UnsafeRawPointer(Self.address(reads[index])) }
    package func rawWrite(_ index: Int) -> UnsafeMutableRawPointer { Self.address(writes[index]) }

    /// Empty buffers have no memory; kernels get an address that they never follow.
    private static func address(_ slice: BufferSlice) -> UnsafeMutableRawPointer {
        if let pointer = slice.buffer.hostPointer { return pointer + slice.byteOffset }
        return UnsafeMutableRawPointer(bitPattern: 64).unsafelyUnwrapped
    }
}

extension Device {
    /// Runs one step of work, described for both back ends.
    ///
    /// - Parameters:
    ///   - shape: What the step runs over, for the profiler.
    ///   - bytes: Bytes the algorithm has to move.
    ///   - flops: Operations the algorithm has to do.
    package func run(
        _ name: StaticString, shape: [Int], reads: [BufferSlice], writes: [BufferSlice], updates: [BufferSlice] = [], bytes: Int,
        flops: Int = 0, host: (HostPointers) throws -> Void, openCL: (OpenCLEncoder) throws -> Void
    ) throws {
        guard !Profiler.isObserving else {
            return try runObserved(
                name, shape: shape, reads: reads, writes: writes, updates: updates, bytes: bytes, flops: flops, numbers: { _ in [] },
                host: host, openCL: openCL)
        }
        try dispatch(name, reads, writes, updates, host, openCL)
    }

    /// Runs one step of work that gives its result to the host instead of writing it to the device's memory.
    ///
    /// - Parameter numbers: The result as the numbers that are compared when steps are validated with the CPU.
    package func run<Result>(
        _ name: StaticString, shape: [Int], reads: [BufferSlice], bytes: Int, flops: Int = 0, numbers: (Result) -> [Double],
        host: (HostPointers) throws -> Result, openCL: (OpenCLEncoder) throws -> Result
    ) throws -> Result {
        guard !Profiler.isObserving else {
            return try runObserved(
                name, shape: shape, reads: reads, writes: [], updates: [], bytes: bytes, flops: flops, numbers: numbers, host: host,
                openCL: openCL)
        }
        return try dispatch(name, reads, [], [], host, openCL)
    }

    func dispatch<Result>(
        _ name: StaticString, _ reads: [BufferSlice], _ writes: [BufferSlice], _ updates: [BufferSlice],
        _ host: (HostPointers) throws -> Result, _ openCL: (OpenCLEncoder) throws -> Result
    ) throws -> Result {
        guard let stream = state.currentStream else {
            Profiler.scope?.launched()
            let result = try host(HostPointers(reads: reads, writes: writes, updates: updates))
            try Canary.check(reads + writes + updates, after: "\(name)")
            return result
        }
        if state.hasSeparateStreams {
            for slice in reads { try slice.buffer.willRead(on: stream) }
            for slice in writes + updates { try slice.buffer.willWrite(on: stream) }
        }
        let result = try openCL(OpenCLEncoder(device: self, stream: stream))
        try Canary.check(writes + updates, after: "\(name)")
        try passOnChecks(from: reads + updates, to: writes + updates)
        return result
    }
}
