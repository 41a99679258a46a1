import Foundation

/// The report as one self-contained page: curves, bars and a table for each device.
struct ReportPage {
    private let report: Report
    private static let colours = ["#3b82f6", "#f97316", "#10b981", "#a855f7", "#ef4444"]

    init(_ report: Report) { self.report = report }

    var html: String {
        """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><title>LossKit benchmarks</title><style>\(Self.style)</style></head>
        <body><main><h1>LossKit benchmarks</h1><p class="note">\(report.date)\(report.quick ? ", quick run" : "")</p>
        \(curves)\(report.devices.map(section).joined())
        </main></body></html>
        """
    }

    private static let style = """
        :root{color-scheme:light dark;--ink:#1f2937;--soft:#6b7280;--line:#e5e7eb;--card:#fff;--page:#f8fafc}
        @media(prefers-color-scheme:dark){:root{--ink:#e5e7eb;--soft:#9ca3af;--line:#374151;--card:#1f2937;--page:#111827}}
        body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}main{max-width:980px;margin:0 auto;padding:32px 20px}
        h1{margin:0}h2{margin:0 0 4px;font-size:18px}.note{color:var(--soft);margin:0 0 16px}
        .card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:20px;margin:20px 0;overflow-x:auto}
        .pair{display:grid;grid-template-columns:1fr 1fr;gap:20px}@media(max-width:800px){.pair{grid-template-columns:1fr}}
        svg{width:100%;height:auto;font:12px system-ui,sans-serif}svg text{fill:var(--ink)}svg .soft{fill:var(--soft)}
        table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th{text-align:left;color:var(--soft);font-weight:500}
        td,th{padding:4px 10px;border-bottom:1px solid var(--line)}td.n,th.n{text-align:right}.bad{color:#ef4444}
        """

    private var curves: String {
        let trained = report.devices.filter { !$0.curve.isEmpty }
        guard !trained.isEmpty else { return "" }
        let losses = trained.enumerated().flatMap { index, device in
            [
                LineChart.Line(
                    name: device.name + ", training", colour: Self.colours[index % 5], isDashed: true,
                    values: device.curve.map(\.trainingLoss), width: index == 0 ? 5 : 2),
                LineChart.Line(
                    name: device.name + ", held out", colour: Self.colours[index % 5], isDashed: false,
                    values: device.curve.map(\.heldOutLoss), width: index == 0 ? 5 : 2),
            ]
        }
        let accuracies = trained.enumerated().map { index, device in
            LineChart.Line(
                name: device.name, colour: Self.colours[index % 5], isDashed: false, values: device.curve.map { 100 * $0.accuracy },
                width: index == 0 ? 5 : 2)
        }
        return """
            <div class="card"><h2>Digits: cross-entropy with a spanning-tree regulariser</h2>
            <p class="note">\(trained.map { "\($0.name.escaped): \((100 * ($0.curve.last?.accuracy ?? 0)).formatted(1)) % held out in \($0.trainingSeconds.formatted(1)) s" }.joined(separator: " · "))</p>
            <div class="pair">\(LineChart(title: "Loss", lines: losses).svg)\(LineChart(title: "Held-out accuracy, %", lines: accuracies).svg)</div></div>
            """
    }

    private func startUp(_ device: Report.DeviceSection) -> String {
        device.startUp.map { " · first loss in \($0.coldSeconds.formatted(2)) s with empty caches, \($0.warmSeconds.formatted(2)) s after" }
            ?? ""
    }

    private func section(_ device: Report.DeviceSection) -> String {
        guard let limits = device.limits else { return "" }
        let rows = device.measurements.map { row in
            """
            <tr><td>\(row.name)</td><td>\(row.size)</td><td>\(row.pass.rawValue)</td><td class="n">\((row.seconds * 1e3).formatted(3)) ms</td>\
            <td class="n">\(row.rate.formatted(row.rate < 0.1 ? 4 : 2)) \(row.unit)</td><td class="n">\(row.percent.formatted(0)) %</td></tr>
            """
        }
        let bars = device.measurements.filter { $0.pass == .both }.map { ("\($0.name) \($0.size)", $0.percent) }
        return """
            <div class="card"><h2>\(device.name.escaped)</h2>
            <p class="note">copy \(limits.copy.formatted(1)) GB/s · GEMM \(limits.gemm.formatted(1)) GFLOP/s · percentages are of these\(startUp(device))</p>
            \(device.problems.map { "<p class=\"bad\">\($0.escaped)</p>" }.joined())
            \(BarChart(title: "Forward and backward, % of the device's copy or GEMM", bars: bars).svg)
            <table><tr><th>kernel</th><th>size</th><th>pass</th><th class="n">median</th><th class="n">rate</th><th class="n">of device</th></tr>\(rows.joined())</table></div>
            """
    }
}

extension String {
    /// Safe to stand in HTML and SVG text.
    var escaped: String {
        replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;").replacingOccurrences(of: ">", with: "&gt;")
    }
}
