/// Where devices' tuning files lie: beside the compiled programs, one for each device and driver.
package struct TuningDatabase: Sendable {
    package let directory: String

    package init(directory: String) {
        self.directory = directory
    }

    /// The database that devices are tuned from; nil where `LOSSKIT_NO_TUNING` is set or there is no home folder.
    package static let shared: TuningDatabase? = Environment.noTuning ? nil : ProgramCache.defaultDirectory.map(TuningDatabase.init)

    /// A device's file.
    package func path(of device: Device) -> String? { device.state.stream.map { path($0.context) } }

    /// Keeps a device's values for the next process; false where the folder cannot be written to.
    package func store(_ tuning: Tuning, of device: Device) -> Bool {
        guard let context = device.state.stream?.context, Files.makeDirectory(directory) else { return false }
        let text = tuning.text(identity: Self.identity(context), comment: "\(device.name), driver \(device.driverVersion)")
        return Files.replace(path(context), with: Array(text.utf8))
    }

    /// Forgets a device's values; false where they cannot be removed.
    package func remove(_ device: Device) -> Bool {
        guard let path = path(of: device), Files.exists(path) else { return true }
        return Files.remove(path)
    }

    /// What a device is tuned to. A file that cannot be used costs one warning and nothing else.
    func load(_ context: OpenCLContext, warn: (String) -> Void = StandardError.print) -> Tuning {
        let path = path(context)
        guard Files.exists(path) else { return Tuning() }
        do throws(TuningError) {
            let bytes = Files.read(path, atMost: Tuning.mostBytes + 1) ?? []
            return try Tuning(parsing: bytes, identity: Self.identity(context), traits: context.traits)
        } catch {
            warn("losskit: the tuning file \(path) is ignored: \(error); losskit tune makes a new one")
            return Tuning()
        }
    }

    private func path(_ context: OpenCLContext) -> String { "\(directory)/\(Self.identity(context)).tuning" }

    private static func identity(_ context: OpenCLContext) -> String {
        ProgramCache.key(context.identity + [context.traits.isCPU ? "cpu" : "gpu"])
    }
}
