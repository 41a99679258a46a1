import LossKitTestSupport
import Testing

@testable import LossKitDevice

struct MemoryPoolTests {
    @Test func blockSizesAreFixedPoints() {
        for request in Array(1...5000) + [1 << 20, (1 << 20) + 1, 123_456_789, (1 << 34) - 1] {
            let size = MemoryPool.blockSize(request)
            #expect(size >= request)
            #expect(MemoryPool.blockSize(size) == size)
            #expect(request <= 256 || size - request <= request / 16 + 1)
        }
    }
}

extension MemoryPoolTests {
    /// A pool of its own, so that tests running beside this one cannot use it.
    private func pool(capacity: Int) -> MemoryPool { MemoryPool(source: .host, name: "test", capacity: capacity, isExact: false) }

    @Test func exactBlocksHaveTheirVerySizeAndAreNotReused() throws {
        let pool = MemoryPool(source: .host, name: "test", capacity: 1 << 20, isExact: true)
        let block = try pool.allocate(1001)
        #expect(pool.statistics.live == 1001)
        pool.release(block, byteCount: 1001)
        #expect(pool.statistics == MemoryStatistics(live: 0, peak: 1001, cached: 0, limit: 1 << 20))
    }

    @Test func freedBlocksAreReusedUpToTheCacheLimit() throws {
        let pool = pool(capacity: 1 << 20)
        let block = try pool.allocate(1000)
        #expect(pool.statistics.live == 1024)
        pool.release(block, byteCount: 1000)
        #expect(pool.statistics == MemoryStatistics(live: 0, peak: 1024, cached: 1024, limit: 1 << 20))
        let again = try pool.allocate(1020)
        #expect(pool.statistics.cached == 0)
        pool.release(again, byteCount: 1020)
        let large = try pool.allocate(1 << 19)
        pool.release(large, byteCount: 1 << 19)
        #expect(pool.statistics.cached == 1024, "a block beyond a quarter of the capacity is not kept")
        pool.trim()
        #expect(pool.statistics.cached == 0)
    }

    @Test func exhaustionIsATypedErrorAndTakesTheCacheFirst() throws {
        let pool = pool(capacity: 1 << 20)
        let cached = try pool.allocate(200_000)
        pool.release(cached, byteCount: 200_000)
        let held = try pool.allocate(900_000)
        #expect(pool.statistics.cached == 0)
        let live = pool.statistics.live
        #expect(throws: DeviceError.outOfMemory(device: "test", requested: 300_000, inUse: live, cached: 0, limit: 1 << 20)) {
            try pool.allocate(300_000)
        }
        pool.setLimit(0)
        #expect(throws: DeviceError.self) { try pool.allocate(1) }
        pool.setLimit(nil)
        #expect(throws: DeviceError.self) { try pool.allocate(.max) }
        pool.release(held, byteCount: 900_000)
        #expect(pool.statistics.live == 0)
    }

    @Test(arguments: Device.all)
    func whatIsHeldSurvivesExhaustion(device: Device) throws {
        let held = try Buffer((0..<1000).map(Float.init), on: device)
        #expect(throws: DeviceError.self) { try Buffer(byteCount: 1 << 60, on: device) }
        #expect(try held.floats() == (0..<1000).map(Float.init))
        let next = try Buffer([1], on: device)
        #expect(try next.floats() == [1])
    }

    @Test(arguments: Device.all)
    func transfersOutsideABufferAreRefused(device: Device) throws {
        let buffer = try Buffer([1, 2], on: device)
        var bytes = [UInt8](repeating: 0, count: 16)
        for offset in [-1, 1, 8, Int.max] {
            #expect(throws: DeviceError.self) { try bytes.withUnsafeMutableBytes { try buffer.download(into: $0, from: offset) } }
            #expect(throws: DeviceError.self) { try bytes.withUnsafeBytes { try buffer.upload($0, at: offset) } }
        }
    }

    @Test(arguments: Device.all)
    func emptyBuffersTakeNoMemory(device: Device) throws {
        let (buffer, cost) = try Profiler.measure { try Buffer(byteCount: 0, on: device) }
        #expect(cost.peakBytes == 0 && buffer.byteCount == 0)
        #expect(try buffer.floats() == [])
    }
}
