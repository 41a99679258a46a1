import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Lets work in progress end before the process does: a driver's threads and compilers do not survive the destruction of their libraries'
/// globals.
enum ProcessExit {
    private struct WeakStream: Sendable {
        weak var stream: OpenCLStream?
    }

    private static let streams = Mutex<[WeakStream]>([])
    private static let compilations = Atomic(0)

    /// Names a stream whose work is to be waited for.
    static func watch(_ stream: OpenCLStream) {
        streams.withLock { streams in
            streams.removeAll { $0.stream == nil }
            streams.append(WeakStream(stream: stream))
        }
        wait()
    }

    /// Runs a compilation, which the end of the process waits for.
    static func whileCompiling<R>(_ body: () -> R) -> R {
        compilations.add(1, ordering: .acquiringAndReleasing)
        defer {
            wait()
            compilations.subtract(1, ordering: .acquiringAndReleasing)
        }
        return body()
    }

    /// Registers the wait before every destructor known so far: what is registered last runs first, and compilers make globals while they
    /// work.
    static func wait() {
        _ = atexit {
            BackgroundQueue.close()
            while ProcessExit.compilations.load(ordering: .acquiring) > 0 { usleep(1000) }
            for stream in ProcessExit.streams.withLock({ $0.compactMap(\.stream) }) { stream.drain() }
        }
    }
}
