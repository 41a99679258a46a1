import LossKitDevice

/// How elementwise operations become kernels. Nobody can tell from the results.
package enum Fusion: String, Sendable, CaseIterable {
    /// Every operation runs on its own.
    case off
    /// Operations run together, interpreted.
    case interpret
    /// Operations run together; on an OpenCL device every expression is compiled first.
    case compile
    /// Operations run together, interpreted until they have done enough work to be worth a compiler and it is ready.
    case automatic

    /// What `LOSSKIT_FUSION` says, unless a test says otherwise for the code it runs.
    @TaskLocal package static var mode = Environment.fusion.flatMap(Fusion.init) ?? .automatic
}
