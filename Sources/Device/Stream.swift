/// A queue of a device's work that runs in order, beside the device's other streams.
///
/// Work runs on the device's own stream unless ``withStream(_:_:)`` chooses another. Data may cross between streams freely: whatever uses a
/// buffer waits for the work of other streams that wrote it. On the CPU, work runs at once and a stream changes nothing.
public final class Stream: Sendable {
    /// The device whose work it queues.
    public let device: Device
    let queue: OpenCLStream?

    @TaskLocal static var current: Stream?

    /// A new stream of a device.
    public init(on device: Device) throws(DeviceError) {
        self.device = device
        queue = try device.state.makeStream()
    }

    deinit { queue?.retire() }

    /// Waits until everything launched on the stream so far has run.
    public func synchronize() throws(DeviceError) { try queue?.finish() }

    /// Suspends the task until everything launched on the stream so far has run; no thread waits.
    public func completion() async throws(DeviceError) { try await queue?.completion() }

    /// Makes the stream usable again after a failure that stopped it.
    public func reset() { queue?.reset() }
}

/// Runs `body` with its work launched on `stream`.
public func withStream<R>(_ stream: Stream, _ body: () throws -> R) rethrows -> R {
    try Stream.$current.withValue(stream, operation: body)
}

/// Runs `body` with its work launched on `stream`.
public func withStream<R>(
    _ stream: Stream, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> R
) async rethrows -> R {
    try await Stream.$current.withValue(stream, operation: body)
}
