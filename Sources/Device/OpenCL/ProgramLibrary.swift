import CLossKitOpenCL
import Synchronization

/// A compiled program.
///
/// Unchecked: the handle never changes, and creating kernels from a built program is safe from any thread.
final class Program: @unchecked Sendable {
    let handle: cl_program
    private let api: losskit_opencl

    init(handle: cl_program, api: losskit_opencl) {
        self.handle = handle
        self.api = api
    }

    deinit { _ = api.clReleaseProgram(handle) }
}

/// Programs of one device, each compiled once however many threads ask for it.
final class ProgramLibrary: Sendable {
    private struct Key: Hashable {
        var source: KernelSource
        var options: String
    }

    /// One program, compiled under its own lock so that others do not wait for it.
    private final class Entry: Sendable {
        let program = Mutex<Result<Program, DeviceError>?>(nil)
    }

    private let context: OpenCLContext
    private let entries = Mutex<[Key: Entry]>([:])

    init(context: OpenCLContext) {
        self.context = context
    }

    func program(_ source: KernelSource, defines: [String]) throws(DeviceError) -> Program {
        let options = options(defines)
        let entry = entries.withLock { entries in
            let key = Key(source: source, options: options)
            if let entry = entries[key] { return entry }
            let entry = Entry()
            entries[key] = entry
            return entry
        }
        let result = entry.program.withLock { program in
            if let program { return program }
            let built = build(source, options)
            program = built
            return built
        }
        return try result.get()
    }

    private func options(_ defines: [String]) -> String {
        (["-cl-std=CL1.2"] + (context.traits.isCPU ? ["-DLOSSKIT_CPU=1"] : []) + (context.traits.hasFP64 ? ["-DLOSSKIT_FP64=1"] : [])
            + defines.map { "-D" + $0 }).joined(separator: " ")
    }

    private func build(_ source: KernelSource, _ options: String) -> Result<Program, DeviceError> {
        var status: cl_int = 0
        let handle = source.text.withCString { text in
            var text: UnsafePointer<CChar>? = text
            return context.api.clCreateProgramWithSource(context.context, 1, &text, nil, &status)
        }
        guard let handle, status == 0 else {
            return .failure(
                .callFailed(call: "clCreateProgramWithSource", status: OpenCLStatus.name(status), context: source.name))
        }
        let program = Program(handle: handle, api: context.api)
        var device: cl_device_id? = context.device
        status = context.api.clBuildProgram(handle, 1, &device, options, nil, nil)
        guard status == 0 else {
            return .failure(.buildFailed(program: source.name, options: options, log: log(of: handle)))
        }
        return .success(program)
    }

    private func log(of program: cl_program) -> String {
        var size = 0
        _ = context.api.clGetProgramBuildInfo(program, context.device, cl_program_build_info(CL_PROGRAM_BUILD_LOG), 0, nil, &size)
        var bytes = [UInt8](repeating: 0, count: max(size, 1))
        _ = context.api.clGetProgramBuildInfo(
            program, context.device, cl_program_build_info(CL_PROGRAM_BUILD_LOG), size, &bytes, nil)
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}
