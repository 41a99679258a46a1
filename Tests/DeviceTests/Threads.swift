import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Threads of the system, started one by one and waited for together; tasks would share a few.
final class Gate: Sendable {
    private let running = Atomic(0)

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    func start(_ body: @escaping @Sendable () -> Void) {
        running.add(1, ordering: .acquiringAndReleasing)
        let argument = Unmanaged.passRetained(
            Body { [self] in
                body()
                running.subtract(1, ordering: .acquiringAndReleasing)
            }
        ).toOpaque()
        #if canImport(Glibc)
        var thread = pthread_t()
        #else
        var thread: pthread_t?
        #endif
        let status = pthread_create(&thread, nil, { argument in
            #if canImport(Glibc)
            guard let argument else { return nil }
            #endif
            Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
            return nil
        }, argument)
        guard status == 0 else { return Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
        // Nobody joins it.
        #if canImport(Glibc)
        pthread_detach(thread)
        #else
        if let thread { pthread_detach(thread) }
        #endif
    }

    func wait() {
        while running.load(ordering: .acquiring) > 0 { usleep(1000) }
    }
}

/// What threads found, and where.
final class Results: Sendable {
    private let found = Mutex<[(Int, Result<[Float], any Error>)]>([])

    var all: [(Int, Result<[Float], any Error>)] { found.withLock { $0 } }

    func add(_ index: Int, _ result: Result<[Float], any Error>) {
        found.withLock { $0.append((index, result)) }
    }
}
