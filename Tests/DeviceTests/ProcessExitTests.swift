import Testing

@testable import LossKitDevice

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

#if os(Linux)
@Suite(.serialized, .enabled(if: Device.all.contains(where: \.isOpenCL)))
struct ProcessExitTests {
    /// Kernels that nobody has compiled before, some still waiting in the queue, some in the compiler, when the process ends.
    @Test(arguments: 0..<2)
    func aProcessMayEndWithWorkQueued(attempt: Int) async throws {
        await #expect(processExitsWith: .success) { [attempt] in
            let seed = UInt32.random(in: 0 ... .max)
            for device in Device.all.filter(\.isOpenCL) {
                let stream = attempt.isMultiple(of: 2) ? nil : try Stream(on: device)
                for index in 0..<3 {
                    let source = KernelSource(
                        name: "leaving\(index)",
                        generated: """
                            kernel void leaving(GLOBAL_OUT(float, y)) {
                                AT_OUT(float, y);
                                float sum = \(seed % 1000 + UInt32(index));
                                for (int i = 0; i < 2000; i++) sum = sin(sum) + 1;
                                y[get_global_id(0)] = sum;
                            }
                            """)
                    let y = BufferSlice(try Buffer(byteCount: 4096, on: device), elementSize: 4)
                    func launch() throws {
                        try device.run("leaving", shape: [], reads: [], writes: [y], bytes: 0, host: { _ in }) { encoder in
                            _ = encoder.prepare(source: source, defines: ["SEED=\(seed)"])
                            try encoder.launch("leaving", source: source, arguments: [.buffer(y)], global: [1024])
                        }
                    }
                    if let stream { try withStream(stream) { try launch() } } else { try launch() }
                }
            }
            exit(0)
        }
    }
}
#endif
