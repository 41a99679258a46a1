import ArgumentParser
import LossKit

struct TuneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tune", abstract: "Measure which kernel parameters serve a device best, and keep them.",
        discussion: """
            Example: losskit tune --device opencl
            Example: losskit tune --dry-run --json
            Takes all OpenCL devices unless one is named, a minute or so each; the machine should have nothing else to do. The values are \
            kept beside the compiled programs, for this device and driver, and serve every program that uses LossKit; LOSSKIT_NO_TUNING \
            leaves them out, --reset forgets them. LossKit's own CPU device has nothing to tune.
            """)

    @Option(name: .customLong("device"), help: "opencl, opencl:SUBSTRING or opencl:P:D; all OpenCL devices by default.")
    var deviceName: String?
    @Flag(help: "Measure, but keep nothing.") var dryRun = false
    @Flag(help: "Forget what was kept.") var reset = false
    @Flag(help: "One JSON array on standard output.") var json = false

    func run() throws {
        let devices = try deviceName.map { [try Device.named($0)] } ?? Device.all.filter(\.isOpenCL)
        let tuned = devices.filter(\.isOpenCL)
        if tuned.isEmpty {
            Console.error("losskit: \(devices.isEmpty ? "there is no OpenCL device" : "\(devices[0]) has no parameters") to tune")
        }
        if json {
            return print(JSON.array(try tuned.map { reset ? try forget($0).json : try tune($0).json }))
        }
        for device in tuned { print(reset ? try forget(device).text : try tune(device).text) }
    }

    /// What became of one device.
    private struct Outcome {
        var device: Device
        var findings: [KernelTuner.Finding] = []
        /// What became of its file.
        var note: String
        var file: String?

        var text: String {
            guard !findings.isEmpty else { return "\(device): \(note)" }
            let header = ["parameter", "measured with", "before", "after", "before", "after", "faster"]
            let rows = findings.map { finding in
                [
                    finding.tunable.rawValue, finding.work, "\(finding.before)", "\(finding.after)",
                    Self.milliseconds(finding.secondsBefore), Self.milliseconds(finding.secondsAfter),
                    finding.before == finding.after ? "kept" : "\((finding.gain * 100).rounded() / 100) times",
                ]
            }
            return "\(device)\n\(Console.table([header] + rows, rightAligned: 2..<7))\n\(note)"
        }

        var json: JSON {
            .object([
                ("device", .string(device.label)), ("file", file.map { .string($0) } ?? .null),
                (
                    "parameters",
                    .array(
                        findings.map { finding in
                            .object([
                                ("name", .string(finding.tunable.rawValue)), ("work", .string(finding.work)),
                                ("before", .integer(finding.before)), ("after", .integer(finding.after)),
                                ("secondsBefore", .number(finding.secondsBefore)), ("secondsAfter", .number(finding.secondsAfter)),
                                ("gain", .number(finding.gain)),
                            ])
                        })
                ),
            ])
        }

        private static func milliseconds(_ seconds: Double) -> String { "\((seconds * 1e5).rounded() / 100) ms" }
    }

    private func tune(_ device: Device) throws -> Outcome {
        let tuner = KernelTuner(device: device)
        let count = tuner.tunables.count
        let (tuning, findings) = try tuner.run { done, tunable in
            Console.progress(done, of: count, "\(device.name)\(tunable.map { ": \($0.rawValue)" } ?? "")")
        }
        guard !dryRun else { return Outcome(device: device, findings: findings, note: "nothing was kept", file: nil) }
        let database = try database()
        let path = database.path(of: device) ?? database.directory
        guard database.store(tuning, of: device) else { throw TensorError.file(path: path, problem: "cannot be written") }
        return Outcome(device: device, findings: findings, note: "kept in \(path)", file: path)
    }

    private func forget(_ device: Device) throws -> Outcome {
        let database = try database()
        let path = database.path(of: device) ?? database.directory
        guard database.remove(device) else { throw TensorError.file(path: path, problem: "cannot be removed") }
        return Outcome(device: device, note: "nothing is kept any more", file: nil)
    }

    private func database() throws -> TuningDatabase {
        guard let database = TuningDatabase.shared else {
            throw TensorError.invalidArgument(
                operation: "tune", expected: "HOME or LOSSKIT_CACHE_DIR, and no LOSSKIT_NO_TUNING", actual: "nowhere to keep values")
        }
        return database
    }
}
