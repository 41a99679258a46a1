import CLossKitOpenCL
import Synchronization

/// An in-order queue of a device's work.
///
/// Unchecked: the queue's handle never changes, and `state`'s lock is held over every change of a kernel object (set arguments, enqueue).
final class OpenCLStream: @unchecked Sendable {
    private struct KernelKey: Hashable {
        var program: ObjectIdentifier
        var name: String
    }

    private struct Kernel {
        var program: Program
        var handle: cl_kernel
        var argumentCount: Int
    }

    private struct State {
        var kernels: [KernelKey: Kernel] = [:]
        var failure: DeviceError?
    }

    let context: OpenCLContext
    let queue: cl_command_queue
    let programs: ProgramLibrary
    private let state = Mutex(State())

    init?(context: OpenCLContext) {
        var status: cl_int = 0
        guard let queue = context.api.clCreateCommandQueue(context.context, context.device, 0, &status), status == 0 else { return nil }
        self.context = context
        self.queue = queue
        programs = ProgramLibrary(context: context)
    }

    /// Makes the stream usable again after a failure.
    func reset() {
        state.withLock { $0.failure = nil }
    }

    func finish() throws(DeviceError) {
        try ensureHealthy()
        try poisoning("clFinish", context.name) { context.api.clFinish(queue) }
    }

    func write(_ source: UnsafeRawPointer, _ count: Int, to object: cl_mem, at offset: Int) throws(DeviceError) {
        try ensureHealthy()
        try poisoning("clEnqueueWriteBuffer", "\(count) bytes") {
            context.api.clEnqueueWriteBuffer(queue, object, cl_bool(CL_TRUE), offset, count, source, 0, nil, nil)
        }
    }

    func read(_ object: cl_mem, at offset: Int, into target: UnsafeMutableRawPointer, _ count: Int) throws(DeviceError) {
        try ensureHealthy()
        try poisoning("clEnqueueReadBuffer", "\(count) bytes") {
            context.api.clEnqueueReadBuffer(queue, object, cl_bool(CL_TRUE), offset, count, target, 0, nil, nil)
        }
    }

    /// Queues zeros into an object.
    func clear(_ object: cl_mem, byteCount: Int) throws(DeviceError) {
        try ensureHealthy()
        var zero: UInt8 = 0
        try poisoning("clEnqueueFillBuffer", "\(byteCount) bytes") {
            context.api.clEnqueueFillBuffer(queue, object, &zero, 1, 0, byteCount, 0, nil, nil)
        }
    }

    /// Gives the host the memory of an object until ``unmap(_:_:)``, after the work queued before.
    func map(_ object: cl_mem, byteCount: Int) throws(DeviceError) -> UnsafeMutableRawPointer {
        try ensureHealthy()
        var status: cl_int = 0
        let pointer = context.api.clEnqueueMapBuffer(
            queue, object, cl_bool(CL_TRUE), cl_map_flags(CL_MAP_READ | CL_MAP_WRITE), 0, byteCount, 0, nil, nil, &status)
        try poisoning("clEnqueueMapBuffer", "\(byteCount) bytes") { status }
        guard let pointer else { throw .callFailed(call: "clEnqueueMapBuffer", status: "no address", context: "\(byteCount) bytes") }
        return pointer
    }

    func unmap(_ object: cl_mem, _ pointer: UnsafeMutableRawPointer) throws(DeviceError) {
        try poisoning("clEnqueueUnmapMemObject", context.name) {
            context.api.clEnqueueUnmapMemObject(queue, object, pointer, 0, nil, nil)
        }
    }

    /// Queues a kernel.
    func launch(
        _ name: String, of program: Program, arguments: [KernelArgument], global: [Int], local: [Int]?
    ) throws(DeviceError) {
        try ensureHealthy()
        if global.contains(0) { return }
        guard (1...3).contains(global.count), !global.contains(where: { $0 < 0 }), local == nil || local?.count == global.count else {
            throw .invalidLaunch(kernel: name, problem: "global size \(global), local size \(local ?? [])")
        }
        var failure: DeviceError?
        state.withLock { state in
            do throws(DeviceError) {
                let kernel = try self.kernel(name, of: program, in: &state)
                try self.set(arguments, of: kernel, name: name)
                let padded = local.map { local in zip(global, local).map { ($0 + $1 - 1) / $1 * $1 } } ?? global
                let status = context.api.clEnqueueNDRangeKernel(
                    queue, kernel.handle, cl_uint(global.count), nil, padded, local, 0, nil, nil)
                try OpenCLStatus.check(status, "clEnqueueNDRangeKernel", "\(name), global \(padded), local \(local ?? [])")
            } catch {
                state.failure = error
                failure = error
            }
        }
        if let failure { throw failure }
    }

    private func kernel(_ name: String, of program: Program, in state: inout State) throws(DeviceError) -> Kernel {
        let key = KernelKey(program: ObjectIdentifier(program), name: name)
        if let kernel = state.kernels[key] { return kernel }
        var status: cl_int = 0
        guard let handle = context.api.clCreateKernel(program.handle, name, &status), status == 0 else {
            throw .callFailed(call: "clCreateKernel", status: OpenCLStatus.name(status), context: name)
        }
        var count: cl_uint = 0
        status = context.api.clGetKernelInfo(handle, cl_kernel_info(CL_KERNEL_NUM_ARGS), MemoryLayout<cl_uint>.size, &count, nil)
        try OpenCLStatus.check(status, "clGetKernelInfo", name)
        let kernel = Kernel(program: program, handle: handle, argumentCount: Int(count))
        state.kernels[key] = kernel
        return kernel
    }

    private func set(_ arguments: [KernelArgument], of kernel: Kernel, name: String) throws(DeviceError) {
        var index: cl_uint = 0
        func set(_ bytes: UnsafeRawPointer?, _ size: Int) throws(DeviceError) {
            guard Int(index) < kernel.argumentCount else {
                throw .invalidLaunch(kernel: name, problem: "more than its \(kernel.argumentCount) arguments")
            }
            let status = context.api.clSetKernelArg(kernel.handle, index, size, bytes)
            try OpenCLStatus.check(status, "clSetKernelArg", "\(name), argument \(index), \(size) bytes")
            index += 1
        }
        for argument in arguments {
            switch argument {
            case .buffer(let slice):
                var object = slice.buffer.object
                var offset = Int64(slice.elementOffset)
                try set(&object, MemoryLayout<cl_mem?>.size)
                try set(&offset, 8)
            case .bytes(let bytes): try set(bytes, bytes.count)
            case .int32(var value): try set(&value, 4)
            case .int64(var value): try set(&value, 8)
            case .float(var value): try set(&value, 4)
            case .double(var value): try set(&value, 8)
            case .local(let bytes): try set(nil, bytes)
            }
        }
        guard Int(index) == kernel.argumentCount else {
            throw .invalidLaunch(kernel: name, problem: "\(index) of its \(kernel.argumentCount) arguments given")
        }
    }

    private func ensureHealthy() throws(DeviceError) {
        if let failure = state.withLock({ $0.failure }) {
            throw .streamPoisoned(device: context.name, cause: failure.description)
        }
    }

    private func poisoning(_ call: String, _ what: String, _ body: () -> cl_int) throws(DeviceError) {
        do {
            try OpenCLStatus.check(body(), call, what)
        } catch {
            state.withLock { $0.failure = error }
            throw error
        }
    }
}
