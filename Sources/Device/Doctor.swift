/// Looks for what keeps a machine's devices from being used.
public enum Doctor {
    /// One thing that was looked at.
    public struct Finding: Sendable, Equatable {
        /// What is so, in one line.
        public let summary: String
        /// The command that mends it, where there is one.
        public let remedy: String?
        /// Whether it keeps something from working.
        public let isProblem: Bool
    }

    /// What was found, in the order in which things depend on each other.
    public static func findings() -> [Finding] {
        drivers() + permissions() + devices() + libraries() + cache(ProgramCache.defaultDirectory)
    }

    private static func drivers() -> [Finding] {
        let discovery = Device.discovery
        guard discovery.hasLoader else { return [problem("no OpenCL loader", "apt-get install ocl-icd-libopencl1")] }
        guard !discovery.platforms.isEmpty else {
            return [
                fact("OpenCL loader found"),
                problem("no OpenCL platform: the loader knows no driver", "apt-get install \(driverPackage)"),
            ]
        }
        return [fact("OpenCL loader found")]
            + discovery.platforms.map { platform in
                platform.deviceCount > 0
                    ? fact("platform \(platform.name): \(platform.deviceCount) \(platform.deviceCount == 1 ? "device" : "devices")")
                    : problem("platform \(platform.name) has no device that can be used", "apt-get install --reinstall \(driverPackage)")
            }
    }

    /// The driver for the hardware that the system shows.
    private static var driverPackage: String {
        if Files.exists("/dev/nvidiactl") { return "nvidia-opencl-icd" }
        let vendors = Files.names(in: "/sys/class/drm").compactMap { Files.read("/sys/class/drm/\($0)/device/vendor") }
            .map { String(decoding: $0, as: UTF8.self).split(separator: "\n").first.map(String.init) ?? "" }
        if vendors.contains("0x8086") { return "intel-opencl-icd" }
        if vendors.contains("0x1002") { return "mesa-opencl-icd" }
        return "pocl-opencl-icd"
    }

    private static func permissions() -> [Finding] {
        Files.names(in: "/dev/dri").filter { $0.hasPrefix("renderD") && !Files.isWritable("/dev/dri/\($0)") }.map {
            problem("no permission on /dev/dri/\($0)", "usermod -aG render \"$USER\", then log in again")
        }
    }

    private static func devices() -> [Finding] {
        var findings = Device.all.filter(\.isOpenCL).map { fact("\($0.kind.rawValue): \($0.name), driver \($0.driverVersion)") }
        if !Device.all.contains(where: { $0.kind == .gpu || $0.kind == .accelerator }) {
            findings.append(fact("no GPU is usable through OpenCL; Device.default is \(Device.default)"))
        }
        if let request = Environment.device {
            do {
                _ = try Device.named(request)
            } catch {
                findings.append(problem("LOSSKIT_DEVICE: \(error)", "unset LOSSKIT_DEVICE"))
            }
        }
        return findings
    }

    private static func libraries() -> [Finding] {
        var findings = [
            BLAS.shared == nil
                ? problem("no OpenBLAS: matrix products are slow and there are no decompositions", "apt-get install libopenblas0")
                : fact("OpenBLAS found")
        ]
        if CLBlast.isAvailable {
            findings.append(fact("CLBlast found"))
        } else if Device.all.contains(where: { $0.kind == .gpu }) {
            findings.append(problem("no CLBlast: matrix products on the GPU are slow", "apt-get install libclblast-dev"))
        }
        return findings
    }

    /// Whether compiled programs can be kept.
    static func cache(_ directory: String?) -> [Finding] {
        guard !Environment.noCache, let directory else { return [fact("compiled programs are not kept")] }
        return Files.makeDirectory(directory) && Files.isWritable(directory)
            ? [fact("compiled programs are kept in \(directory)")]
            : [problem("compiled programs cannot be kept in \(directory)", "export LOSSKIT_CACHE_DIR=FOLDER, a folder you may write to")]
    }

    private static func fact(_ summary: String) -> Finding { Finding(summary: summary, remedy: nil, isProblem: false) }

    private static func problem(_ summary: String, _ remedy: String) -> Finding {
        Finding(summary: summary, remedy: remedy, isProblem: true)
    }
}
