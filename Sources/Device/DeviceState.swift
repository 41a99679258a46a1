import Synchronization

/// What a device is and holds.
final class DeviceState: Sendable {
    private struct WeakStream: Sendable {
        weak var stream: OpenCLStream?
    }

    let name: String
    let vendor: String
    let kind: Device.Kind
    let pool: MemoryPool
    /// The device's own stream; nil for the CPU.
    let stream: OpenCLStream?
    let tuning: Tuning
    let deferredChecks = DeferredCheck.Count()
    private let others = Mutex<[WeakStream]>([])
    private let isSplit = Atomic(false)

    init(name: String, vendor: String, kind: Device.Kind, capacity: Int, stream: OpenCLStream?, tuning: Tuning = Tuning()) {
        self.name = name
        self.vendor = vendor
        self.kind = kind
        self.stream = stream
        self.tuning = tuning
        pool = MemoryPool(source: stream.map { .openCL($0.context) } ?? .host, name: name, capacity: capacity)
        if let limit = Environment.memoryLimit { pool.setLimit(limit) }
    }

    /// Whether there was ever a stream but the device's own; until then nobody has to keep track of who uses what.
    var hasSeparateStreams: Bool { isSplit.load(ordering: .acquiring) }

    /// The stream that the current task's work goes to.
    var currentStream: OpenCLStream? {
        guard hasSeparateStreams, let current = Stream.current, current.device.state === self else { return stream }
        return current.queue
    }

    func makeStream() throws(DeviceError) -> OpenCLStream? {
        guard let stream else { return nil }
        let other = try OpenCLStream(context: stream.context, programs: stream.programs)
        others.withLock { others in
            others.removeAll { $0.stream?.isRetired ?? true }
            others.append(WeakStream(stream: other))
        }
        isSplit.store(true, ordering: .releasing)
        return other
    }

    /// Every stream that is alive, the device's own first.
    var streams: [OpenCLStream] {
        [stream].compactMap { $0 } + (hasSeparateStreams ? others.withLock { $0.compactMap(\.stream).filter { !$0.isRetired } } : [])
    }
}
