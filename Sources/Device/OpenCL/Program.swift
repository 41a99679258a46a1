import CLossKitOpenCL
import Synchronization

/// A compiled program.
final class Program: Sendable {
    let handle: Handle<cl_program>
    private let api: losskit_opencl
    /// Under which key the binary goes to the disk after the first launch; nil when it came from there.
    private let storeKey: String?
    private let isStored: Atomic<Bool>

    init(handle: cl_program, api: losskit_opencl, storeKey: String?) {
        self.handle = Handle(handle)
        self.api = api
        self.storeKey = storeKey
        isStored = Atomic(storeKey == nil)
    }

    deinit { _ = api.clReleaseProgram(handle.raw) }

    /// Whether the next launch is the first, after which the binary is stored: some drivers compile only then.
    var awaitsStore: Bool { !isStored.load(ordering: .relaxed) }

    /// Stores the binary on a thread of its own, once `launch` has finished.
    func store(in cache: ProgramCache, after launch: cl_event) {
        let event = Handle(launch)
        guard let storeKey, !isStored.exchange(true, ordering: .relaxed) else {
            _ = api.clReleaseEvent(launch)
            return
        }
        BackgroundQueue.submit { [self] in
            var raw: cl_event? = event.raw
            let status = api.clWaitForEvents(1, &raw)
            _ = api.clReleaseEvent(event.raw)
            if status == 0, let binary = binary() { cache.store(binary, storeKey) }
        }
    }

    /// What the driver made of the source.
    func binary() -> [UInt8]? {
        var size = 0
        guard api.clGetProgramInfo(handle.raw, cl_program_info(CL_PROGRAM_BINARY_SIZES), MemoryLayout<Int>.size, &size, nil) == 0, size > 0
        else { return nil }
        return [UInt8](unsafeUninitializedCapacity: size) { bytes, count in
            var pointer: UnsafeMutablePointer<UInt8>? = bytes.baseAddress
            let status = api.clGetProgramInfo(
                handle.raw, cl_program_info(CL_PROGRAM_BINARIES), MemoryLayout<UnsafeMutablePointer<UInt8>?>.size, &pointer, nil)
            count = status == 0 ? size : 0
        }
    }
}
