import Synchronization

/// What a stretch of code cost.
public struct Measurement: Sendable, Equatable {
    /// Kernels launched; on the CPU, passes over memory.
    public var launches = 0
    /// Buffers allocated, from the pool or from the system.
    public var allocations = 0
    /// The most bytes that buffers allocated inside held at one time.
    public var peakBytes = 0
    /// Bytes that buffers allocated inside still hold.
    public var liveBytes = 0
    /// Bytes copied to a device.
    public var uploadedBytes = 0
    /// Bytes copied from a device.
    public var downloadedBytes = 0
}

/// Counts what runs on devices.
public enum Profiler {
    /// Counts of one ``measure(_:)``; buffers report to the scope they were allocated in, even when they die later.
    final class Scope: Sendable {
        private let counts = Mutex(Measurement())

        var measurement: Measurement { counts.withLock { $0 } }

        func launched() { counts.withLock { $0.launches += 1 } }
        func uploaded(_ bytes: Int) { counts.withLock { $0.uploadedBytes += bytes } }
        func downloaded(_ bytes: Int) { counts.withLock { $0.downloadedBytes += bytes } }
        func freed(_ bytes: Int) { counts.withLock { $0.liveBytes -= bytes } }
        func allocated(_ bytes: Int) {
            counts.withLock {
                $0.allocations += 1
                $0.liveBytes += bytes
                $0.peakBytes = max($0.peakBytes, $0.liveBytes)
            }
        }
    }

    @TaskLocal private static var current: Scope?
    /// How many measurements are going on: while there is none, nobody has to look for one.
    private static let active = Atomic(0)

    static var scope: Scope? { active.load(ordering: .relaxed) > 0 ? current : nil }

    /// Runs `body` without counting it, for what observing costs itself.
    static func unmeasured<R>(_ body: () throws -> R) rethrows -> R {
        try $current.withValue(nil, operation: body)
    }

    /// Runs `body` and says what it cost; other tasks' work does not count.
    public static func measure<R>(_ body: () throws -> R) rethrows -> (result: R, measurement: Measurement) {
        let scope = Scope()
        active.add(1, ordering: .relaxed)
        defer { active.subtract(1, ordering: .relaxed) }
        let result = try $current.withValue(scope, operation: body)
        return (result, scope.measurement)
    }
}
