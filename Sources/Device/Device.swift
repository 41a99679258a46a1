import CLossKitOpenCL

/// Where tensors live and kernels run: the CPU, or a device of an OpenCL platform.
public struct Device: Sendable {
    /// What does the computing.
    public enum Kind: String, Sendable {
        /// LossKit's own CPU kernels; always there.
        case cpu
        /// A GPU behind an OpenCL driver.
        case gpu
        /// What an OpenCL driver calls neither a GPU nor a CPU.
        case accelerator
        /// A CPU behind an OpenCL driver.
        case openCLCPU
    }

    let state: DeviceState

    /// The CPU, without OpenCL.
    public static let cpu = Device(
        state: DeviceState(name: "CPU", vendor: "", kind: .cpu, capacity: HostMemory.byteCount, stream: nil))

    /// The device's name as its driver states it.
    public var name: String { state.name }
    /// Who made the device, as its driver states it; empty for the CPU.
    public var vendor: String { state.vendor }
    /// What does the computing.
    public var kind: Kind { state.kind }
    /// Whether the device is behind an OpenCL driver.
    public var isOpenCL: Bool { state.stream != nil }

    /// What OpenCL says of the device; nil for the CPU.
    package var traits: OpenCLTraits? { state.stream?.context.traits }

    /// The driver's version as it states it; empty for the CPU.
    public var driverVersion: String { state.stream?.context.driverVersion ?? "" }

    /// The OpenCL platform; empty for the CPU.
    public var platform: String { state.stream?.context.platformName ?? "" }

    /// Threads of the CPU, compute units of an OpenCL device.
    public var computeUnits: Int { traits?.computeUnits ?? ThreadPool.threadCount }

    /// The bytes that LossKit holds on this device.
    public var memory: MemoryStatistics { state.pool.statistics }

    /// Limits what LossKit may hold on this device; nil lifts the limit to the device's memory.
    public func setMemoryLimit(_ bytes: Int?) { state.pool.setLimit(bytes) }

    /// Gives memory that is kept for reuse back to the system.
    public func trim() { state.pool.trim() }

    /// Waits until everything launched so far has finished.
    public func synchronize() throws(DeviceError) {
        for stream in state.streams { try stream.finish() }
    }

    /// Makes the device usable again after a failure that stopped its streams.
    public func reset() {
        for stream in state.streams { stream.reset() }
    }
}

extension Device: Hashable, CustomStringConvertible {
    /// Whether both stand for one device.
    public static func == (lhs: Device, rhs: Device) -> Bool { lhs.state === rhs.state }
    /// Hashes what ``==(_:_:)`` compares.
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(state)) }
    /// The device's name, after `OpenCL` where it is one.
    public var description: String { isOpenCL ? "OpenCL \(name)" : name }
}
