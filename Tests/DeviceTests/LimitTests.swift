import LossKit
import LossKitTestSupport
import Testing

@testable import LossKitDevice

/// What is too large, too many or too long.
@Suite(.serialized) struct LimitTests {
    /// Live and cached bytes stay below every ceiling, and what is refused takes nothing.
    @Test func thePoolNeverExceedsItsCeiling() throws {
        let pool = MemoryPool(source: .host, name: "test", capacity: 1 << 20)
        var random = SplitMix64(seed: 3)
        var held: [(block: MemoryBlock, size: Int)] = []
        var refused = 0
        for step in 0..<4000 {
            if step % 500 == 0 { pool.setLimit([nil, 300_000, 50_000, 1 << 20][step / 500 % 4]) }
            if held.isEmpty || Bool.random(using: &random) {
                let size = Int.random(in: 1...60_000, using: &random)
                let before = pool.statistics
                do throws(DeviceError) {
                    held.append((try pool.allocate(size), size))
                    #expect(pool.statistics.live + pool.statistics.cached <= pool.statistics.limit)
                } catch {
                    refused += 1
                    guard case .outOfMemory(_, size, before.live, 0, before.limit) = error else {
                        Issue.record("\(error)")
                        return
                    }
                    #expect(pool.statistics.live == before.live && before.live + MemoryPool.blockSize(size) > before.limit)
                }
            } else {
                let (block, size) = held.remove(at: Int.random(in: held.indices, using: &random))
                pool.release(block, byteCount: size)
            }
        }
        #expect(refused > 100)
        for (block, size) in held { pool.release(block, byteCount: size) }
        pool.trim()
        #expect(pool.statistics.live == 0 && pool.statistics.cached == 0)
    }

    /// Sizes beyond what an integer can count are refused before anything is allocated.
    @Test(arguments: Device.all)
    func sizesThatOverflowAreRefused(device: Device) throws {
        let x = try Tensor([1, 2] as [Float], on: device)
        let before = device.memory.peak
        let attempts: [(String, () throws -> Tensor)] = [
            ("zeros", { try Tensor.zeros([Int.max, 2], on: device) }),
            ("bytes", { try Tensor.zeros([Int.max / 2], on: device) }),
            ("full", { try Tensor.full([1 << 31, 1 << 31, 4], 1, on: device) }),
            ("broadcast", { try x[0].broadcast(to: [1 << 32, 1 << 32]) }),
            ("outer sum", { try x[0].broadcast(to: [1 << 40, 1]) + x[0].broadcast(to: [1, 1 << 40]) }),
            ("matmul", { try x[0].broadcast(to: [1 << 40, 1]).matmul(x[0].broadcast(to: [1, 1 << 40])) }),
            ("pairwise", { try pairwiseDistance(x[0].broadcast(to: [1 << 40, 2]), x[0].broadcast(to: [1 << 40, 2])) }),
            ("reshape", { try x.reshaped([Int.max, Int.max]) }),
            ("packed", { try x[0].broadcast(to: [1 << 61]).exp() }),
            ("joined", { try Tensor.concatenate([x[0].broadcast(to: [Int.max]), x[0].broadcast(to: [Int.max])], axis: 0) }),
            ("one-hot", { try Tensor([0, 1], on: device).oneHot(classes: Int.max) }),
            ("negative", { try Tensor.zeros([-1], on: device) }),
        ]
        for (name, attempt) in attempts {
            #expect(throws: (any Error).self, "\(name)") { _ = try attempt().evaluated() }
        }
        #expect(device.memory.peak <= before + (1 << 30), "something was allocated")
        #expect(try x.array(of: Float.self) == [1, 2])
    }

    /// One hundred threads at work, on each device alone and on all of them: every result is the serial one, to the bit.
    @Test func oneHundredThreadsComputeTheSame() async throws {
        let devices = Device.all
        let steps = try devices.map { try TrainingStep(on: $0) }
        for step in steps { for _ in 0..<2 { _ = try step.run() } }
        BackgroundQueue.drain()
        let serial = try steps.map { try $0.run() }
        for alone in [true, false] {
            let gate = Gate()
            let results = Results()
            for thread in 0..<100 {
                let index = alone ? devices.count - 1 : thread % devices.count
                let step = steps[index]
                gate.start {
                    let found = Result { try step.run() }
                    results.add(index, found)
                }
            }
            gate.wait()
            for (index, found) in results.all { #expect(try found.get() == serial[index]) }
            #expect(results.all.count == 100)
        }
    }
}
