import Foundation
import LossKit
import Testing

@testable import Benchmarks

@Suite struct ReportTests {
    private func report(ratio: Double) -> Report {
        var report = Report(quick: true, peerVersions: ["torch": "2"])
        var section = Report.DeviceSection(.cpu)
        section.curve = [
            Epoch(trainingLoss: 2, heldOutLoss: 2.1, accuracy: 0.5), Epoch(trainingLoss: .nan, heldOutLoss: 0, accuracy: 0.9),
        ]
        section.limits = Limits(copy: 10, gemm: 100)
        let peer = Kernel.PeerTime(name: "<torch>", seconds: 0.25 * ratio, ratio: ratio)
        section.measurements = Kernel.Pass.allCases.map {
            Kernel.Row(name: "k", size: "1x2", pass: $0, seconds: 0.25, rate: 1, unit: "GB/s", percent: 10, peers: [peer])
        }
        section.problems = ["a < b"]
        report.devices = [section]
        return report
    }

    @Test func tablesShowTimesAndRatio() throws {
        let table = report(ratio: 2).devices[0].table
        #expect(table.contains("250.0 ms") && table.contains("500.0 ms") && table.contains("2.00x") && table.contains("<torch>"))
    }

    @Test func thePageIsSelfContainedAndEscaped() throws {
        let page = ReportPage(report(ratio: 0.5)).html
        #expect(page.contains("a &lt; b") && !page.contains("<torch>"))
        #expect(page.contains("0.50x") && page.contains("0 of 1"))
        #expect(!page.contains("http://") && !page.contains("https://") && !page.contains("nan"))
    }

    @Test func numbersComeBackFromTheFile() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("losskit-tests-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        var written = report(ratio: 2)
        written.devices[0].curve.removeLast()
        try written.write(to: folder.path)
        let data = try Data(contentsOf: folder.appendingPathComponent("report.json"))
        let read = try JSONDecoder().decode(Report.self, from: data)
        #expect(read.devices[0].curve == written.devices[0].curve)
        #expect(read.devices[0].measurements.map(\.seconds) == [0.25, 0.25])
        #expect(read.problems == ["a < b"])
    }
}
