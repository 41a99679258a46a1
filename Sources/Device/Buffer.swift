import CLossKitOpenCL
import Synchronization

/// Bytes in a device's memory, given back to the device's pool when nobody holds them any more.
package final class Buffer: Sendable {
    /// Which streams' work touches the bytes; `nil` and empty stand for the device's own stream.
    private struct Usage {
        var writer: OpenCLStream?
        var readers: [OpenCLStream] = []
    }

    package let device: Device
    package let byteCount: Int
    /// Nil for an empty buffer, which takes no memory.
    let memory: Memory?
    private let usage: Mutex<Usage>
    private let checks = Mutex<[DeferredCheck]>([])
    private let scope: Profiler.Scope?
    /// What tells the owner of borrowed memory that nobody reads it any more.
    private let release: (@Sendable () -> Void)?

    /// - Throws: ``DeviceError/outOfMemory(device:requested:inUse:cached:limit:)``.
    package init(byteCount: Int, on device: Device) throws(DeviceError) {
        self.device = device
        self.byteCount = byteCount
        let block = byteCount > 0 ? try device.state.pool.allocate(byteCount + 2 * Canary.byteCount) : nil
        memory = block?.memory
        var usage = Usage()
        if device.state.hasSeparateStreams, let stream = device.state.currentStream, let block {
            usage.writer = stream
            // What is left of the block's past may still be running elsewhere; its outcome does not matter here, but its end does.
            for user in block.users.isEmpty ? [device.state.stream].compactMap({ $0 }) : block.users where user !== stream {
                do throws(DeviceError) { try stream.wait(for: user) } catch { stream.poison(error) }
            }
        }
        self.usage = Mutex(usage)
        scope = Profiler.scope
        release = nil
        scope?.allocated(byteCount)
        try plantCanaries()
    }

    /// Memory of the host that somebody else owns, read by the CPU where it lies; `release` is called when nobody reads it any more.
    ///
    /// Nil where it cannot be read there, since canaries are to stand beside every buffer: then it has to be copied.
    package init?(borrowing bytes: UnsafeRawBufferPointer, release: @escaping @Sendable () -> Void) {
        guard !Canary.isOn, let start = bytes.baseAddress, !bytes.isEmpty else { return nil }
        device = .cpu
        byteCount = bytes.count
        memory = .host(Handle(UnsafeMutableRawPointer(mutating: start)))
        usage = Mutex(Usage())
        scope = nil
        self.release = release
    }

    deinit {
        if let release { return release() }
        scope?.freed(byteCount)
        guard let memory else { return }
        var block = MemoryBlock(memory: memory)
        if device.state.hasSeparateStreams {
            block.users = usage.withLock { [$0.writer ?? device.state.stream].compactMap { $0 } + $0.readers }
        }
        device.state.pool.release(block, byteCount: byteCount + 2 * Canary.byteCount)
    }

    /// The address of the first byte, on the CPU device.
    package var hostPointer: UnsafeMutableRawPointer? {
        if case .host(let pointer) = memory { pointer.raw + Canary.byteCount } else { nil }
    }

    /// Its first ``Canary/byteCount`` bytes are a canary's.
    var object: cl_mem? {
        if case .openCL(let object) = memory { object.raw } else { nil }
    }

    /// Writes bytes into the buffer; the source may be reused at once.
    package func upload(_ bytes: UnsafeRawBufferPointer, at byteOffset: Int = 0) throws(DeviceError) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        try checkBounds(byteOffset, bytes.count)
        Profiler.scope?.uploaded(bytes.count)
        switch memory {
        case .host(let pointer): (pointer.raw + Canary.byteCount + byteOffset).copyMemory(from: source, byteCount: bytes.count)
        case .openCL(let object):
            guard let stream = device.state.currentStream else { return }
            try willWrite(on: stream)
            try stream.write(source, bytes.count, to: object.raw, at: Canary.byteCount + byteOffset)
        case nil: break
        }
    }

    /// Reads bytes from the buffer, after the work that writes them.
    ///
    /// - Throws: ``DeviceError``, and what a ``DeferredCheck`` found that the bytes depend on.
    package func download(into bytes: UnsafeMutableRawBufferPointer, from byteOffset: Int = 0) throws {
        guard let target = bytes.baseAddress, !bytes.isEmpty else { return }
        try checkBounds(byteOffset, bytes.count)
        Profiler.scope?.downloaded(bytes.count)
        switch memory {
        case .host(let pointer): target.copyMemory(from: pointer.raw + Canary.byteCount + byteOffset, byteCount: bytes.count)
        case .openCL(let object):
            guard let stream = device.state.currentStream else { return }
            try willRead(on: stream)
            try stream.read(object.raw, at: Canary.byteCount + byteOffset, into: target, bytes.count)
            try resolveChecks()
        case nil: break
        }
    }

    /// The checks that the bytes depend on and that are not known to have passed.
    var openChecks: [DeferredCheck] {
        checks.withLock { checks in
            checks.removeAll(where: \.hasPassed)
            return checks
        }
    }

    /// Lets the bytes depend on checks.
    func carry(_ more: [DeferredCheck]) {
        checks.withLock { checks in
            checks.removeAll(where: \.hasPassed)
            for check in more where !checks.contains(where: { $0 === check }) { checks.append(check) }
        }
    }

    /// Throws what a check found that the bytes depend on.
    func resolveChecks() throws {
        guard !device.state.deferredChecks.isZero else { return }
        for check in openChecks { try check.resolve() }
    }

    /// Orders what `stream` does next after the work that wrote the bytes.
    func willRead(on stream: OpenCLStream) throws(DeviceError) {
        guard device.state.hasSeparateStreams else { return }
        try usage.withLock { usage throws(DeviceError) in
            guard let writer = usage.writer ?? device.state.stream, writer !== stream,
                !usage.readers.contains(where: { $0 === stream })
            else { return }
            try writer.ensureHealthy()
            try stream.wait(for: writer)
            usage.readers.removeAll(where: \.isRetired)
            usage.readers.append(stream)
        }
    }

    /// Orders what `stream` does next after the work that read or wrote the bytes.
    func willWrite(on stream: OpenCLStream) throws(DeviceError) {
        guard device.state.hasSeparateStreams else { return }
        try usage.withLock { usage throws(DeviceError) in
            for user in [usage.writer ?? device.state.stream].compactMap({ $0 }) + usage.readers where user !== stream {
                try stream.wait(for: user)
            }
            usage = Usage(writer: stream)
        }
    }

    private func checkBounds(_ offset: Int, _ count: Int) throws(DeviceError) {
        guard offset >= 0, count <= byteCount - offset else {
            throw .invalidLaunch(kernel: "transfer", problem: "\(count) bytes from byte \(offset) of a buffer of \(byteCount)")
        }
    }
}
