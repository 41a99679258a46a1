import CLossKitOpenCL

/// Bytes in a device's memory, given back to the device's pool when nobody holds them any more.
package final class Buffer: Sendable {
    package let device: Device
    package let byteCount: Int
    /// Nil for an empty buffer, which takes no memory.
    let memory: Memory?
    private let scope: Profiler.Scope?

    /// - Throws: ``DeviceError/outOfMemory(device:requested:inUse:cached:limit:)``.
    package init(byteCount: Int, on device: Device) throws(DeviceError) {
        self.device = device
        self.byteCount = byteCount
        memory = byteCount > 0 ? try device.state.pool.allocate(byteCount) : nil
        scope = Profiler.scope
        scope?.allocated(byteCount)
    }

    deinit {
        scope?.freed(byteCount)
        if let memory { device.state.pool.release(memory, byteCount: byteCount) }
    }

    /// The address of the first byte, on the CPU device.
    package var hostPointer: UnsafeMutableRawPointer? {
        if case .host(let pointer) = memory { pointer } else { nil }
    }

    var object: cl_mem? {
        if case .openCL(let object) = memory { object } else { nil }
    }

    /// Writes bytes into the buffer; the source may be reused at once.
    package func upload(_ bytes: UnsafeRawBufferPointer, at byteOffset: Int = 0) throws(DeviceError) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        try checkBounds(byteOffset, bytes.count)
        Profiler.scope?.uploaded(bytes.count)
        switch memory {
        case .host(let pointer): (pointer + byteOffset).copyMemory(from: source, byteCount: bytes.count)
        case .openCL(let object): try device.state.stream?.write(source, bytes.count, to: object, at: byteOffset)
        case nil: break
        }
    }

    /// Reads bytes from the buffer, after the work that writes them.
    package func download(into bytes: UnsafeMutableRawBufferPointer, from byteOffset: Int = 0) throws(DeviceError) {
        guard let target = bytes.baseAddress, !bytes.isEmpty else { return }
        try checkBounds(byteOffset, bytes.count)
        Profiler.scope?.downloaded(bytes.count)
        switch memory {
        case .host(let pointer): target.copyMemory(from: pointer + byteOffset, byteCount: bytes.count)
        case .openCL(let object): try device.state.stream?.read(object, at: byteOffset, into: target, bytes.count)
        case nil: break
        }
    }

    private func checkBounds(_ offset: Int, _ count: Int) throws(DeviceError) {
        guard offset >= 0, count <= byteCount - offset else {
            throw .invalidLaunch(kernel: "transfer", problem: "bytes \(offset)..<\(offset + count) of a buffer of \(byteCount)")
        }
    }
}
