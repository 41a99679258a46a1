import Synchronization

/// A device's memory in bytes.
public struct MemoryStatistics: Sendable, Equatable {
    /// Held by buffers that are alive.
    public var live = 0
    /// The most that was ever live.
    public var peak = 0
    /// Freed, and kept for the next allocation of its size.
    public var cached = 0
    /// What live and cached together may not exceed.
    public var limit = 0
}

/// Keeps freed blocks for reuse, by size: sixteen bins an octave, so that a block is at most a sixteenth too large.
///
/// A block goes back as soon as its buffer dies, possibly before the device has finished with it: the next user's work is queued behind on
/// the same in-order stream, or waits for the streams that the block names.
final class MemoryPool: Sendable {
    private struct State {
        var bins: [Int: [MemoryBlock]] = [:]
        var statistics = MemoryStatistics()
        var cacheLimit: Int
    }

    private let source: MemorySource
    private let name: String
    private let capacity: Int
    private let isExact: Bool
    private let state: Mutex<State>

    /// - Parameter isExact: Blocks have exactly the size that is asked for, and none is used again.
    init(source: MemorySource, name: String, capacity: Int, isExact: Bool = Environment.memory.isExact) {
        self.source = source
        self.name = name
        self.capacity = capacity
        self.isExact = isExact
        var state = State(cacheLimit: isExact ? 0 : min(capacity / 4, 2 << 30))
        state.statistics.limit = capacity
        self.state = Mutex(state)
    }

    deinit { trim() }

    /// The size of the block that serves a request: the request rounded up to 4 significant bits, at least 256 bytes.
    static func blockSize(_ byteCount: Int) -> Int {
        guard byteCount > 256 else { return 256 }
        let step = 1 << max(0, Int.bitWidth - 1 - byteCount.leadingZeroBitCount - 4)
        return (byteCount + step - 1) / step * step
    }

    var statistics: MemoryStatistics { state.withLock { $0.statistics } }

    /// What is cached beyond the limit goes back at once; what is live stays.
    func setLimit(_ bytes: Int?) {
        let isOver = state.withLock { state in
            state.statistics.limit = bytes.map { min(max($0, 0), capacity) } ?? capacity
            return state.statistics.live + state.statistics.cached > state.statistics.limit
        }
        if isOver { trim() }
    }

    func allocate(_ byteCount: Int) throws(DeviceError) -> MemoryBlock {
        guard byteCount <= capacity else { throw exhausted(byteCount) }
        let size = isExact ? byteCount : Self.blockSize(byteCount)
        if let block = reuse(size) { return block }
        for attempt in 0..<2 {
            if reserve(size) {
                do throws(DeviceError) {
                    if let memory = try source.allocate(size) { return MemoryBlock(memory: memory) }
                } catch {
                    unreserve(size)
                    throw error
                }
                unreserve(size)
            }
            if attempt == 0 { trim() }
        }
        throw exhausted(byteCount)
    }

    func release(_ block: MemoryBlock, byteCount: Int) {
        let size = isExact ? byteCount : Self.blockSize(byteCount)
        let isKept = state.withLock { state in
            state.statistics.live -= size
            let statistics = state.statistics
            guard statistics.cached + size <= state.cacheLimit, statistics.live + statistics.cached + size <= statistics.limit
            else { return false }
            state.statistics.cached += size
            state.bins[size, default: []].append(block)
            return true
        }
        if !isKept { source.free(block.memory) }
    }

    /// Gives every cached block back to the system.
    func trim() {
        let blocks = state.withLock { state in
            defer {
                state.bins = [:]
                state.statistics.cached = 0
            }
            return state.bins.values.flatMap { $0 }
        }
        for block in blocks { source.free(block.memory) }
    }

    private func reuse(_ size: Int) -> MemoryBlock? {
        state.withLock { state in
            guard let block = state.bins[size]?.popLast() else { return nil }
            state.statistics.cached -= size
            state.statistics.live += size
            state.statistics.peak = max(state.statistics.peak, state.statistics.live)
            return block
        }
    }

    private func reserve(_ size: Int) -> Bool {
        state.withLock { state in
            guard state.statistics.live + state.statistics.cached + size <= state.statistics.limit else { return false }
            state.statistics.live += size
            state.statistics.peak = max(state.statistics.peak, state.statistics.live)
            return true
        }
    }

    private func unreserve(_ size: Int) {
        state.withLock { $0.statistics.live -= size }
    }

    private func exhausted(_ byteCount: Int) -> DeviceError {
        let now = statistics
        return .outOfMemory(device: name, requested: byteCount, inUse: now.live, cached: now.cached, limit: now.limit)
    }
}
