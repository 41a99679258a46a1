import Testing

@testable import LossKitDevice

struct ProfilerTests {
    @Test(arguments: Device.all)
    func countsWhatHappensInsideAndNothingElse(device: Device) throws {
        let one = try Buffer([1, 1, 1], on: device)
        let (sum, cost) = try Profiler.measure {
            let sum = try Buffer([0, 0, 0], on: device)
            _ = try Buffer(byteCount: 100, on: device)
            for _ in 0..<3 { try Accumulate.run(one, into: sum, on: device) }
            _ = try sum.floats()
            return sum
        }
        #expect(cost == Measurement(launches: 3, allocations: 2, peakBytes: 112, liveBytes: 12, uploadedBytes: 12, downloadedBytes: 12))
        try Accumulate.run(one, into: sum, on: device)
        #expect(try sum.floats() == [4, 4, 4])
    }

    @Test(arguments: Device.all)
    func scopesInParallelDoNotMix(device: Device) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for task in 1...6 {
                group.addTask {
                    let cost = try Profiler.measure {
                        let sum = try Buffer([0], on: device)
                        for _ in 0..<task * 10 { try Accumulate.run(sum, into: sum, on: device) }
                    }.measurement
                    return cost.launches == task * 10 && cost.peakBytes == 4 && cost.liveBytes == 0
                }
            }
            for try await isExact in group { #expect(isExact) }
        }
    }
}
