import CLossKitOpenCL

/// One argument of an OpenCL kernel.
package enum KernelArgument: Sendable {
    /// Two arguments: the memory, and the slice's offset in elements as a `long`.
    case buffer(BufferSlice)
    case int32(Int32)
    case int64(Int64)
    case float(Float)
    case double(Double)
    /// A structure by value.
    case bytes([UInt8])
    /// Local memory of so many bytes.
    case local(bytes: Int)

    /// An extent or count, which kernels take as `long`.
    package static func count(_ value: Int) -> KernelArgument { .int64(Int64(value)) }
}

/// Queues the kernels that make up one step of work.
package struct OpenCLEncoder {
    package let device: Device
    let stream: OpenCLStream

    package var traits: OpenCLTraits { stream.context.traits }

    /// Queues a kernel of kernels/`file`.cl. The global size is rounded up to whole work-groups.
    package func launch(
        _ kernel: String, in file: String, defines: [String] = [], arguments: [KernelArgument], global: [Int], local: [Int]? = nil
    ) throws {
        try launch(kernel, source: KernelSource(file: file), defines: defines, arguments: arguments, global: global, local: local)
    }

    /// Queues a kernel of a given program.
    package func launch(
        _ kernel: String, source: KernelSource, defines: [String] = [], arguments: [KernelArgument], global: [Int], local: [Int]? = nil
    ) throws {
        let program = try stream.programs.program(source, defines: defines)
        try retryingWithoutCache("clEnqueueNDRangeKernel", kernel) {
            try stream.launch(kernel, of: program, arguments: arguments, global: global, local: local)
        }
        Profiler.scope?.launched()
        try Canary.check(arguments.compactMap { if case .buffer(let slice) = $0 { slice } else { nil } }, after: kernel)
    }

    /// Tries once more when there was no memory: drivers that hand it out late find out at a launch, and what is cached may be all that it
    /// takes.
    func retryingWithoutCache(_ call: String, _ what: String, _ attempt: () throws -> cl_int) throws {
        guard try attempt() != 0 else { return }
        device.trim()
        try stream.finish()
        let status = try attempt()
        guard status != 0 else { return }
        let memory = device.memory
        throw DeviceError.callFailed(
            call: call, status: OpenCLStatus.name(status), context: "\(what), with \(memory.live) bytes in use of \(memory.limit)")
    }

    /// Whether a program is compiled, so that it can be launched without waiting; compiles it in the background when asked first.
    package func prepare(source: KernelSource, defines: [String] = []) -> ProgramReadiness {
        stream.programs.prepare(source, defines: defines)
    }

    /// Memory for the time of this step.
    package func scratch(byteCount: Int) throws -> Buffer {
        try Buffer(byteCount: byteCount, on: device)
    }

    /// Memory for the time of this step, filled with zeros.
    package func zeroedScratch(byteCount: Int) throws -> Buffer {
        let buffer = try scratch(byteCount: byteCount)
        if Environment.memory == .bare {
            // Checkers do not see what is filled.
            try [UInt8](repeating: 0, count: byteCount).withUnsafeBytes { try buffer.upload($0) }
        } else if let object = buffer.object {
            try stream.clear(object, at: Canary.byteCount, byteCount: byteCount)
        }
        return buffer
    }

    /// Lets the host read and write the slices' memory after the work queued before; pointers are at the slices' offsets.
    package func withHostAccess(to slices: [BufferSlice], _ body: ([UnsafeMutableRawPointer]) throws -> Void) throws {
        var mapped: [(object: cl_mem, pointer: UnsafeMutableRawPointer)] = []
        do {
            let pointers = try slices.map { slice in
                // Kernels get an address that they never follow for empty buffers, which have no memory.
                guard let object = slice.buffer.object else { return UnsafeMutableRawPointer(bitPattern: 64).unsafelyUnwrapped }
                if let known = mapped.first(where: { $0.object == object }) { return known.pointer + Canary.byteCount + slice.byteOffset }
                let pointer = try stream.map(object, byteCount: Canary.byteCount + slice.buffer.byteCount)
                mapped.append((object, pointer))
                return pointer + Canary.byteCount + slice.byteOffset
            }
            for slice in slices { try slice.buffer.resolveChecks() }
            try body(pointers)
        } catch {
            for (object, pointer) in mapped { try? stream.unmap(object, pointer) }
            throw error
        }
        var failure: DeviceError?
        for (object, pointer) in mapped {
            do throws(DeviceError) { try stream.unmap(object, pointer) } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
        Profiler.scope?.launched()
    }
}
