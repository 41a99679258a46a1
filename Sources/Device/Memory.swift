import CLossKitOpenCL

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// An address in a device's memory.
enum Memory: Sendable {
    case host(Handle<UnsafeMutableRawPointer>)
    case openCL(Handle<cl_mem>)
}

/// A stretch of a device's memory, and the streams whose work on it may not have finished.
struct MemoryBlock: Sendable {
    let memory: Memory
    /// Empty stands for the device's own stream.
    var users: [OpenCLStream] = []
}

/// Where a device's memory comes from and goes back to.
enum MemorySource: Sendable {
    case host
    case openCL(OpenCLContext)

    /// New memory, or nil where there is no more.
    func allocate(_ byteCount: Int) throws(DeviceError) -> Memory? {
        switch self {
        case .host:
            // Cache lines for the kernels' vectors; whole huge pages for large blocks, which the kernel then backs with fewer faults.
            let isLarge = byteCount >= 4 << 20
            var pointer: UnsafeMutableRawPointer?
            guard posix_memalign(&pointer, isLarge ? 2 << 20 : 64, byteCount) == 0, let pointer else { return nil }
            #if os(Linux)
            if isLarge { madvise(pointer, byteCount, MADV_HUGEPAGE) }
            #endif
            if Environment.memory == .exact { memset(pointer, 0xFF, byteCount) }
            return .host(Handle(pointer))
        case .openCL(let context):
            return try context.allocate(byteCount).map { .openCL(Handle($0)) }
        }
    }

    func free(_ memory: Memory) {
        guard Environment.memory != .bare else { return }
        switch (self, memory) {
        case (.host, .host(let pointer)): pointer.raw.deallocate()
        case (.openCL(let context), .openCL(let object)): _ = context.api.clReleaseMemObject(object.raw)
        default: break
        }
    }
}
