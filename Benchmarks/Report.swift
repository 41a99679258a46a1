import Foundation
import LossKit

/// Everything a run found out, as JSON and as one HTML page.
struct Report: Codable {
    struct DeviceSection: Codable {
        var name: String
        var label: String
        var platform: String
        var driver: String
        var curve: [Epoch] = []
        var trainingSeconds = 0.0
        var isRepeatable = true
        var startUp: StartUp?
        var limits: Limits?
        var measurements: [Kernel.Row] = []
        var problems: [String] = []
        /// What is worth knowing beside the times.
        var notes: [String]? = []

        init(_ device: Device) {
            name = "\(device)"
            label = device.label
            platform = device.platform
            driver = device.driverVersion
        }

        /// The peers in any of the measurements, in the order of their first.
        var peerNames: [String] {
            measurements.flatMap(\.peers).map(\.name).reduce(into: []) { names, name in
                if !names.contains(name) { names.append(name) }
            }
        }

        /// The measurements for a terminal.
        var table: String {
            let names = peerNames
            let header =
                ["kernel", "size", "pass", "median", "rate", "of device", "memory"] + names + (names.isEmpty ? [] : ["fastest peer"])
            let rows = measurements.map { row in
                let peers = names.map { name in row.peers.first { $0.name == name }.map { $0.seconds.milliseconds } ?? "" }
                return [
                    row.name, row.size, row.pass.rawValue, row.seconds.milliseconds, "\(row.rate.formatted(2)) \(row.unit)",
                    "\(row.percent.formatted(0)) %", "\((Double(row.peakBytes) / 1e6).formatted(1)) MB",
                ] + peers + (names.isEmpty ? [] : [row.fastestPeer.map { "\($0.ratio.formatted(2))x" } ?? ""])
            }
            return Console.table([header] + rows, rightAligned: 3..<header.count)
        }
    }

    var date = ISO8601DateFormatter().string(from: Date())
    var machine = Machine()
    var quick: Bool
    /// The libraries that were run beside ours.
    var peerVersions: [String: String]
    var devices: [DeviceSection] = []

    init(quick: Bool, peerVersions: [String: String]) {
        self.quick = quick
        self.peerVersions = peerVersions
    }

    var problems: [String] { devices.flatMap(\.problems) }

    func write(to folder: String) throws {
        let folder = URL(fileURLWithPath: folder, isDirectory: true)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(self).write(to: folder.appendingPathComponent("report.json"))
        try Data(ReportPage(self).html.utf8).write(to: folder.appendingPathComponent("report.html"))
    }
}
