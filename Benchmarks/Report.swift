import Foundation
import LossKit

/// Everything a run found out, as JSON and as one HTML page.
struct Report: Codable {
    struct DeviceSection: Codable {
        var name: String
        var label: String
        var curve: [Epoch] = []
        var trainingSeconds = 0.0
        var isRepeatable = true
        var startUp: StartUp?
        var limits: Limits?
        var measurements: [Kernel.Row] = []
        var problems: [String] = []

        init(name: String, label: String) {
            self.name = name
            self.label = label
        }
    }

    var date = ISO8601DateFormatter().string(from: Date())
    var quick: Bool
    var devices: [DeviceSection] = []

    init(quick: Bool) { self.quick = quick }

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
