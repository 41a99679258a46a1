import CLossKitOpenCL
import Synchronization

/// How far a program is that was asked for without waiting.
package enum ProgramReadiness: Sendable, Equatable {
    case ready, building
    case failed(DeviceError)
}

/// Programs of one device, each compiled once however many threads ask for it.
final class ProgramLibrary: Sendable {
    private struct Key: Hashable {
        var source: KernelSource
        var defines: [String]
    }

    /// One program, compiled under its own lock so that others do not wait for it.
    private final class Entry: Sendable {
        let program = Mutex<Result<Program, DeviceError>?>(nil)
        let isScheduled = Atomic(false)
    }

    let cache: ProgramCache?
    private let context: OpenCLContext
    private let entries = Mutex<[Key: Entry]>([:])

    init(context: OpenCLContext, cache: ProgramCache?) {
        self.context = context
        self.cache = cache
    }

    /// The program, compiled now if it is not yet.
    func program(_ source: KernelSource, defines: [String]) throws(DeviceError) -> Program {
        let entry = entry(source, defines)
        return try entry.program.withLock { settle(&$0, source, defines) }.get()
    }

    /// Whether the program is compiled; if nobody has asked yet, compiles it in the background.
    func prepare(_ source: KernelSource, defines: [String]) -> ProgramReadiness {
        let entry = entry(source, defines)
        switch entry.program.withLockIfAvailable({ $0 }) {
        case .some(.some(.success)): return .ready
        case .some(.some(.failure(let error))): return .failed(error)
        case .some(.none), .none: break
        }
        if !entry.isScheduled.exchange(true, ordering: .relaxed) {
            BackgroundQueue.submit { [self] in
                let result = entry.program.withLock { settle(&$0, source, defines) }
                if case .failure(let error) = result, !error.isFinal { entry.isScheduled.store(false, ordering: .relaxed) }
            }
        }
        return .building
    }

    private func entry(_ source: KernelSource, _ defines: [String]) -> Entry {
        let key = Key(source: source, defines: defines)
        return entries.withLock { entries in
            if let entry = entries[key] { return entry }
            let entry = Entry()
            entries[key] = entry
            return entry
        }
    }

    /// Compiles a program unless that was done before; what may go better another time is not remembered.
    private func settle(
        _ program: inout Result<Program, DeviceError>?, _ source: KernelSource, _ defines: [String]
    ) -> Result<Program, DeviceError> {
        if let program { return program }
        let result = build(source, defines)
        if case .failure(let error) = result, !error.isFinal { return result }
        program = result
        return result
    }

    private func build(_ source: KernelSource, _ defines: [String]) -> Result<Program, DeviceError> {
        let options = (context.buildOptions + defines.map { "-D" + $0 }).joined(separator: " ")
        guard source.isKnown else {
            return .failure(.buildFailed(program: source.name, options: options, log: "there is no such file in kernels/"))
        }
        let text = source.text
        let key = cache.map { _ in ProgramCache.key([text, options] + context.identity) }
        if let cache, let key, let binary = cache.load(key), let program = build(binary: binary, options) { return .success(program) }
        do throws(DeviceError) {
            return .success(try build(text, name: source.name, options, storeKey: key))
        } catch {
            return .failure(error)
        }
    }

    /// A program from a driver's binary, or nil if the driver does not want it.
    private func build(binary: [UInt8], _ options: String) -> Program? {
        var device: cl_device_id? = context.device.raw
        var size = binary.count
        var status: cl_int = 0
        var binaryStatus: cl_int = 0
        let handle = binary.withUnsafeBufferPointer { bytes in
            var pointer = bytes.baseAddress
            return context.api.clCreateProgramWithBinary(context.context.raw, 1, &device, &size, &pointer, &binaryStatus, &status)
        }
        guard let handle, status == 0 else { return nil }
        let program = Program(handle: handle, api: context.api, storeKey: nil)
        status = ProcessExit.whileCompiling { context.api.clBuildProgram(handle, 1, &device, options, nil, nil) }
        return status == 0 ? program : nil
    }

    private func build(_ text: String, name: String, _ options: String, storeKey: String?) throws(DeviceError) -> Program {
        var status: cl_int = 0
        let handle = text.withCString { text in
            var text: UnsafePointer<CChar>? = text
            return context.api.clCreateProgramWithSource(context.context.raw, 1, &text, nil, &status)
        }
        guard let handle, status == 0 else {
            throw .callFailed(call: "clCreateProgramWithSource", status: OpenCLStatus.name(status), context: name)
        }
        let program = Program(handle: handle, api: context.api, storeKey: storeKey)
        var device: cl_device_id? = context.device.raw
        status = ProcessExit.whileCompiling { context.api.clBuildProgram(handle, 1, &device, options, nil, nil) }
        guard status != CL_BUILD_PROGRAM_FAILURE, status != CL_INVALID_BUILD_OPTIONS else {
            throw .buildFailed(program: name, options: options, log: log(of: handle))
        }
        try OpenCLStatus.check(status, "clBuildProgram", name)
        return program
    }

    private func log(of program: cl_program) -> String {
        var size = 0
        let (device, name) = (context.device.raw, cl_program_build_info(CL_PROGRAM_BUILD_LOG))
        _ = context.api.clGetProgramBuildInfo(program, device, name, 0, nil, &size)
        var bytes = [UInt8](repeating: 0, count: max(size, 1))
        _ = context.api.clGetProgramBuildInfo(program, device, name, size, &bytes, nil)
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}

extension DeviceError {
    /// Whether trying again would fail again.
    fileprivate var isFinal: Bool {
        if case .buildFailed = self { true } else { false }
    }
}
