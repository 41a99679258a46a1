import Synchronization
import Testing

@testable import LossKitDevice

struct ThreadPoolTests {
    @Test(arguments: [0, 1, 2, 63, 64, 65, 1000, 100_003])
    func chunksCoverEverythingOnceAndDependOnTheCountOnly(count: Int) {
        func chunks() -> [Range<Int>] {
            let found = Mutex<[Range<Int>]>([])
            let box = Shared(found)
            ThreadPool.forEachChunk(of: count, minimumPerChunk: 7) { range in box.mutex.withLock { $0.append(range) } }
            return box.mutex.withLock { $0.sorted { $0.lowerBound < $1.lowerBound } }
        }
        let first = chunks()
        #expect(first.flatMap { Array($0) } == Array(0..<count))
        #expect(chunks() == first)
    }

    @Test func nestedAndConcurrentUseFinishes() async {
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let total = Total()
                    ThreadPool.forEach(20) { outer in
                        ThreadPool.forEach(10) { inner in total.sum.add(outer * inner, ordering: .relaxed) }
                    }
                    return total.sum.load(ordering: .relaxed)
                }
            }
            for await total in group { #expect(total == 190 * 45) }
        }
    }

    @Test func jobsAreLetGoOf() {
        var weakTotals: [() -> Total?] = []
        for _ in 0..<20 {
            let total = Total()
            weakTotals.append({ [weak total] in total })
            ThreadPool.forEach(64) { index in total.sum.add(index, ordering: .relaxed) }
            #expect(total.sum.load(ordering: .relaxed) == 2016)
        }
        #expect(weakTotals.allSatisfy { $0() == nil })
    }

    private final class Total: Sendable {
        let sum = Atomic(0)
    }

    private final class Shared<Value: Sendable>: Sendable {
        let mutex: Mutex<Value>
        init(_ mutex: consuming Mutex<Value>) { self.mutex = mutex }
    }
}
