/// What an OpenCL device can do, as far as choosing a kernel's variant needs it.
package struct OpenCLTraits: Sendable {
    package var isCPU: Bool
    package var computeUnits: Int
    package var clockMegahertz: Int
    package var maxWorkGroupSize: Int
    package var localMemory: Int
    package var globalMemory: Int
    package var maxAllocation: Int
    package var maxParameterBytes: Int
    package var hasFP64: Bool
    package var hasFP16: Bool
    package var hasInt64Atomics: Bool
    package var version: String
}
