import CLossKitOpenCL
import Synchronization

extension OpenCLStream {
    /// Waits until everything queued has run.
    func finish() throws(DeviceError) {
        try ensureHealthy()
        try poisoning("clFinish", context.name, context.api.clFinish(queue.raw))
        settleNewKernels()
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
        settleNewKernels()
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
        // What was queued is kept by the event; the stream's next use throws.
        try? poisoning("clFlush", context.name, context.api.clFlush(queue.raw))
        return Handle(event)
    }

    /// Queues zeros into an object.
    func clear(_ object: cl_mem, at offset: Int, byteCount: Int) throws(DeviceError) {
        try ensureHealthy()
        var zero: UInt8 = 0
        let status = context.api.clEnqueueFillBuffer(queue.raw, object, &zero, 1, offset, byteCount, 0, nil, nil)
        try poisoning("clEnqueueFillBuffer", "\(byteCount) bytes", status)
    }

    /// Gives the host the memory of an object until ``unmap(_:_:)``, after the work queued before.
    func map(_ object: cl_mem, byteCount: Int) throws(DeviceError) -> UnsafeMutableRawPointer {
        try ensureHealthy()
        var status: cl_int = 0
        let flags = cl_map_flags(CL_MAP_READ | CL_MAP_WRITE)
        let (api, queue) = (context.api, queue)
        let found = context.mapping.withLock { _ in
            api.clEnqueueMapBuffer(queue.raw, object, cl_bool(CL_TRUE), flags, 0, byteCount, 0, nil, nil, &status).map { Handle($0) }
        }
        let pointer = found?.raw
        try poisoning("clEnqueueMapBuffer", "\(byteCount) bytes", status)
        guard let pointer else { throw .callFailed(call: "clEnqueueMapBuffer", status: "no address", context: "\(byteCount) bytes") }
        return pointer
    }

    func unmap(_ object: cl_mem, _ pointer: UnsafeMutableRawPointer) throws(DeviceError) {
        let status = context.mapping.withLock { _ in context.api.clEnqueueUnmapMemObject(queue.raw, object, pointer, 0, nil, nil) }
        try poisoning("clEnqueueUnmapMemObject", context.name, status)
    }

    /// Holds back what is queued here from now on until everything queued on `other` so far has run.
    func wait(for other: OpenCLStream) throws(DeviceError) {
        let context = context
        let outcome = try other.unlessRetired { () throws(DeviceError) in
            let (event, status) = other.marker()
            return (event, status, status == 0 ? context.api.clFlush(other.queue.raw) : 0)
        }
        guard let (marker, status, flushed) = outcome else { return }
        defer { if let marker { _ = context.api.clReleaseEvent(marker) } }
        try other.poisoning("clEnqueueMarkerWithWaitList", context.name, status)
        try other.poisoning("clFlush", context.name, flushed)
        var list: cl_event? = marker
        try poisoning("clEnqueueBarrierWithWaitList", context.name, context.api.clEnqueueBarrierWithWaitList(queue.raw, 1, &list, nil))
    }

    /// An event after everything queued so far.
    private func marker() -> (event: cl_event?, status: cl_int) {
        var event: cl_event?
        let status = context.api.clEnqueueMarkerWithWaitList(queue.raw, 0, nil, &event)
        return (event, status)
    }

    /// Suspends the task, without holding a thread, until everything queued so far has run.
    func completion() async throws(DeviceError) {
        try ensureHealthy()
        let (marker, status) = marker()
        try poisoning("clEnqueueMarkerWithWaitList", context.name, status)
        guard let marker else { return try finish() }
        let event = Handle(marker)
        var flushed: cl_int = 0
        let outcome = await withUnsafeContinuation { (continuation: UnsafeContinuation<Waiter.Outcome, Never>) in
            let waiter = Waiter(continuation)
            let callback = Unmanaged.passRetained(waiter)
            let status = context.api.clSetEventCallback(
                event.raw, CL_COMPLETE,
                { _, status, data in
                    guard let data else { return }
                    Unmanaged<Waiter>.fromOpaque(data).takeRetainedValue().resume(("event", min(status, 0)))
                }, callback.toOpaque())
            guard status == 0 else {
                callback.release()
                return waiter.resume(("clSetEventCallback", status))
            }
            // Nothing promises that a callback comes for a command that was never handed to the device.
            flushed = context.api.clFlush(queue.raw)
            if flushed != 0 { waiter.resume(("clFlush", flushed)) }
        }
        _ = context.api.clReleaseEvent(event.raw)
        // The work may have been over by then.
        try poisoning("clFlush", context.name, flushed)
        try poisoning(outcome.call, context.name, outcome.status)
    }

    /// Resumes a task once, whoever comes first.
    private final class Waiter: Sendable {
        typealias Outcome = (call: String, status: cl_int)

        private let continuation: Mutex<UnsafeContinuation<Outcome, Never>?>

        init(_ continuation: UnsafeContinuation<Outcome, Never>) { self.continuation = Mutex(continuation) }

        func resume(_ outcome: Outcome) {
            let continuation = continuation.withLock { continuation in
                defer { continuation = nil }
                return continuation
            }
            continuation?.resume(returning: outcome)
        }
    }
}
