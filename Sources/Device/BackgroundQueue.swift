import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Work that nobody waits for, such as compiling, done one piece at a time on a thread of its own.
///
/// The process waits at its exit for the piece in progress and drops the rest: a compiler does not survive the destruction of its
/// library's globals.
enum BackgroundQueue {
    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var isRunning = false
        var isClosing = false
    }

    private static let state = Mutex(State())

    /// Adds a piece of work.
    static func submit(_ job: @escaping @Sendable () -> Void) {
        ProcessExit.wait()
        let mustStart = state.withLock { state in
            guard !state.isClosing else { return false }
            state.jobs.append(job)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        guard mustStart else { return }
        #if canImport(Glibc)
        var thread = pthread_t()
        #else
        var thread: pthread_t?
        #endif
        let status = pthread_create(&thread, nil, { _ in
            BackgroundQueue.work()
            return nil
        }, nil)
        if status == 0 {
            #if canImport(Glibc)
            pthread_detach(thread)
            #else
            if let thread { pthread_detach(thread) }
            #endif
        } else {
            work()
        }
    }

    private static func work() {
        while let job = next() {
            job()
            ProcessExit.wait()
        }
    }

    private static func next() -> (@Sendable () -> Void)? {
        state.withLock { state in
            guard !state.isClosing, !state.jobs.isEmpty else {
                state.isRunning = false
                return nil
            }
            return state.jobs.removeFirst()
        }
    }

    /// Waits until everything submitted so far is done.
    static func drain() {
        while state.withLock({ $0.isRunning }) { usleep(1000) }
    }

    /// Drops what has not begun, and waits for the piece in progress.
    static func close() {
        state.withLock { $0.isClosing = true }
        drain()
    }
}
