import CLossKitOpenCL

extension Device {
    /// The CPU first, then every OpenCL device, the most capable first.
    ///
    /// Platforms are asked exactly once, by one thread: some drivers do not survive two asking at a time.
    public static let all: [Device] = [.cpu] + devices(discovery)

    /// The best GPU, else the CPU; `LOSSKIT_DEVICE` names another.
    public static let `default`: Device = {
        if let request = Environment.device {
            do {
                return try named(request)
            } catch {
                StandardError.print("losskit: LOSSKIT_DEVICE is ignored: \(error)")
            }
        }
        return all.first { $0.kind == .gpu || $0.kind == .accelerator } ?? .cpu
    }()

    /// The device that a text names: `cpu`, `opencl` (the best), `opencl:SUBSTRING` of its name or platform, or `opencl:P:D` by platform
    /// and device number.
    public static func named(_ request: String) throws(DeviceError) -> Device {
        let parts = request.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        if parts == ["cpu"] { return .cpu }
        let match: Discovered? =
            switch (parts.first, parts.count) {
            case ("opencl", 1): discovered.first
            case ("opencl", 3): discovered.first { "\($0.platformIndex)" == parts[1] && "\($0.deviceIndex)" == parts[2] }
            case ("opencl", 2): discovered.first { $0.matches(parts[1]) }
            default: nil
            }
        guard let match else {
            throw .notFound(request: request, available: ["cpu"] + discovered.map(\.label))
        }
        return match.device
    }

    /// How ``named(_:)`` finds this very device.
    public var label: String {
        Self.discovered.first { $0.device == self }?.label ?? "cpu"
    }

    /// What was found when the platforms were asked.
    struct Discovery: Sendable {
        var hasLoader = false
        var platforms: [(name: String, deviceCount: Int)] = []
        fileprivate var devices: [Discovered] = []
    }

    fileprivate struct Discovered: Sendable {
        var device: Device
        var platformIndex: Int
        var deviceIndex: Int

        var label: String { "opencl:\(platformIndex):\(deviceIndex) (\(device.name))" }

        func matches(_ text: String) -> Bool {
            (device.platform + " " + device.name).lowercased().contains(text.lowercased())
        }
    }

    private static var discovered: [Discovered] { discovery.devices }

    static let discovery = discover(FaultInjection.environmentTable)

    /// Asks the platforms behind a table of functions, which tests may replace, as they may replace where programs and tuning are kept.
    static func discover(
        _ api: losskit_opencl?, cache: ProgramCache? = nil, tunings: TuningDatabase? = .shared
    ) -> Discovery {
        guard let api else { return Discovery() }
        var discovery = Discovery(hasLoader: true)
        for (platformIndex, platform) in platforms(api).enumerated() {
            let found = devices(api, platform).enumerated().compactMap { index, handle -> Discovered? in
                guard let context = OpenCLContext(api: api, platform: platform, device: handle),
                    let stream = try? OpenCLStream(
                        context: context,
                        programs: ProgramLibrary(context: context, cache: cache ?? (context.hasBetterCache ? nil : ProgramCache.shared)))
                else { return nil }
                let type = OpenCLInfo(api: api, device: handle).type
                let kind: Kind =
                    type & Int(CL_DEVICE_TYPE_GPU) != 0 ? .gpu : type & Int(CL_DEVICE_TYPE_CPU) != 0 ? .openCLCPU : .accelerator
                let state = DeviceState(
                    name: context.name, vendor: context.vendor, kind: kind, capacity: context.traits.globalMemory, stream: stream,
                    tuning: tunings?.load(context) ?? Tuning())
                return Discovered(device: Device(state: state), platformIndex: platformIndex, deviceIndex: index)
            }
            discovery.platforms.append((OpenCLInfo.text(api: api, platform: platform, CL_PLATFORM_NAME), found.count))
            discovery.devices += found
        }
        discovery.devices.sort { $0.device.score > $1.device.score }
        return discovery
    }

    static func devices(_ discovery: Discovery) -> [Device] { discovery.devices.map(\.device) }

    /// A rough measure of speed: GPUs before accelerators before CPUs, then compute units times clock, then memory.
    private var score: Double {
        let rank: Double =
            switch kind {
            case .gpu: 3
            case .accelerator: 2
            case .openCLCPU: 1
            case .cpu: 0
            }
        // Memory only decides between devices that are otherwise alike.
        return rank * 1e9 + Double(traits?.computeUnits ?? 0) * Double(traits?.clockMegahertz ?? 0)
            + Double(traits?.globalMemory ?? 0) * 1e-12
    }

    private static func platforms(_ api: losskit_opencl) -> [cl_platform_id] {
        var count: cl_uint = 0
        guard api.clGetPlatformIDs(0, nil, &count) == 0, count > 0 else { return [] }
        var platforms = [cl_platform_id?](repeating: nil, count: Int(count))
        guard api.clGetPlatformIDs(count, &platforms, nil) == 0 else { return [] }
        return platforms.compactMap { $0 }
    }

    private static func devices(_ api: losskit_opencl, _ platform: cl_platform_id) -> [cl_device_id] {
        var count: cl_uint = 0
        let type = cl_device_type(CL_DEVICE_TYPE_ALL)
        guard api.clGetDeviceIDs(platform, type, 0, nil, &count) == 0, count > 0 else { return [] }
        var devices = [cl_device_id?](repeating: nil, count: Int(count))
        guard api.clGetDeviceIDs(platform, type, count, &devices, nil) == 0 else { return [] }
        return devices.compactMap { $0 }
    }
}
