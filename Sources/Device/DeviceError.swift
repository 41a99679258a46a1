/// What went wrong on a device: each case reads as one line that says what was expected and what came.
public enum DeviceError: Error, Sendable, Equatable, CustomStringConvertible {
    /// No device answers to the request.
    case notFound(request: String, available: [String])
    /// The device's memory, or the limit set for it, is exhausted (all figures in bytes).
    case outOfMemory(device: String, requested: Int, inUse: Int, cached: Int, limit: Int)
    /// A kernel did not compile.
    case buildFailed(program: String, options: String, log: String)
    /// An OpenCL call failed.
    case callFailed(call: String, status: String, context: String)
    /// A launch that does not fit its kernel.
    case invalidLaunch(kernel: String, problem: String)
    /// An earlier failure made the stream unusable until it is reset.
    case streamPoisoned(device: String, cause: String)
    /// A library that the operation needs is not installed.
    case libraryMissing(library: String, operation: String, remedy: String)
    /// A device result that differs from the CPU's, found while validating.
    case validationFailed(kernel: String, output: Int, element: Int, expected: Double, actual: Double)
    /// Something was written beside a buffer of so many bytes, found while buffers are guarded.
    case overrun(kernel: String, size: Int, byte: Int)

    /// The error as one line.
    public var description: String {
        switch self {
        case .notFound(let request, let available):
            "no device matches \"\(request)\": expected one of cpu, opencl, opencl:NAME, opencl:PLATFORM:DEVICE; "
                + "found \(available.joined(separator: ", "))"
        case .outOfMemory(let device, let requested, let inUse, let cached, let limit):
            "\(device) is out of memory: requested \(requested) bytes with \(inUse) in use and \(cached) cached, limit \(limit)"
        case .buildFailed(let program, let options, let log):
            "\(program) did not compile with \"\(options)\": \(log)"
        case .callFailed(let call, let status, let context):
            "\(call) failed with \(status) (\(context))"
        case .invalidLaunch(let kernel, let problem):
            "\(kernel) cannot be launched: \(problem)"
        case .streamPoisoned(let device, let cause):
            "the stream of \(device) stopped after a failure and must be reset: \(cause)"
        case .libraryMissing(let library, let operation, let remedy):
            "\(operation) needs \(library), which is not installed: \(remedy)"
        case .validationFailed(let kernel, let output, let element, let expected, let actual):
            "\(kernel) differs from the CPU: output \(output), element \(element), expected \(expected), got \(actual)"
        case .overrun(let kernel, let size, let byte):
            "\(kernel) wrote byte \(byte) of a buffer of \(size) bytes"
        }
    }

    /// Whether a device that does not exist was asked for, rather than one failed.
    package var isBadRequest: Bool { if case .notFound = self { true } else { false } }
}
