import Synchronization
import Testing

@testable import LossKitDevice

struct StreamTests {
    /// Each step doubles through another stream; any step that ran too early gives another number.
    @Test(arguments: Device.all)
    func workCrossesStreamsInOrder(device: Device) throws {
        let streams = try (0..<3).map { _ in try Stream(on: device) }
        let count = 1 << 16
        var values = try Buffer([Float](repeating: 1, count: count), on: device)
        for step in 0..<12 {
            try withStream(streams[step % 3]) {
                let next = try Buffer([Float](repeating: 0, count: count), on: device)
                try Accumulate.run(values, into: next, on: device)
                try Accumulate.run(values, into: next, on: device)
                values = next
            }
        }
        #expect(try values.floats().allSatisfy { $0 == 4096 })
    }

    /// A block freed on one stream and taken on another must not be written before its last reader is done.
    @Test(arguments: Device.all)
    func reusedMemoryWaitsForItsLastUser(device: Device) throws {
        let streams = try (0..<2).map { _ in try Stream(on: device) }
        let count = 1 << 18
        let sum = try Buffer([Float](repeating: 0, count: count), on: device)
        for step in 1...20 {
            let value = Float(step)
            let passing = try withStream(streams[1]) { try Buffer([Float](repeating: value, count: count), on: device) }
            try withStream(streams[0]) { try Accumulate.run(passing, into: sum, on: device) }
        }
        #expect(try sum.floats().allSatisfy { $0 == 210 })
    }

    @Test(arguments: Device.all)
    func completionResumesAfterTheWork(device: Device) async throws {
        let stream = try Stream(on: device)
        let count = 1 << 16
        let sum = try Buffer([Float](repeating: 0, count: count), on: device)
        let one = try Buffer([Float](repeating: 1, count: count), on: device)
        try withStream(stream) { for _ in 0..<5 { try Accumulate.run(one, into: sum, on: device) } }
        try await stream.completion()
        try stream.synchronize()
        #expect(try sum.floats().allSatisfy { $0 == 5 })
    }

    @Test(arguments: Device.all)
    func manyThreadsLaunchAtOnce(device: Device) async throws {
        let stream = try Stream(on: device)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for task in 0..<8 {
                group.addTask {
                    let work = { () throws -> Bool in
                        let count = 1000 + task
                        let sum = try Buffer([Float](repeating: Float(task), count: count), on: device)
                        let one = try Buffer([Float](repeating: 1, count: count), on: device)
                        for step in 0..<50 { try Accumulate.run(one, into: sum, factor: Float(step), on: device) }
                        return try sum.floats().allSatisfy { $0 == Float(task + 1225) }
                    }
                    return task.isMultiple(of: 2) ? try withStream(stream, work) : try work()
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
    }

    @Test(arguments: Device.all.filter(\.isOpenCL))
    func aFailureStopsTheStreamUntilItIsReset(device: Device) async throws {
        let stream = try Stream(on: device)
        let sum = try Buffer([1, 2], on: device)
        let cause = DeviceError.callFailed(call: "clEnqueueNDRangeKernel", status: "CL_OUT_OF_RESOURCES", context: "test")
        try #require(stream.queue).poison(cause)
        withStream(stream) {
            _ = #expect(throws: DeviceError.streamPoisoned(device: device.name, cause: cause.description)) {
                try Accumulate.run(sum, into: sum, on: device)
            }
        }
        await #expect(throws: DeviceError.self) { try await stream.completion() }
        stream.reset()
        let one = try Buffer([1, 1], on: device)
        try withStream(stream) { try Accumulate.run(one, into: sum, on: device) }
        #expect(try sum.floats() == [2, 3])
    }

    /// What is wrong with a launch is said before anything is queued, and the stream goes on.
    @Test(arguments: Device.all.filter(\.isOpenCL))
    func wrongArgumentsAreNamed(device: Device) throws {
        let x = try Buffer([1, 2], on: device)
        let slice = BufferSlice(x, elementSize: 4)
        let wrong: [[KernelArgument]] = [
            [.buffer(slice)], [.buffer(slice), .buffer(slice), .float(1), .count(2), .count(2)],
            [.buffer(slice), .buffer(slice), .double(1), .count(2)],
        ]
        for arguments in wrong {
            #expect(throws: DeviceError.self) {
                try device.run("wrong", shape: [2], reads: [slice], writes: [], bytes: 0, host: { _ in }) { encoder in
                    try encoder.launch("accumulate", source: Accumulate.source, arguments: arguments, global: [2])
                }
            }
        }
        try Accumulate.run(x, into: try Buffer([0, 0], on: device), on: device)
        let none = try Buffer([], on: device)
        try Accumulate.run(none, into: none, on: device)
    }
}
