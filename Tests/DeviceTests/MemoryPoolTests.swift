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
