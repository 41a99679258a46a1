#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The machine's memory.
enum HostMemory {
    /// All of it, in bytes.
    static let byteCount = Int(sysconf(Int32(_SC_PHYS_PAGES))) * Int(sysconf(Int32(_SC_PAGESIZE)))
}
