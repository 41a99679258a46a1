import CLossKitOpenCL
import Synchronization

/// One OpenCL device with its context and its programs.
final class OpenCLContext: Sendable {
    let api: losskit_opencl
    let device: Handle<cl_device_id>
    let context: Handle<cl_context>
    let traits: OpenCLTraits
    /// Held while memory is mapped or unmapped: PoCL loses the address of a map call during which another thread gives up the same memory.
    let mapping = Mutex(())
    let platformName: String
    let platformVersion: String
    let name: String
    let vendor: String
    let driverVersion: String

    init?(api: losskit_opencl, platform: cl_platform_id, device: cl_device_id) {
        let info = OpenCLInfo(api: api, device: device)
        var status: cl_int = 0
        var handle: cl_device_id? = device
        // A device that does not say what it is or how much memory it has cannot be used.
        let traits = info.traits
        guard info.flag(CL_DEVICE_AVAILABLE), info.flag(CL_DEVICE_COMPILER_AVAILABLE), info.type != 0, traits.globalMemory > 0,
            traits.maxAllocation > 0,
            let context = api.clCreateContext(nil, 1, &handle, nil, nil, &status), status == 0
        else { return nil }
        self.api = api
        self.device = Handle(device)
        self.context = Handle(context)
        platformName = OpenCLInfo.text(api: api, platform: platform, CL_PLATFORM_NAME)
        platformVersion = OpenCLInfo.text(api: api, platform: platform, CL_PLATFORM_VERSION)
        name = info.text(CL_DEVICE_NAME)
        vendor = info.text(CL_DEVICE_VENDOR)
        driverVersion = info.text(CL_DRIVER_VERSION)
        self.traits = traits
    }

    deinit { _ = api.clReleaseContext(context.raw) }

    /// What a compiled program depends on beside its text and options.
    var identity: [String] { [platformName, platformVersion, vendor, name, driverVersion, traits.version] }

    /// Whether the driver's own disk cache serves better than LossKit's.
    ///
    /// PoCL's does by far: a program it has seen starts in 0.07 s, but in 1.3 s from the binary it gives out, which it compiles all
    /// variants for.
    var hasBetterCache: Bool { platformName == "Portable Computing Language" }

    /// What every program is compiled with.
    var buildOptions: [String] {
        ["-cl-std=CL1.2"] + (traits.isCPU ? ["-DLOSSKIT_CPU=1"] : []) + (traits.hasFP64 ? ["-DLOSSKIT_FP64=1"] : [])
    }

    /// A new object, or nil where there is no more memory.
    func allocate(_ byteCount: Int) throws(DeviceError) -> cl_mem? {
        guard byteCount <= traits.maxAllocation else { return nil }
        var status: cl_int = 0
        let flags = cl_mem_flags(CL_MEM_READ_WRITE) | (traits.isCPU ? cl_mem_flags(CL_MEM_ALLOC_HOST_PTR) : 0)
        var ones = [UInt8](repeating: 0xFF, count: Environment.memory == .exact ? byteCount : 0)
        let filling = ones.isEmpty ? 0 : cl_mem_flags(CL_MEM_COPY_HOST_PTR)
        let memory = ones.withUnsafeMutableBytes {
            api.clCreateBuffer(context.raw, flags | filling, byteCount, filling == 0 ? nil : $0.baseAddress, &status)
        }
        if OpenCLStatus.isMemoryExhausted(status) || status == CL_INVALID_BUFFER_SIZE { return nil }
        try OpenCLStatus.check(status, "clCreateBuffer", "\(byteCount) bytes")
        return memory
    }
}

/// Reads a device's properties; what a driver does not answer reads as zero or empty.
struct OpenCLInfo {
    let api: losskit_opencl
    let device: cl_device_id

    func number(_ name: Int32) -> Int {
        var value: UInt64 = 0
        var size = 0
        guard api.clGetDeviceInfo(device, cl_device_info(name), 8, &value, &size) == 0 else { return 0 }
        return Int(truncatingIfNeeded: size == 4 ? UInt64(UInt32(truncatingIfNeeded: value)) : value)
    }

    /// `CL_DEVICE_TYPE`, unless `LOSSKIT_OPENCL_TYPE` overrides it.
    var type: Int {
        switch Environment.openCLType {
        case "cpu": Int(CL_DEVICE_TYPE_CPU)
        case "gpu": Int(CL_DEVICE_TYPE_GPU)
        default: number(CL_DEVICE_TYPE)
        }
    }

    func flag(_ name: Int32) -> Bool { number(name) != 0 }

    func text(_ name: Int32) -> String {
        var size = 0
        guard api.clGetDeviceInfo(device, cl_device_info(name), 0, nil, &size) == 0, size > 0 else { return "" }
        var bytes = [CChar](repeating: 0, count: size)
        guard api.clGetDeviceInfo(device, cl_device_info(name), size, &bytes, nil) == 0 else { return "" }
        return Self.string(bytes)
    }

    static func text(api: losskit_opencl, platform: cl_platform_id, _ name: Int32) -> String {
        var size = 0
        guard api.clGetPlatformInfo(platform, cl_platform_info(name), 0, nil, &size) == 0, size > 0 else { return "" }
        var bytes = [CChar](repeating: 0, count: size)
        guard api.clGetPlatformInfo(platform, cl_platform_info(name), size, &bytes, nil) == 0 else { return "" }
        return string(bytes)
    }

    private static func string(_ bytes: [CChar]) -> String {
        String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    var traits: OpenCLTraits {
        let extensions = text(CL_DEVICE_EXTENSIONS).split(separator: " ")
        return OpenCLTraits(
            isCPU: type & Int(CL_DEVICE_TYPE_CPU) != 0,
            // What stands in for another type of device should share work out as one does.
            computeUnits: max(Environment.openCLType == nil ? 1 : 4, number(CL_DEVICE_MAX_COMPUTE_UNITS)),
            clockMegahertz: number(CL_DEVICE_MAX_CLOCK_FREQUENCY),
            maxWorkGroupSize: max(1, number(CL_DEVICE_MAX_WORK_GROUP_SIZE)),
            localMemory: number(CL_DEVICE_LOCAL_MEM_SIZE),
            globalMemory: number(CL_DEVICE_GLOBAL_MEM_SIZE),
            maxAllocation: number(CL_DEVICE_MAX_MEM_ALLOC_SIZE),
            maxParameterBytes: number(CL_DEVICE_MAX_PARAMETER_SIZE),
            hasFP64: extensions.contains("cl_khr_fp64") && !Environment.noDoubles,
            hasFP16: extensions.contains("cl_khr_fp16"),
            hasInt64Atomics: extensions.contains("cl_khr_int64_base_atomics"),
            version: text(CL_DEVICE_VERSION))
    }
}
