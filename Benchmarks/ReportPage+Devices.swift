import Foundation

extension ReportPage {
    private static let colours = ["#3b82f6", "#f97316", "#10b981", "#a855f7", "#ef4444"]

    var curves: String {
        let trained = report.devices.filter { !$0.curve.isEmpty }
        guard !trained.isEmpty else { return "" }
        func line(_ name: String, _ index: Int, isDashed: Bool = false, _ values: [Double]) -> LineChart.Line {
            LineChart.Line(name: name, colour: Self.colours[index % 5], isDashed: isDashed, values: values, width: index == 0 ? 5 : 2)
        }
        let losses = trained.enumerated().flatMap { index, device in
            [
                line(device.name + ", training", index, isDashed: true, device.curve.map(\.trainingLoss)),
                line(device.name + ", held out", index, device.curve.map(\.heldOutLoss)),
            ]
        }
        let accuracies = trained.enumerated().map { index, device in line(device.name, index, device.curve.map { 100 * $0.accuracy }) }
        let times = trained.map { device in
            let repeated = device.isRepeatable ? "a second run gave the same curve" : "a second run differed"
            return "\(device.name): \(device.trainingSeconds.formatted(1)) s, \(repeated)"
        }
        return """
            <div class="card"><h2>Digits: cross-entropy with a spanning-tree regulariser</h2>
            <p class="note">\(times.joined(separator: " · ").escaped)</p>
            <div class="pair">\(LineChart(title: "Loss, logarithmic", lines: losses, isLogarithmic: true).html)\
            \(LineChart(title: "Held-out accuracy, %", lines: accuracies).html)</div></div>
            """
    }

    /// Ours and the peers' times, each kernel and size by itself.
    func comparison(_ device: Report.DeviceSection) -> String {
        let names = device.peerNames
        guard !names.isEmpty else { return "" }
        let charts = device.measurements.filter { $0.pass == .both && !$0.peers.isEmpty }.map { row in
            let slowest = max(row.seconds, row.peers.map(\.seconds).max() ?? 0)
            let ours = BarChart.Bar(
                name: "LossKit", length: row.seconds / slowest, figure: row.seconds.milliseconds, colour: Self.colours[0], isMain: true)
            let others = row.peers.map { peer in
                BarChart.Bar(name: peer.name, length: peer.seconds / slowest, figure: peer.seconds.milliseconds, colour: "var(--soft)")
            }
            let ratio = row.fastestPeer?.ratio ?? 1
            return BarChart(
                title: "<span>\(row.name) <span class=\"soft\">\(row.size)</span></span>"
                    + "<span class=\"\(ratio >= 1 ? "good" : "bad")\">\(ratio.formatted(2))x</span>",
                bars: ([ours] + others).sorted { $0.length < $1.length }
            ).html
        }
        return """
            <div class="card"><h2>\(device.name.escaped) beside its peers, forward+backward</h2>
            <p class="note">Median times on the same inputs in turn, shortest first; the figure at the right is the fastest peer's time over ours.</p>
            <div class="grid">\(charts.joined())</div></div>
            """
    }

    func section(_ device: Report.DeviceSection) -> String {
        guard let limits = device.limits else { return "" }
        let charts = Kernel.Pass.allCases.map { pass in
            let rows = device.measurements.filter { $0.pass == pass }
            let longest = max(100, rows.map(\.percent).filter(\.isFinite).max() ?? 100)
            let bars = rows.map { row in
                BarChart.Bar(
                    name: "\(row.name) \(row.size)", length: row.percent / longest, figure: "\(row.percent.formatted(0)) %",
                    colour: Self.colours[0])
            }
            return BarChart(title: "<span>\(pass.rawValue), % of copy or GEMM</span>", bars: bars).html
        }
        let start = device.startUp.map {
            " · first loss and gradient in \($0.coldSeconds.formatted(2)) s with empty caches, then in \($0.warmSeconds.formatted(2)) s"
        }
        return """
            <div class="card"><h2>\(device.name.escaped)</h2>
            <p class="note">copy \(limits.copy.formatted(1)) GB/s · GEMM \(limits.gemm.formatted(1)) GFLOP/s, measured in this run\
            \(device.driver.isEmpty ? "" : " · " + "\(device.platform), driver \(device.driver)".escaped)\(start ?? "")</p>
            <div class="pair">\(charts.joined())</div>
            <details><summary>All figures</summary><div class="scroll">\(table(device))</div></details></div>
            """
    }

    private func table(_ device: Report.DeviceSection) -> String {
        let names = device.peerNames
        let header = ["median", "rate", "of device"] + names + (names.isEmpty ? [] : ["fastest peer"])
        let rows = device.measurements.map { row in
            let peers = names.map { name in row.peers.first { $0.name == name }.map { $0.seconds.milliseconds } ?? "" }
            let cells =
                [row.seconds.milliseconds, "\(row.rate.formatted(row.rate < 0.1 ? 4 : 2)) \(row.unit)", "\(row.percent.formatted(0)) %"]
                + peers + (names.isEmpty ? [] : [row.fastestPeer.map { "\($0.ratio.formatted(2))x" } ?? ""])
            return "<tr><td>\(row.name)</td><td>\(row.size)</td><td>\(row.pass.rawValue)</td>"
                + cells.map { "<td class=\"n\">\($0)</td>" }.joined() + "</tr>"
        }
        return "<table><tr><th>kernel</th><th>size</th><th>pass</th>"
            + header.map { "<th class=\"n\">\($0.escaped)</th>" }.joined() + "</tr>" + rows.joined() + "</table>"
    }
}
