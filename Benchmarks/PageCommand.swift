import ArgumentParser
import Foundation

struct PageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "page", abstract: "Draws the page of reports that were made before.",
        discussion: """
            Example: Benchmarks page report.json --html page.html
            Of several reports one page: what they measured on one device stands together.
            """)

    @Argument(help: "Each a report.json.", completion: .file(extensions: ["json"])) var reports: [String]
    @Option(help: "The .html file to write.") var html = "report.html"

    func run() throws {
        let read = try reports.map(Report.read)
        guard var report = read.first else { return }
        for other in read.dropFirst() { report.merge(other) }
        do {
            try Data(ReportPage(report).html.utf8).write(to: URL(fileURLWithPath: html))
        } catch {
            throw ValidationError("\(html): cannot be written")
        }
    }
}

extension Report {
    /// Adds another report's measurements; of those of one kernel, size and pass the later ones count.
    mutating func merge(_ other: Report) {
        peerVersions.merge(other.peerVersions) { $1 }
        for device in other.devices {
            guard let index = devices.firstIndex(where: { $0.name == device.name }) else {
                devices.append(device)
                continue
            }
            devices[index].measurements.removeAll { old in
                device.measurements.contains { $0.name == old.name && $0.size == old.size && $0.pass == old.pass }
            }
            devices[index].measurements += device.measurements
            devices[index].problems += device.problems
            devices[index].notes = (devices[index].notes ?? []) + (device.notes ?? [])
            if devices[index].curve.isEmpty { devices[index].curve = device.curve }
            devices[index].startUp = device.startUp ?? devices[index].startUp
            devices[index].limits = device.limits ?? devices[index].limits
        }
    }
}
