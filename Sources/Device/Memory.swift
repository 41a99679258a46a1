import CLossKitOpenCL

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A block of a device's memory.
///
/// Unchecked: a block is an address that never changes; what it points to is guarded by the order of the stream that uses it.
enum Memory: @unchecked Sendable {
    case host(UnsafeMutableRawPointer)
    case openCL(cl_mem)
}

/// Where a device's memory comes from and goes back to.
enum MemorySource: Sendable {
    case host
    case openCL(OpenCLContext)

    /// A new block, or nil where there is no more.
    func allocate(_ byteCount: Int) -> Memory? {
        switch self {
        case .host:
            // Cache lines for the kernels' vectors; whole huge pages for large blocks, which the kernel then backs with fewer faults.
            let isLarge = byteCount >= 4 << 20
            var pointer: UnsafeMutableRawPointer?
            guard posix_memalign(&pointer, isLarge ? 2 << 20 : 64, byteCount) == 0, let pointer else { return nil }
            #if os(Linux)
            if isLarge { madvise(pointer, byteCount, MADV_HUGEPAGE) }
            #endif
            return .host(pointer)
        case .openCL(let context):
            return context.allocate(byteCount).map { .openCL($0) }
        }
    }

    func free(_ memory: Memory) {
        switch (self, memory) {
        case (.host, .host(let pointer)): pointer.deallocate()
        case (.openCL(let context), .openCL(let memory)): _ = context.api.clReleaseMemObject(memory)
        default: break
        }
    }
}
