import Testing

@testable import LossKitDevice

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Guarded runs find what is written beside a buffer, on either side, and say by whom.
@Suite struct CanaryTests {
    /// A step that writes one element, counted from its buffer's first: inside, behind or before.
    private static func write(_ place: Int, of count: Int, on device: Device) throws -> [Float] {
        let buffer = try Buffer([Float](repeating: 2, count: count), on: device)
        let source = KernelSource(
            name: "writer",
            generated: """
                kernel void writer(GLOBAL_OUT(float, y), const long place) {
                    AT_OUT(float, y);
                    y[place] = 7;
                }
                """)
        let slice = BufferSlice(buffer, elementSize: 4)
        try device.run(
            "writer", shape: [count], reads: [], writes: [], updates: [slice], bytes: 4,
            host: { $0.update(0, as: Float.self)[place] = 7 },
            openCL: { encoder in
                try encoder.launch("writer", source: source, arguments: [.buffer(slice), .count(place)], global: [1])
            })
        return try buffer.floats()
    }

    @Test(arguments: [(-1, -4), (-32, -128), (5, 20), (36, 144)])
    func aPlantedOverrunIsFound(place: Int, byte: Int) async throws {
        await #expect(processExitsWith: .success) { [place, byte] in
            setenv("LOSSKIT_MEMORY", "guarded", 1)
            for device in Device.all { try CanaryTests.findOverrun(place, byte, on: device) }
        }
    }

    private static func findOverrun(_ place: Int, _ byte: Int, on device: Device) throws {
        #expect(throws: DeviceError.overrun(kernel: "writer", size: 20, byte: byte), "\(device)") {
            _ = try write(place, of: 5, on: device)
        }
        #expect(try write(4, of: 5, on: device) == [2, 2, 2, 2, 7])
    }

    /// Transfers, copies and zeroed memory keep to their bytes, and so does mapped memory.
    @Test func nothingOfOursWritesThere() async throws {
        await #expect(processExitsWith: .success) {
            setenv("LOSSKIT_MEMORY", "guarded", 1)
            for device in Device.all { try CanaryTests.work(on: device) }
        }
    }

    private static func work(on device: Device) throws {
        let x = try Buffer((0..<33).map { Float($0) }, on: device)
        let y = try Buffer([Float](repeating: 1, count: 33), on: device)
        try Accumulate.run(x, into: y, factor: 2, on: device)
        #expect(try y.floats() == (0..<33).map { Float($0) * 2 + 1 })
        let slices = [x, y].map { BufferSlice($0, elementSize: 4) }
        try device.run(
            "mapped", shape: [33], reads: [slices[0]], writes: [slices[1]], bytes: 0, host: { _ in },
            openCL: { encoder in
                let zeros = BufferSlice(try encoder.zeroedScratch(byteCount: 132), elementSize: 4)
                try encoder.withHostAccess(to: slices + [zeros]) { pointers in
                    pointers[1].copyMemory(from: pointers[0], byteCount: 132)
                    #expect(pointers[2].assumingMemoryBound(to: Float.self)[32] == 0)
                }
            })
        if device.isOpenCL { #expect(try y.floats() == (0..<33).map { Float($0) }) }
        for buffer in [x, y] { #expect(try buffer.firstByteOverrun() == nil) }
    }
}
