import CLossKitOpenCL
import Synchronization

/// A check of a step's input that the device makes itself: what it found is known once the step has run, and nobody waits for it before.
///
/// The buffers that the step wrote carry the check, and so does whatever is computed from them; reading one of them throws what was found.
package final class DeferredCheck: Sendable {
    /// How many checks of a device are not known to have passed: while there are none, nobody has to look for one.
    final class Count: Sendable {
        private let open = Atomic(0)
        var isZero: Bool { open.load(ordering: .relaxed) == 0 }
        func add(_ change: Int) { open.add(change, ordering: .relaxed) }
    }

    private enum Outcome {
        case open, passed
        case failed(any Error)
    }

    private let outcome = Mutex(Outcome.open)
    private let count: Count
    private let context: OpenCLContext
    private let words: Handle<UnsafeMutablePointer<Int64>>
    private let event: Handle<cl_event>
    private let judge: @Sendable (Int64, Int64) -> (any Error)?

    /// Queues the reading of two words, and judges them when they have come.
    init(
        of object: cl_mem, at offset: Int, on stream: OpenCLStream, count: Count, judge: @escaping @Sendable (Int64, Int64) -> (any Error)?
    ) throws(DeviceError) {
        let words = UnsafeMutablePointer<Int64>.allocate(capacity: 2)
        words.initialize(repeating: 0, count: 2)
        do throws(DeviceError) {
            event = try stream.startRead(object, at: offset, into: words, 16)
        } catch {
            words.deallocate()
            throw error
        }
        self.words = Handle(words)
        self.count = count
        self.judge = judge
        context = stream.context
        count.add(1)
        // The driver writes to the words until the event: the callback holds them until then.
        let retained = Unmanaged.passRetained(self)
        let status = context.api.clSetEventCallback(
            event.raw, CL_COMPLETE,
            { _, status, data in
                if let data { Unmanaged<DeferredCheck>.fromOpaque(data).takeRetainedValue().settle(status) }
            }, retained.toOpaque())
        guard status != 0 else { return }
        wait()
        retained.release()
    }

    deinit {
        if !hasPassed { count.add(-1) }
        _ = context.api.clReleaseEvent(event.raw)
        words.raw.deallocate()
    }

    /// Whether it is known by now that there is nothing to object to.
    var hasPassed: Bool {
        outcome.withLock { if case .passed = $0 { true } else { false } }
    }

    /// Waits for the check, and throws what it found.
    func resolve() throws {
        if outcome.withLock({ if case .open = $0 { true } else { false } }) { wait() }
        if case .failed(let error) = outcome.withLock({ $0 }) { throw error }
    }

    private func wait() {
        var event: cl_event? = event.raw
        settle(context.api.clWaitForEvents(1, &event))
    }

    /// Judges the words once their event is complete.
    private func settle(_ status: cl_int) {
        outcome.withLock { outcome in
            guard case .open = outcome else { return }
            if status < 0 {
                outcome = .failed(
                    DeviceError.callFailed(call: "clEnqueueReadBuffer", status: OpenCLStatus.name(status), context: "deferred check"))
            } else if let error = judge(words.raw[0], words.raw[1]) {
                outcome = .failed(error)
            } else {
                outcome = .passed
                count.add(-1)
            }
        }
    }
}

extension OpenCLEncoder {
    /// Reads two words back, without waiting, after the work queued so far, and lets the results carry what `judge` makes of them.
    package func deferCheck(
        of words: BufferSlice, for results: [BufferSlice], judge: @escaping @Sendable (Int64, Int64) -> (any Error)?
    ) throws {
        guard let object = words.buffer.object else { return }
        let check = try DeferredCheck(
            of: object, at: Canary.byteCount + words.byteOffset, on: stream, count: device.state.deferredChecks, judge: judge)
        for result in results { result.buffer.carry([check]) }
    }
}

extension Device {
    /// Lets what a step wrote carry the checks of what it read; what went to the host instead waits for them.
    func passOnChecks(from reads: [BufferSlice], to writes: [BufferSlice]) throws {
        guard !state.deferredChecks.isZero else { return }
        var checks: [DeferredCheck] = []
        for slice in reads {
            for check in slice.buffer.openChecks where !checks.contains(where: { $0 === check }) { checks.append(check) }
        }
        guard !checks.isEmpty else { return }
        for slice in writes { slice.buffer.carry(checks) }
        if writes.isEmpty { for check in checks { try check.resolve() } }
    }
}
