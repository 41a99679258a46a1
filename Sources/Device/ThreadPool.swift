import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Threads that share the CPU kernels' work.
///
/// The pieces of a job depend only on its size, never on how many threads there are or which is free, so results do not depend on timing.
package enum ThreadPool {
    /// How many threads work, the caller's included; `LOSSKIT_THREADS` sets it.
    package static let threadCount = max(1, min(Environment.threads ?? Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 256))

    /// Runs `body` for 0..<`count`, each once, on all threads; the caller takes part and returns when all are done.
    ///
    /// While other work occupies the threads, or from inside a piece of work, the caller does everything itself.
    package static func forEach(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        guard count > 1, threadCount > 1, workers.run(count, body) else {
            for index in 0..<max(0, count) { body(index) }
            return
        }
    }

    /// Runs `body` over pieces of 0..<`count`, each of at least `minimumPerChunk` (but the last).
    package static func forEachChunk(of count: Int, minimumPerChunk: Int, _ body: @escaping @Sendable (Range<Int>) -> Void) {
        guard count > 0 else { return }
        let chunk = max(1, minimumPerChunk, (count + maximumChunks - 1) / maximumChunks)
        forEach((count + chunk - 1) / chunk) { index in
            body(index * chunk..<min(count, (index + 1) * chunk))
        }
    }

    /// Enough pieces to balance many cores, few enough that a piece stays worth its dispatch.
    private static let maximumChunks = 64
    private static let workers = Workers(count: threadCount - 1)
}

/// Persistent threads that wait for one job at a time.
///
/// Unchecked: `mutex` guards every stored property but the atomic ones, of which `generation` and `active` change under it only.
private final class Workers: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let done = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    /// The job, while there are pieces of it that nobody has begun.
    private var body: (@Sendable (Int) -> Void)?
    private var count = 0
    private var isTaken = false
    /// How many jobs there have been.
    private let generation = Atomic(0)
    /// How many threads take part in the job, beside the caller.
    private let active = Atomic(0)
    private let next = Atomic(0)

    init(count: Int) {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(wake, nil)
        pthread_cond_init(done, nil)
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        for _ in 0..<count {
            #if canImport(Glibc)
            var thread = pthread_t()
            #else
            var thread: pthread_t?
            #endif
            let argument = Unmanaged.passRetained(self)
            let status = pthread_create(&thread, nil, { argument in
                #if canImport(Glibc)
                guard let argument else { return nil }
                #endif
                Unmanaged<Workers>.fromOpaque(argument).takeUnretainedValue().work()
                return nil
            }, argument.toOpaque())
            if status != 0 { argument.release() }
        }
    }

    /// Shares a job, or says that the threads are taken.
    func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) -> Bool {
        pthread_mutex_lock(mutex)
        guard !isTaken else {
            pthread_mutex_unlock(mutex)
            return false
        }
        isTaken = true
        self.body = body
        self.count = count
        next.store(0, ordering: .relaxed)
        generation.add(1, ordering: .releasing)
        pthread_cond_broadcast(wake)
        pthread_mutex_unlock(mutex)
        drain(count, body)
        // Whoever has not come by now need not come any more.
        pthread_mutex_lock(mutex)
        self.body = nil
        wait(for: done) { active.load(ordering: .acquiring) == 0 }
        isTaken = false
        pthread_mutex_unlock(mutex)
        return true
    }

    private func drain(_ count: Int, _ body: (Int) -> Void) {
        while case let index = next.add(1, ordering: .relaxed).oldValue, index < count { body(index) }
    }

    /// Helps with the current job and says whether there was one. A function of its own, since a closure passed on inside an endless loop is
    /// never let go of.
    @inline(never)
    private func takesPart() -> Bool {
        guard let body else { return false }
        let count = count
        active.add(1, ordering: .relaxed)
        pthread_mutex_unlock(mutex)
        drain(count, body)
        pthread_mutex_lock(mutex)
        return true
    }

    private func work() {
        var seen = 0
        pthread_mutex_lock(mutex)
        while true {
            wait(for: wake) { generation.load(ordering: .acquiring) != seen }
            seen = generation.load(ordering: .relaxed)
            guard takesPart() else { continue }
            if active.subtract(1, ordering: .releasing).newValue == 0 { pthread_cond_signal(done) }
        }
    }

    /// Waits, with the mutex held, for what is signalled: awake for a little while, since the next step of a chain of short ones comes sooner
    /// than a sleeping thread, then asleep.
    private func wait(for signal: UnsafeMutablePointer<pthread_cond_t>, until hasCome: () -> Bool) {
        guard !hasCome() else { return }
        pthread_mutex_unlock(mutex)
        let end = Clock.nanoseconds + Self.patience
        while !hasCome(), Clock.nanoseconds < end { sched_yield() }
        pthread_mutex_lock(mutex)
        while !hasCome() { pthread_cond_wait(signal, mutex) }
    }

    /// Nanoseconds, about twice what waking a thread takes.
    private static let patience: UInt64 = 50_000
}
