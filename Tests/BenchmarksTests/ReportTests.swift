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

    private func row(_ name: String, _ size: String, seconds: Double = 1) -> Kernel.Row {
        Kernel.Row(name: name, size: size, pass: .both, seconds: seconds, rate: 1, unit: "GB/s", percent: 10)
    }

    @Test func linesJoinOnlySizesOfOneKind() {
        func variants(_ sizes: String...) -> [String: [String]] {
            Dictionary(uniqueKeysWithValues: SizeVariant.all(sizes.map { row("k", $0) }).map { ($0.name, $0.rows.map(\.size)) })
        }
        #expect(
            variants("100x100x2 at 0.1", "500x500x2 at 0.1", "100x100x2 at 0.01")
                == ["at 0.1": ["100x100x2 at 0.1", "500x500x2 at 0.1"], "at 0.01": ["100x100x2 at 0.01"]])
        #expect(variants("1000x2", "5000x2", "1000x16") == ["d = 2": ["1000x2", "5000x2"], "d = 16": ["1000x16"]])
        #expect(variants("1024x100", "4096x1000") == ["": ["1024x100", "4096x1000"]])
        #expect(
            variants("2000x2000x64", "5000x5000x2", "9000x9000x8")
                == ["5000x5000x2": ["5000x5000x2", "9000x9000x8"], "d = 64": ["2000x2000x64"]])
        #expect(variants("512x512", "64x64x64") == ["2-D": ["512x512"], "3-D": ["64x64x64"]])
        #expect(variants("65536", "torus 200x3") == ["1-D": ["65536"], "2-D torus": ["torus 200x3"]])
        #expect(SizeVariant.extent("torus 200x3") == 600 && SizeVariant.extent("4096 at 0.1") == 4096)
    }

    /// Many points in one place: every name that is drawn is apart from the others.
    @Test func namesDoNotCoverEachOther() throws {
        let points: [(Double, Double)] = (0..<30).map { index in
            let (column, row) = (Double(index % 6), Double(index / 6))
            return (200 + 9 * column, 150 + 9 * row)
        }
        var labels = LabelPlacement(area: (0, 0, 900, 460), points: points)
        var boxes: [(x: Double, y: Double)] = []
        for (index, point) in points.enumerated() {
            let text = labels.label("kernel\(index)", at: point, width: 48)
            guard let match = text.firstMatch(of: #/text-anchor="(\w+)".* x="([\d.]+)" y="([\d.]+)"/#) else { continue }
            let (x, y) = (Double(match.output.2) ?? .nan, Double(match.output.3) ?? .nan)
            boxes.append((match.output.1 == "end" ? x - 48 : match.output.1 == "middle" ? x - 24 : x, y))
        }
        #expect(boxes.count > 20)
        for (index, box) in boxes.enumerated() {
            for other in boxes[..<index] {
                let isApart: Bool = abs(box.x - other.x) >= 47.8 || abs(box.y - other.y) >= 11.8
                #expect(isApart)
            }
        }
    }

    @Test func reportsAreDrawnOnOnePage() throws {
        var (first, second) = (report(ratio: 2), report(ratio: 2))
        first.devices[0].measurements = [row("a", "1x2", seconds: 1), row("b", "1x2")]
        second.devices[0].measurements = [row("a", "1x2", seconds: 2), row("c", "1x2")]
        first.merge(second)
        #expect(first.devices.count == 1 && first.devices[0].measurements.map(\.name) == ["b", "a", "c"])
        #expect(first.devices[0].measurements[1].seconds == 2)
    }

    @Test func numbersComeBackFromTheFile() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("losskit-tests-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        var written = report(ratio: 2)
        written.devices[0].curve.removeLast()
        try written.write(to: folder.path)
        let file = folder.appendingPathComponent("report.json")
        let read = try Report.read(file.path)
        #expect(read.devices[0].curve == written.devices[0].curve)
        #expect(read.devices[0].measurements.map(\.seconds) == [0.25, 0.25])
        #expect(read.problems == ["a < b"])
        // A report of before memory was measured.
        let text = try String(contentsOf: file, encoding: .utf8).replacing(#/"peakBytes" : \d+,/#, with: "")
        try text.write(to: file, atomically: true, encoding: .utf8)
        #expect(!text.contains("peakBytes"))
        #expect(try Report.read(file.path).devices[0].measurements.map(\.peakBytes) == [0, 0])
    }
}
