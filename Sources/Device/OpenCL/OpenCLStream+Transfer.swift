import CLossKitOpenCL

extension OpenCLStream {
    /// Waits until everything queued has run.
    func finish() throws(DeviceError) {
        try ensureHealthy()
        try poisoning("clFinish", context.name, context.api.clFinish(queue.raw))
    }

    func write(_ source: UnsafeRawPointer, _ count: Int, to object: cl_mem, at offset: Int) throws(DeviceError) {
        try ensureHealthy()
        let status = context.api.clEnqueueWriteBuffer(queue.raw, object, cl_bool(CL_TRUE), offset, count, source, 0, nil, nil)
        try poisoning("clEnqueueWriteBuffer", "\(count) bytes", status)
    }

    func read(_ object: cl_mem, at offset: Int, into target: UnsafeMutableRawPointer, _ count: Int) throws(DeviceError) {
        try ensureHealthy()
        let status = context.api.clEnqueueReadBuffer(queue.raw, object, cl_bool(CL_TRUE), offset, count, target, 0, nil, nil)
        try poisoning("clEnqueueReadBuffer", "\(count) bytes", status)
    }

    /// Queues a read and hands the queue to the device. The target must live until the event, which the caller releases.
    func startRead(_ object: cl_mem, at offset: Int, into target: UnsafeMutableRawPointer, _ count: Int)
        throws(DeviceError) -> Handle<cl_event>
    {
        try ensureHealthy()
        var event: cl_event?
        let status = context.api.clEnqueueReadBuffer(queue.raw, object, cl_bool(CL_FALSE), offset, count, target, 0, nil, &event)
        try poisoning("clEnqueueReadBuffer", "\(count) bytes", status)
        guard let event else { throw .callFailed(call: "clEnqueueReadBuffer", status: "no event", context: "\(count) bytes") }
        _ = context.api.clFlush(queue.raw)
        return Handle(event)
    }

    /// Queues zeros into an object.
    func clear(_ object: cl_mem, byteCount: Int) throws(DeviceError) {
        try ensureHealthy()
        var zero: UInt8 = 0
        let status = context.api.clEnqueueFillBuffer(queue.raw, object, &zero, 1, 0, byteCount, 0, nil, nil)
        try poisoning("clEnqueueFillBuffer", "\(byteCount) bytes", status)
    }

    /// Gives the host the memory of an object until ``unmap(_:_:)``, after the work queued before.
    func map(_ object: cl_mem, byteCount: Int) throws(DeviceError) -> UnsafeMutableRawPointer {
        try ensureHealthy()
        var status: cl_int = 0
        let flags = cl_map_flags(CL_MAP_READ | CL_MAP_WRITE)
        let pointer = context.api.clEnqueueMapBuffer(
            queue.raw, object, cl_bool(CL_TRUE), flags, 0, byteCount, 0, nil, nil, &status)
        try poisoning("clEnqueueMapBuffer", "\(byteCount) bytes", status)
        guard let pointer else { throw .callFailed(call: "clEnqueueMapBuffer", status: "no address", context: "\(byteCount) bytes") }
        return pointer
    }

    func unmap(_ object: cl_mem, _ pointer: UnsafeMutableRawPointer) throws(DeviceError) {
        let status = context.api.clEnqueueUnmapMemObject(queue.raw, object, pointer, 0, nil, nil)
        try poisoning("clEnqueueUnmapMemObject", context.name, status)
    }

    /// Holds back what is queued here from now on until everything queued on `other` so far has run.
    func wait(for other: OpenCLStream) throws(DeviceError) {
        let event = try other.marker()
        defer { _ = context.api.clReleaseEvent(event) }
        try other.poisoning("clFlush", context.name, context.api.clFlush(other.queue.raw))
        var list: cl_event? = event
        try poisoning("clEnqueueBarrierWithWaitList", context.name, context.api.clEnqueueBarrierWithWaitList(queue.raw, 1, &list, nil))
    }

    private func marker() throws(DeviceError) -> cl_event {
        var event: cl_event?
        let status = context.api.clEnqueueMarkerWithWaitList(queue.raw, 0, nil, &event)
        try poisoning("clEnqueueMarkerWithWaitList", context.name, status)
        guard let event else { throw .callFailed(call: "clEnqueueMarkerWithWaitList", status: "no event", context: context.name) }
        return event
    }

    /// Suspends the task, without holding a thread, until everything queued so far has run.
    func completion() async throws(DeviceError) {
        try ensureHealthy()
        let event = Handle(try marker())
        let status = await withUnsafeContinuation { (continuation: UnsafeContinuation<cl_int, Never>) in
            let waiter = Unmanaged.passRetained(Waiter(continuation))
            let status = context.api.clSetEventCallback(
                event.raw, CL_COMPLETE,
                { _, status, data in
                    if let data { Unmanaged<Waiter>.fromOpaque(data).takeRetainedValue().continuation.resume(returning: min(status, 0)) }
                }, waiter.toOpaque())
            guard status == 0 else {
                waiter.takeRetainedValue().continuation.resume(returning: status)
                return
            }
            // Nothing promises that a callback comes for a command that was never handed to the device.
            _ = context.api.clFlush(queue.raw)
        }
        _ = context.api.clReleaseEvent(event.raw)
        try poisoning("event", context.name, status)
    }

    private final class Waiter: Sendable {
        let continuation: UnsafeContinuation<cl_int, Never>
        init(_ continuation: UnsafeContinuation<cl_int, Never>) { self.continuation = continuation }
    }
}
