extension Device {
    /// As ``run(_:shape:reads:writes:updates:bytes:flops:host:openCL:)``, timed on its own and, when validating, checked with the CPU.
    func runObserved<Result>(
        _ name: StaticString, shape: [Int], reads: [BufferSlice], writes: [BufferSlice], updates: [BufferSlice], bytes: Int, flops: Int,
        numbers: (Result) -> [Double], host: (HostPointers) throws -> Result, openCL: (OpenCLEncoder) throws -> Result
    ) throws -> Result {
        let stream = state.currentStream
        let validation =
            Profiler.validatesSteps && stream != nil
            ? try Profiler.unmeasured { try Validation(name: "\(name)", reads: reads, writes: writes, updates: updates) } : nil
        try stream?.finish()
        let start = Clock.nanoseconds
        let result = try dispatch(name, reads, writes, updates, host, openCL)
        try stream?.finish()
        Profiler.observed(
            Profiler.Observation(
                name: "\(name)", shape: shape, device: description, start: start, duration: Clock.nanoseconds - start, bytes: bytes,
                flops: flops))
        try Profiler.unmeasured { try validation?.check(result, numbers: numbers, host: host) }
        return result
    }
}
