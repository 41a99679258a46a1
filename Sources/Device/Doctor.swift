import CLossKitOpenCL

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Looks for what keeps a machine's devices from being used.
public enum Doctor {
    /// One thing that was looked at.
    public struct Finding: Sendable {
        public let summary: String
        /// The command that mends it, where there is one.
        public let remedy: String?
        public let isProblem: Bool
    }

    /// What was found, in the order in which things depend on each other.
    public static func findings() -> [Finding] {
        var findings: [Finding] = []
        func note(_ summary: String, _ isProblem: Bool = false, _ remedy: String? = nil) {
            findings.append(Finding(summary: summary, remedy: remedy, isProblem: isProblem))
        }
        if let loader = losskit_opencl_load()?.pointee {
            note("OpenCL loader found")
            var count: cl_uint = 0
            let status = loader.clGetPlatformIDs(0, nil, &count)
            if status != 0 || count == 0 {
                note(
                    "no OpenCL platform: the loader knows no driver", true,
                    "apt-get install intel-opencl-icd (Intel), mesa-opencl-icd (AMD), nvidia-opencl-icd (NVIDIA) or pocl-opencl-icd (any CPU)")
            }
        } else {
            note("no OpenCL loader", true, "apt-get install ocl-icd-libopencl1")
        }
        checkRenderNodes { note($0, $1, $2) }
        for device in Device.all where device.isOpenCL { note("\(device.kind.rawValue): \(device.name), driver \(device.driverVersion)") }
        if !Device.all.contains(where: { $0.kind == .gpu }) { note("no GPU is usable through OpenCL; Device.default is \(Device.default)") }
        if BLAS.shared == nil {
            note("no OpenBLAS: matrix products are slow and there are no decompositions", true, "apt-get install libopenblas0")
        } else {
            note("OpenBLAS found")
        }
        return findings
    }

    private static func checkRenderNodes(_ note: (String, Bool, String?) -> Void) {
        guard let directory = opendir("/dev/dri") else { return }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name.hasPrefix("renderD"), access("/dev/dri/\(name)", R_OK | W_OK) != 0 else { continue }
            note("no permission on /dev/dri/\(name)", true, "usermod -aG render \"$USER\", then log in again")
        }
    }
}
