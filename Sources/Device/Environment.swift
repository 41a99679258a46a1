#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The environment variables that steer LossKit, read once.
package enum Environment {
    /// The device that ``Device/default`` is, by the names ``Device/named(_:)`` takes.
    package static let device = value("LOSSKIT_DEVICE")
    /// `1` prints each launch, `validate` checks each launch with the CPU.
    package static let debug = value("LOSSKIT_DEBUG")
    /// Where a trace of every step of work is written when the process ends.
    package static let trace = value("LOSSKIT_TRACE")
    /// A folder whose files replace the kernels in the binary.
    package static let kernelDirectory = value("LOSSKIT_KERNEL_DIR")
    /// `exact`, `bare` or `guarded`: how buffers get their memory when somebody looks for mistakes.
    package static let memory = value("LOSSKIT_MEMORY").flatMap { MemoryMode(rawValue: $0) } ?? .pooled
    /// `cpu` or `gpu`: what OpenCL devices count as, so that kernels for the one can be tested on the other.
    package static let openCLType = value("LOSSKIT_OPENCL_TYPE")
    /// Set to do without doubles on OpenCL devices, as many GPUs must.
    package static let noDoubles = value("LOSSKIT_NO_DOUBLES") != nil
    /// What each device may hold, in bytes.
    package static let memoryLimit = value("LOSSKIT_MEMORY_LIMIT").flatMap { Int($0) }
    /// `FUNCTION:NTH:CODE`: which OpenCL call is to fail, to test what survives it.
    package static let fault = value("LOSSKIT_FAULT")
    /// How many threads the CPU works with.
    package static let threads = value("LOSSKIT_THREADS").flatMap { Int($0) }
    /// `off`, `interpret` or `compile`: how fused expressions run.
    package static let fusion = value("LOSSKIT_FUSION")
    /// Where compiled programs are kept.
    package static let cacheDirectory = value("LOSSKIT_CACHE_DIR")
    /// Set to keep no compiled programs on disk.
    package static let noCache = value("LOSSKIT_NO_CACHE") != nil

    /// Set to leave out what devices were tuned to.
    package static let noTuning = value("LOSSKIT_NO_TUNING") != nil

    /// A variable's value, or nil where it is unset or empty.
    package static func value(_ name: String) -> String? {
        guard let text = getenv(name), text[0] != 0 else { return nil }
        return String(cString: text)
    }
}
