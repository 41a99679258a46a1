import CLossKitOpenCL
import Synchronization

/// An in-order queue of a device's work, with kernel objects of its own.
///
/// `state`'s lock is held from setting a kernel's arguments until it is queued, since OpenCL allows no other thread at the kernel in
/// between.
final class OpenCLStream: Sendable {
    private struct KernelKey: Hashable {
        var program: ObjectIdentifier
        var name: String
    }

    private struct Kernel {
        /// Held so that its identity stays taken.
        var program: Program
        var handle: Handle<cl_kernel>
        var argumentCount: Int
    }

    private struct State {
        var kernels: [KernelKey: Kernel] = [:]
        var failure: DeviceError?
        var isRetired = false
        /// Whether a kernel was launched for the first time: drivers compile then, in threads of their own.
        var hasNewKernels = false
    }

    let context: OpenCLContext
    let queue: Handle<cl_command_queue>
    let programs: ProgramLibrary
    private let state = Mutex(State())

    init(context: OpenCLContext, programs: ProgramLibrary) throws(DeviceError) {
        var status: cl_int = 0
        let queue = context.api.clCreateCommandQueue(context.context.raw, context.device.raw, 0, &status)
        try OpenCLStatus.check(status, "clCreateCommandQueue", context.name)
        guard let queue else { throw .callFailed(call: "clCreateCommandQueue", status: "no queue", context: context.name) }
        self.context = context
        self.queue = Handle(queue)
        self.programs = programs
        ProcessExit.watch(self)
    }

    deinit { retire() }

    /// Whether the queue is gone, with all its work done; buffers may still name the stream as the one that used them last.
    var isRetired: Bool { state.withLock { $0.isRetired } }

    /// Waits for the work and gives the queue back, when nobody can launch here any more.
    func retire() {
        guard !isRetired else { return }
        let status = context.api.clFinish(queue.raw)
        state.withLock { state in
            state.failure = status == 0 ? nil : .callFailed(call: "clFinish", status: OpenCLStatus.name(status), context: context.name)
            for kernel in state.kernels.values { _ = context.api.clReleaseKernel(kernel.handle.raw) }
            state.kernels = [:]
            _ = context.api.clReleaseCommandQueue(queue.raw)
            state.isRetired = true
        }
    }

    /// To be called when everything launched before has run.
    func settleNewKernels() {
        let hadNew = state.withLock { state in
            defer { state.hasNewKernels = false }
            return state.hasNewKernels
        }
        if hadNew { ProcessExit.wait() }
    }

    /// Waits for the work, whatever comes of it.
    func drain() {
        guard !isRetired else { return }
        _ = context.api.clFinish(queue.raw)
    }

    /// Runs `body` unless the queue is gone, and keeps it from going meanwhile.
    func unlessRetired<R>(_ body: () throws(DeviceError) -> R) throws(DeviceError) -> R? {
        try state.withLock { state throws(DeviceError) in state.isRetired ? nil : try body() }
    }

    /// Makes the stream usable again after a failure.
    func reset() { state.withLock { $0.failure = nil } }

    /// Stops the stream: every later use throws until ``reset()``.
    func poison(_ error: DeviceError) { state.withLock { $0.failure = $0.failure ?? error } }

    func ensureHealthy() throws(DeviceError) {
        if let failure = state.withLock({ $0.failure }) {
            throw .streamPoisoned(device: context.name, cause: failure.description)
        }
    }

    /// Checks a call's status; a failure poisons the stream, since what was queued may not have run.
    func poisoning(_ call: String, _ what: @autoclosure () -> String, _ status: cl_int) throws(DeviceError) {
        guard status != 0 else { return }
        let error = DeviceError.callFailed(call: call, status: OpenCLStatus.name(status), context: what())
        poison(error)
        throw error
    }

    /// Queues a kernel.
    ///
    /// - Returns: 0, or why there was no memory, when nothing was queued.
    func launch(
        _ name: String, of program: Program, arguments: [KernelArgument], global: [Int], local: [Int]?
    ) throws(DeviceError) -> cl_int {
        try ensureHealthy()
        guard (1...3).contains(global.count), !global.contains(where: { $0 < 0 }), local == nil || local?.count == global.count,
            local?.contains(where: { $0 < 1 }) != true
        else { throw .invalidLaunch(kernel: name, problem: "global size \(global), local size \(local ?? [])") }
        if global.contains(0) { return 0 }
        let padded = local.map { local in zip(global, local).map { ($0 + $1 - 1) / $1 * $1 } } ?? global
        let first = program.awaitsStore ? programs.cache : nil
        var event: cl_event?
        let status = try state.withLock { state throws(DeviceError) in
            let kernel = try self.kernel(name, of: program, in: &state)
            try set(arguments, of: kernel, name: name)
            return withUnsafeMutablePointer(to: &event) { event in
                context.api.clEnqueueNDRangeKernel(
                    queue.raw, kernel.handle.raw, cl_uint(global.count), nil, padded, local, 0, nil, first == nil ? nil : event)
            }
        }
        if let first, let event { program.store(in: first, after: event) }
        switch status {
        case 0: return 0
        case _ where Self.mayRetry(status): return status
        case CL_INVALID_KERNEL_ARGS, CL_INVALID_WORK_DIMENSION, CL_INVALID_WORK_GROUP_SIZE, CL_INVALID_WORK_ITEM_SIZE,
            CL_INVALID_GLOBAL_WORK_SIZE:
            throw .invalidLaunch(kernel: name, problem: "\(OpenCLStatus.name(status)), global size \(padded), local size \(local ?? [])")
        default:
            try poisoning("clEnqueueNDRangeKernel", "\(name), global \(padded), local \(local ?? [])", status)
            return 0
        }
    }

    /// Lets a library queue work of its own, while nobody else queues any.
    ///
    /// - Returns: 0, or why there was no memory, when nothing was queued.
    func enqueue(_ call: String, _ body: (cl_command_queue) -> cl_int) throws(DeviceError) -> cl_int {
        try ensureHealthy()
        let status = state.withLock { _ in body(queue.raw) }
        if Self.mayRetry(status) { return status }
        try poisoning(call, context.name, status)
        return 0
    }

    /// Whether a status says that nothing was queued for want of memory; running out of other resources may have stopped the queue.
    private static func mayRetry(_ status: cl_int) -> Bool {
        status == CL_MEM_OBJECT_ALLOCATION_FAILURE || status == CL_OUT_OF_HOST_MEMORY
    }

    private func kernel(_ name: String, of program: Program, in state: inout State) throws(DeviceError) -> Kernel {
        let key = KernelKey(program: ObjectIdentifier(program), name: name)
        if let kernel = state.kernels[key] { return kernel }
        var status: cl_int = 0
        guard let handle = context.api.clCreateKernel(program.handle.raw, name, &status), status == 0 else {
            throw .callFailed(call: "clCreateKernel", status: OpenCLStatus.name(status), context: name)
        }
        var count: cl_uint = 0
        status = context.api.clGetKernelInfo(handle, cl_kernel_info(CL_KERNEL_NUM_ARGS), MemoryLayout<cl_uint>.size, &count, nil)
        guard status == 0 else {
            _ = context.api.clReleaseKernel(handle)
            throw .callFailed(call: "clGetKernelInfo", status: OpenCLStatus.name(status), context: name)
        }
        let kernel = Kernel(program: program, handle: Handle(handle), argumentCount: Int(count))
        state.kernels[key] = kernel
        state.hasNewKernels = true
        return kernel
    }

    private func set(_ arguments: [KernelArgument], of kernel: Kernel, name: String) throws(DeviceError) {
        let count = arguments.reduce(0) { $0 + $1.slotCount }
        guard count == kernel.argumentCount else {
            throw .invalidLaunch(kernel: name, problem: "\(count) arguments given, expected \(kernel.argumentCount)")
        }
        var index: cl_uint = 0
        func set(_ bytes: UnsafeRawPointer?, _ size: Int) throws(DeviceError) {
            let status = context.api.clSetKernelArg(kernel.handle.raw, index, size, bytes)
            try OpenCLStatus.check(status, "clSetKernelArg", "\(name), argument \(index) of \(size) bytes")
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
    }
}

extension KernelArgument {
    /// How many of the kernel's arguments it fills.
    fileprivate var slotCount: Int {
        if case .buffer = self { 2 } else { 1 }
    }
}
