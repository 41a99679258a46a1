/// Values chosen for the parameters of one device's kernels; what is not in it stays as it is.
package struct Tuning: Sendable, Equatable {
    private var values: [Tunable: Int] = [:]

    package init() {}

    package init(_ tunable: Tunable, _ value: Int) { values[tunable] = value }

    package subscript(tunable: Tunable) -> Int? {
        get { values[tunable] }
        set { values[tunable] = newValue }
    }

    package var isEmpty: Bool { values.isEmpty }

    /// What a task tries in place of what its devices are tuned to.
    @TaskLocal package static var trial: Tuning?
}

extension Device {
    /// What the device was tuned to when it was found; nothing for the CPU.
    package var tuning: Tuning { state.tuning }

    /// The value that a launch takes now; nil where the device has no use for the parameter.
    package func tuned(_ tunable: Tunable) -> Int? {
        guard let traits, !tunable.allowed(on: traits).isEmpty else { return nil }
        return Tuning.trial?[tunable] ?? state.tuning[tunable] ?? tunable.standard(on: traits)
    }
}

extension OpenCLEncoder {
    /// The value that a launch takes.
    package func tuned(_ tunable: Tunable) -> Int {
        Tuning.trial?[tunable] ?? device.tuning[tunable] ?? tunable.standard(on: traits)
    }
}
