import Testing

@testable import LossKitDevice

struct ProgramLibraryTests {
    static let devices = Device.all.filter(\.isOpenCL)

    private func library(_ device: Device) throws -> ProgramLibrary {
        ProgramLibrary(context: try #require(device.state.stream).context, cache: nil)
    }

    @Test(arguments: devices)
    func manyWhoAskGetOneProgram(device: Device) async throws {
        let library = try library(device)
        let source = KernelSource(name: "single", generated: "kernel void single(GLOBAL_OUT(float, y)) { AT_OUT(float, y); y[0] = FACTOR; }")
        let programs = try await withThrowingTaskGroup(of: ObjectIdentifier.self) { group in
            for _ in 0..<8 { group.addTask { ObjectIdentifier(try library.program(source, defines: ["FACTOR=2"])) } }
            return try await group.reduce(into: Set<ObjectIdentifier>()) { $0.insert($1) }
        }
        #expect(programs.count == 1)
        #expect(try ObjectIdentifier(library.program(source, defines: ["FACTOR=3"])) != programs.first)
    }

    @Test(arguments: devices)
    func preparingDoesNotWait(device: Device) async throws {
        let library = try library(device)
        let good = KernelSource(name: "good", generated: "kernel void good(GLOBAL_OUT(float, y)) { AT_OUT(float, y); y[0] = 1; }")
        let bad = KernelSource(name: "bad", generated: "kernel void bad( {")
        #expect(library.prepare(good, defines: []) == .building)
        #expect(library.prepare(bad, defines: []) == .building)
        BackgroundQueue.drain()
        #expect(library.prepare(good, defines: []) == .ready)
        guard case .failed(.buildFailed(let program, _, let log)) = library.prepare(bad, defines: []) else {
            Issue.record("expected a failed build")
            return
        }
        #expect(program == "bad" && log.contains("bad:1"), "the compiler's message points into the text: \(log)")
    }

    @Test(arguments: devices)
    func aFileThatIsNotThereIsNamed(device: Device) throws {
        #expect {
            try library(device).program(KernelSource(file: "nothing"), defines: [])
        } throws: { "\($0)".contains("nothing did not compile") && "\($0)".contains("no such file in kernels/") }
    }
}
