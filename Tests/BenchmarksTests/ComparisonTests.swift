import Foundation
import LossKit
import Testing

@testable import Benchmarks

@Suite struct ComparisonTests {
    private func report(_ seconds: [Double], spread: Double? = 0.02) -> Report {
        var report = Report(quick: true, peerVersions: [:])
        var section = Report.DeviceSection(.cpu)
        section.limits = Limits(copy: 10, gemm: 100)
        section.startUp = nil
        section.measurements = seconds.enumerated().map { index, seconds in
            var row = Kernel.Row(name: "k\(index)", size: "\(index + 1)x10", pass: .both, seconds: seconds, rate: 1, unit: "GB/s", percent: 10)
            row.spread = spread
            row.peakBytes = 1000 << index
            return row
        }
        report.devices = [section]
        return report
    }

    @Test func aSlowerMachineIsNoSlowerKernel() {
        let old = (1...10).map { Double($0) }
        let comparison = Comparison(old: report(old), new: report(old.map { 1.5 * $0 }))
        #expect(comparison.drift == 1.5 && comparison.rows.allSatisfy { $0.verdict == .same })
    }

    @Test func oneSlowerKernelStandsOut() {
        let old = (1...10).map { Double($0) }
        var new = old
        new[3] *= 1.4
        new[5] /= 1.4
        let comparison = Comparison(old: report(old), new: report(new))
        #expect(comparison.slower.map(\.name) == ["CPU: k3 4x10 forward+backward"])
        #expect(comparison.rows.filter { $0.verdict == .faster }.count == 1)
        #expect(comparison.text.contains("1 faster, 1 slower, 8 within noise") && comparison.text.contains("1.40x"))
    }

    @Test func noiseHidesSmallDifferences() {
        let comparison = Comparison(old: report([1, 1], spread: 0.3), new: report([1.4, 1], spread: 0.3))
        #expect(comparison.slower.isEmpty)
        #expect(Comparison(old: report([1, 1], spread: nil), new: report([1.4, 1], spread: nil)).slower.count == 1)
    }

    @Test func whatOnlyOneHasIsNamed() {
        let comparison = Comparison(old: report([1, 1]), new: report([1]))
        #expect(comparison.missing == ["CPU: k1 2x10 forward+backward"] && comparison.rows.count == 1)
    }

    @Test func excessCostsAreNamed() throws {
        let limits = try JSONDecoder().decode(
            Costs.self, from: Data(#"{"threads": 2, "entries": {"k": {"launches": 2, "allocations": 3, "peakBytes": 100}}}"#.utf8))
        var costs = limits
        #expect(costs.excesses(over: limits).isEmpty)
        costs.entries["k"] = Costs.Entry(launches: 3, allocations: 4, peakBytes: 111)
        #expect(costs.excesses(over: limits).count == 3)
        costs.threads = 4
        costs.entries["new"] = Costs.Entry(launches: 99, allocations: 99, peakBytes: 99)
        #expect(costs.excesses(over: limits).count == 1)
    }

    /// Every change: launches, allocations and memory of the kernels stay within what is recorded.
    @Test func kernelsCostNoMoreThanRecorded() throws {
        #expect(try Costs(measuredOn: .cpu).excesses(over: .recorded()) == [])
    }

    @Test func thePagePlotsRooflineScalingAndMemory() throws {
        var report = report([0.001, 0.01])
        for index in 0..<2 {
            report.devices[0].measurements[index].name = "kernel"
            report.devices[0].measurements[index].work = try work(bytes: 1e6, flops: 1e7)
        }
        let page = ReportPage(report).html
        for text in ["Roofline", "time by size, forward+backward", "Most memory", "product 100 GFLOP/s", "kernel 2x10"] { #expect(page.contains(text), "\(text)") }
        #expect(!page.contains("nan") && !page.contains("inf"))
    }

    private func work(bytes: Double, flops: Double) throws -> Work {
        try JSONDecoder().decode(Work.self, from: Data("{\"bytes\": \(bytes), \"flops\": \(flops)}".utf8))
    }

    @Test func tracedStepsSayWhatTheyDo() throws {
        let x = try Tensor.ones([128, 128], on: .cpu).evaluated()
        let work = try Work { try x.matmul(x).evaluated() }
        // Rates and times have three digits behind the point, and tests that run beside this one may add theirs.
        #expect(work.flops > 0.9 * 2 * 128 * 128 * 128 && work.bytes > 0)
    }
}
