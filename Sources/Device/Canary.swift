/// What stands before and behind every buffer in guarded runs: bytes that nobody may write.
enum Canary {
    /// On either side; a multiple of every element's size and of a cache line. None unless `LOSSKIT_MEMORY` is `guarded`.
    static let byteCount = Environment.memory == .guarded ? 128 : 0

    static var isOn: Bool { byteCount > 0 }

    static let pattern = [UInt8](repeating: 0xA5, count: byteCount)

    /// Throws where a buffer's canaries have changed since it was made, once the work queued so far has run.
    static func check(_ slices: [BufferSlice], after kernel: @autoclosure () -> String) throws {
        guard isOn else { return }
        for slice in slices {
            guard let byte = try slice.buffer.firstByteOverrun() else { continue }
            throw DeviceError.overrun(kernel: kernel(), size: slice.buffer.byteCount, byte: byte)
        }
    }
}

extension Buffer {
    /// Writes the canaries.
    func plantCanaries() throws(DeviceError) {
        guard Canary.isOn else { return }
        for place in [-Canary.byteCount, byteCount] {
            switch memory {
            case .host(let pointer):
                (pointer.raw + Canary.byteCount + place).copyMemory(from: Canary.pattern, byteCount: Canary.byteCount)
            case .openCL(let object):
                try device.state.currentStream?.write(Canary.pattern, Canary.byteCount, to: object.raw, at: Canary.byteCount + place)
            case nil: break
            }
        }
    }

    /// The place of the first byte beside the buffer that somebody wrote, negative before it.
    func firstByteOverrun() throws(DeviceError) -> Int? {
        for place in [-Canary.byteCount, byteCount] {
            var found = Canary.pattern
            switch memory {
            case .host(let pointer):
                found.withUnsafeMutableBytes {
                    $0.copyMemory(from: UnsafeRawBufferPointer(start: pointer.raw + Canary.byteCount + place, count: Canary.byteCount))
                }
            case .openCL(let object):
                try device.state.currentStream?.read(object.raw, at: Canary.byteCount + place, into: &found, Canary.byteCount)
            case nil: break
            }
            if let index = zip(found, Canary.pattern).enumerated().first(where: { $1.0 != $1.1 })?.offset { return place + index }
        }
        return nil
    }
}
