import LossKit
import LossKitTestSupport
import Testing

@testable import LossKitDevice

/// A device whose calls fail when told to, with a step of training that has run on it often enough to find everything compiled.
final class FaultBench: Sendable {
    let device: Device
    let step: TrainingStep
    let reference: [Float]
    let held: Tensor
    static let heldValues: [Float] = (0..<100).map { Float($0) / 7 }

    init(cache: ProgramCache? = nil, isWarm: Bool = true) throws {
        device = try #require(Device.devices(Device.discover(FaultInjection.table, cache: cache)).first)
        step = try TrainingStep(on: device)
        held = try Tensor(Self.heldValues, on: device)
        if isWarm {
            for _ in 0..<3 {
                _ = try step.run()
                BackgroundQueue.drain()
            }
        }
        reference = isWarm ? try step.run() : []
    }

    /// What is alive: handles by kind, and bytes.
    var holdings: [Int] {
        BackgroundQueue.drain()
        device.trim()
        return FaultInjection.handles + [device.memory.live, device.memory.cached]
    }
}

/// Drives a training step into every failure that an OpenCL function can have, and looks at what is left.
@Suite(.serialized, .enabled(if: FaultInjection.table != nil && Device.all.contains(where: \.isOpenCL)), .timeLimit(.minutes(10)))
struct FaultInjectionTests {
    static let shared = Result { try FaultBench() }
    /// The kernels there are, by their names in kernels/.
    private static let kernels: Set<Substring> = {
        let files = ["expression", "softmax", "pairwise", "transport", "spanning_tree", "scan", "indexing", "matmul", "measure"]
        return Set(files.flatMap { file in
            KernelSource(file: file).text.split(separator: "\n").flatMap { $0.split(whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "_" }) }
        })
    }()
    /// Functions whose failure costs a step nothing: what they release is released, and who is not called back waits instead.
    private static let harmless: Set<String> = [
        "clReleaseMemObject", "clReleaseKernel", "clReleaseCommandQueue", "clReleaseEvent", "clSetEventCallback",
    ]
    private static let onceForAProgram = [
        "clCreateProgramWithSource", "clBuildProgram", "clCreateKernel", "clGetKernelInfo", "clCreateCommandQueue",
    ]
    private static let aroundTheDisk = ["clCreateProgramWithBinary", "clBuildProgram", "clGetProgramInfo", "clWaitForEvents", "clReleaseEvent"]
    private static let aroundCompletion = ["clEnqueueMarkerWithWaitList", "clSetEventCallback", "clFlush", "clReleaseEvent"]
    private static let atTheEnd = FaultInjection.functions.filter { $0.contains("Release") || $0 == "clFinish" }
    /// Functions that answer for a kernel, whose name their errors give.
    private static let launching: Set<String> = ["clCreateKernel", "clGetKernelInfo", "clSetKernelArg", "clEnqueueNDRangeKernel"]

    func calls(_ body: () throws -> Void) rethrows -> [String: Int] {
        FaultInjection.watchThisThread(true)
        defer { FaultInjection.watchThisThread(false) }
        let before = FaultInjection.functions.map { FaultInjection.calls($0) }
        try body()
        return Dictionary(uniqueKeysWithValues: zip(FaultInjection.functions, before).map { ($0, FaultInjection.calls($0) - $1) })
    }

    /// Runs a step into a fault.
    func outcome(_ fault: FaultInjection.Fault, _ step: () throws -> [Float]) -> Result<[Float], any Error> {
        FaultInjection.watchThisThread(true)
        defer { FaultInjection.watchThisThread(false) }
        fault.arm()
        let outcome = Result { try step() }
        let struck = FaultInjection.disarm()
        #expect(struck > 0, "\(fault) was not reached")
        print("faults: \(struck) of \(fault.function ?? "any function") from call \(fault.nth) on")
        return outcome
    }

    private func expectNamed(_ error: any Error, _ fault: FaultInjection.Fault, _ function: String) {
        let text = "\(error)"
        #expect(error is DeviceError, "\(fault): \(text)")
        #expect(text.contains(function) && text.contains(OpenCLStatus.name(fault.code)) && !text.contains("\n"), "\(fault): \(text)")
        if Self.launching.contains(function) {
            #expect(text.split(whereSeparator: { "(), :".contains($0) }).contains { Self.kernels.contains($0) }, "\(fault): \(text)")
        }
    }

    /// What the step calls when everything is compiled: each function fails in its first, a middle and its last call.
    @Test(arguments: FaultInjection.functions)
    func aStepSurvives(function: String) throws {
        let bench = try Self.shared.get()
        // With nothing cached, as before each fault: which streams wait for which depends on who had the memory before.
        _ = bench.holdings
        let count = try calls { _ = try bench.step.run() }[function] ?? 0
        for nth in Set([1, (count + 1) / 2, count]).sorted() where nth > 0 && count > 0 {
            let before = bench.holdings
            let fault = FaultInjection.Fault(function: function, nth: nth, code: -5)
            switch outcome(fault, bench.step.run) {
            case .success(let values):
                #expect(Self.harmless.contains(function) || function == "clCreateBuffer", "\(fault) went unnoticed")
                #expect(values == bench.reference, "\(fault)")
            case .failure(let error):
                #expect(!Self.harmless.contains(function))
                expectNamed(error, fault, function)
            }
            bench.device.reset()
            #expect(try bench.held.array(of: Float.self) == FaultBench.heldValues, "\(fault)")
            #expect(bench.holdings == before, "\(fault): handles or bytes are left")
            #expect(try bench.step.run() == bench.reference, "\(fault)")
        }
    }

    /// Everything fails from some call on, as when a device is lost, and comes back.
    @Test(arguments: [1, 7, 40, 150, 300])
    func aLostDeviceComesBack(nth: Int) throws {
        let bench = try Self.shared.get()
        let before = bench.holdings
        let fault = FaultInjection.Fault(function: nil, nth: nth, times: .max, code: -2)
        guard case .failure(let error) = outcome(fault, bench.step.run) else {
            Issue.record("the step went on without a device")
            return
        }
        #expect(error is DeviceError && "\(error)".contains("CL_DEVICE_NOT_AVAILABLE"), "\(error)")
        bench.device.reset()
        #expect(try bench.held.array(of: Float.self) == FaultBench.heldValues)
        #expect(bench.holdings == before)
        #expect(try bench.step.run() == bench.reference)
    }

    /// Memory that the driver does not have: one failure is made up for by giving back what is cached, two are an error.
    @Test(arguments: ["clCreateBuffer", "clEnqueueNDRangeKernel"], [1, 2])
    func exhaustedMemoryIsTriedTwice(function: String, times: Int) throws {
        let bench = try Self.shared.get()
        let before = bench.holdings
        let fault = FaultInjection.Fault(function: function, nth: 3, times: times, code: -4)
        switch outcome(fault, bench.step.run) {
        case .success(let values): #expect(times == 1 && values == bench.reference)
        case .failure(DeviceError.outOfMemory(_, let requested, _, _, _)): #expect(times == 2 && function == "clCreateBuffer" && requested > 0)
        case .failure(let error):
            #expect(times == 2 && function == "clEnqueueNDRangeKernel")
            expectNamed(error, fault, function)
        }
        #expect(bench.holdings == before)
        #expect(try bench.step.run() == bench.reference)
    }

    /// What is called once for a device or a program: each failure has a device of its own, on which nothing has run, and which then dies.
    @Test(arguments: onceForAProgram, [1, 4])
    func aFirstStepSurvives(function: String, nth: Int) throws {
        let reference = try Self.shared.get().reference.map(Double.init)
        let before = Self.holdingsOfAll
        do {
            // Neither has anything of it been kept by another process or test.
            let bench = try FaultBench(cache: ProgramCache(directory: "/proc/nowhere"), isWarm: false)
            let fault = FaultInjection.Fault(function: function, nth: function == "clCreateCommandQueue" ? 1 : nth, code: -6)
            switch outcome(fault, bench.step.run) {
            case .success: Issue.record("\(fault) went unnoticed")
            case .failure(let error): expectNamed(error, fault, function)
            }
            bench.device.reset()
            #expect(try bench.held.array(of: Float.self) == FaultBench.heldValues)
            expectClose(try bench.step.run().map(Double.init), reference, tolerance: 1e-4, "\(fault)")
        }
        #expect(Self.holdingsOfAll == before, "the device is not gone with all it held")
    }

    private static var holdingsOfAll: [Int] {
        BackgroundQueue.drain()
        return (try? shared.get())?.holdings ?? []
    }

    /// Every call of discovery fails once: the device is left out, or found and usable.
    @Test func discoverySurvives() throws {
        let before = Self.holdingsOfAll
        var discovery = Device.Discovery()
        let counts = calls { discovery = Device.discover(FaultInjection.table) }
        #expect(!discovery.platforms.isEmpty)
        discovery = Device.Discovery()
        for (function, count) in counts where count > 0 {
            for nth in 1...count {
                FaultInjection.watchThisThread(true)
                FaultInjection.Fault(function: function, nth: nth, code: -30).arm()
                let devices = Device.devices(Device.discover(FaultInjection.table))
                #expect(FaultInjection.disarm() == 1)
                FaultInjection.watchThisThread(false)
                for device in devices {
                    let x = try Buffer([1, 2, 3], on: device)
                    try Accumulate.run(x, into: x, on: device)
                    #expect(try x.floats() == [2, 4, 6], "call \(nth) of \(function)")
                }
                #expect(devices.isEmpty || !["clGetPlatformIDs", "clGetDeviceIDs", "clCreateContext", "clCreateCommandQueue"].contains(function))
            }
        }
        #expect(Self.holdingsOfAll == before)
    }

    /// Failures while a device is given up leave nothing to use afterwards, but nothing breaks.
    @Test(arguments: atTheEnd)
    func givingUpADeviceSurvives(function: String) throws {
        let before = Self.holdingsOfAll
        do {
            let device = try #require(Device.devices(Device.discover(FaultInjection.table)).first)
            let x = try Buffer([1, 2, 3], on: device)
            try Accumulate.run(x, into: x, on: device)
            FaultInjection.Fault(function: function, nth: 1, times: .max, code: -5).arm()
        }
        BackgroundQueue.drain()
        #expect(FaultInjection.disarm() > 0 || function == "clReleaseEvent")
        #expect(Self.holdingsOfAll == before)
    }

    /// The calls around programs on disk: what fails costs the compilation, or the storing, and nothing else.
    @Test(arguments: aroundTheDisk)
    func programsOnDiskSurvive(function: String) throws {
        let folder = try TemporaryFolder()
        let cache = ProgramCache(directory: folder.path)
        func launch() throws {
            let device = try #require(Device.devices(Device.discover(FaultInjection.table, cache: cache)).first)
            let x = try Buffer([1, 2, 3], on: device)
            try Accumulate.run(x, into: x, on: device)
            #expect(try x.floats() == [2, 4, 6])
            BackgroundQueue.drain()
        }
        let before = Self.holdingsOfAll
        let isLoading = function == "clCreateProgramWithBinary" || function == "clBuildProgram"
        if isLoading { try launch() }
        FaultInjection.Fault(function: function, nth: 1, code: -5).arm()
        try launch()
        #expect(FaultInjection.disarm() == 1, "\(function) was not reached")
        try launch()
        #expect(Files.names(in: folder.path).count == 1)
        #expect(Self.holdingsOfAll == before)
    }

    @Test func aLogThatCannotBeReadIsEmpty() throws {
        let device = try Self.shared.get().device
        let source = KernelSource(name: "bad", generated: "kernel void bad( {")
        for nth in 1...2 {
            FaultInjection.Fault(function: "clGetProgramBuildInfo", nth: nth, code: -5).arm()
            #expect {
                try device.run("bad", shape: [], reads: [], writes: [], bytes: 0, host: { _ in }) {
                    try $0.launch("bad", source: source, defines: ["NTH=\(nth)"], arguments: [], global: [1])
                }
            } throws: { "\($0)".contains("bad did not compile") }
            #expect(FaultInjection.disarm() == 1)
        }
    }

    /// Waiting without a thread: every call that it takes may fail, and the task goes on all the same.
    @Test(arguments: aroundCompletion)
    func completionSurvives(function: String) async throws {
        let device = try Self.shared.get().device
        try Accumulate.run(Buffer([1], on: device), into: Buffer([1], on: device), on: device)
        let before = Self.holdingsOfAll
        do {
            let stream = try Stream(on: device)
            let values = try Buffer([Float](repeating: 1, count: 1 << 20), on: device)
            try withStream(stream) { for _ in 0..<20 { try Accumulate.run(values, into: values, factor: 0.5, on: device) } }
            FaultInjection.Fault(function: function, nth: 1, code: -5).arm()
            do {
                try await stream.completion()
                #expect(function == "clReleaseEvent")
            } catch {
                #expect("\(error)".contains(function) && "\(error)".contains("CL_OUT_OF_RESOURCES"), "\(error)")
            }
            #expect(FaultInjection.disarm() == 1)
            stream.reset()
            try await stream.completion()
        }
        #expect(Self.holdingsOfAll == before)
    }

    /// A function that is added to the loader's list must fail in a test.
    @Test func everyFunctionFailsSomewhere() throws {
        let bench = try Self.shared.get()
        _ = bench.holdings
        var discovery = Device.Discovery()
        let counts = try calls {
            discovery = Device.discover(FaultInjection.table)
            _ = try bench.step.run()
        }
        #expect(!discovery.platforms.isEmpty)
        let elsewhere = Self.onceForAProgram + Self.aroundTheDisk + Self.aroundCompletion + Self.atTheEnd + ["clGetProgramBuildInfo"]
        let forgotten = FaultInjection.functions.filter { (counts[$0] ?? 0) == 0 && !elsewhere.contains($0) }
        #expect(forgotten.isEmpty)
    }

    @Test func requestsAreUnderstood() {
        #expect(FaultInjection.Fault("clFinish:3:-5") == FaultInjection.Fault(function: "clFinish", nth: 3, code: -5))
        #expect(FaultInjection.Fault("any:1+:-2") == FaultInjection.Fault(function: nil, nth: 1, times: .max, code: -2))
        for wrong in ["", "clFinish", "clFinish:0:-5", "clFinish:1:0", "clFnish:1:-5", "clFinish:1:x", "clFinish:1:-5:2"] {
            #expect(FaultInjection.Fault(wrong) == nil)
        }
    }
}
