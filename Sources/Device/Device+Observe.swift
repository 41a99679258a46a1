extension Device {
    /// As ``run(_:shape:reads:writes:updates:bytes:flops:host:openCL:)``, timed on its own and, when validating, checked with the CPU.
    func runObserved(
        _ name: StaticString, shape: [Int], reads: [BufferSlice], writes: [BufferSlice], updates: [BufferSlice], bytes: Int, flops: Int,
        host: (HostPointers) throws -> Void, openCL: (OpenCLEncoder) throws -> Void
    ) throws {
        let stream = state.currentStream
        // A step that gives its result in another way than by memory cannot be compared.
        let validation =
            Profiler.validatesSteps && stream != nil && !(writes.isEmpty && updates.isEmpty)
            ? try Profiler.unmeasured { try Validation(name: "\(name)", reads: reads, writes: writes, updates: updates) } : nil
        try stream?.finish()
        let start = Clock.nanoseconds
        try dispatch(reads, writes, updates, host, openCL)
        try stream?.finish()
        Profiler.observed(
            Profiler.Observation(
                name: "\(name)", shape: shape, device: description, start: start, duration: Clock.nanoseconds - start, bytes: bytes,
                flops: flops))
        try Profiler.unmeasured { try validation?.check(host: host) }
    }
}
