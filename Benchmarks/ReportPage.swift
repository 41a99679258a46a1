import Foundation

/// The report as one self-contained page: curves, bars and a table for each device.
struct ReportPage {
    let report: Report

    init(_ report: Report) { self.report = report }

    var html: String {
        """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
        <title>LossKit benchmarks</title><style>\(Self.style)</style></head>
        <body><main><h1>LossKit benchmarks</h1><p class="note">\(provenance.escaped)</p>
        \(problems)\(summary)\(curves)\(startUp)\(report.devices.map(comparison).joined())\(report.devices.map(plots).joined())\
        \(report.devices.map(section).joined())
        </main></body></html>
        """
    }

    private static let style = """
        :root{color-scheme:light dark;--ink:#1f2937;--soft:#6b7280;--line:#e5e7eb;--track:#f1f5f9;--card:#fff;--page:#f8fafc;--good:#15803d;--bad:#b91c1c}
        @media(prefers-color-scheme:dark){:root{--ink:#e5e7eb;--soft:#9ca3af;--line:#374151;--track:#273244;--card:#1f2937;--page:#111827;--good:#4ade80;--bad:#f87171}}
        *{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
        main{max-width:1040px;margin:0 auto;padding:28px 16px}
        h1{margin:0;font-size:24px}h2{margin:0 0 4px;font-size:18px;overflow-wrap:anywhere}.note,.soft{color:var(--soft)}.note{margin:0 0 16px;font-size:14px}
        .card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:18px;margin:16px 0}
        .tiles,.pair,.grid{display:grid;gap:16px}.tiles{grid-template-columns:repeat(auto-fit,minmax(200px,1fr))}
        .tile b{display:block;font-size:26px;line-height:1.2}.tile{font-size:14px}.tile.card{margin:0}
        .pair{grid-template-columns:repeat(auto-fit,minmax(min(100%,380px),1fr))}.grid{grid-template-columns:repeat(auto-fill,minmax(min(100%,290px),1fr));gap:18px 28px}
        figure{margin:0;min-width:0}figcaption{font-weight:600;margin:0 0 6px;display:flex;justify-content:space-between;gap:8px;font-size:14px}
        svg{display:block;overflow:visible;font:12px system-ui,sans-serif}svg text{fill:var(--ink)}svg .soft{fill:var(--soft)}
        .keys{margin:6px 0 0;font-size:13px;display:flex;flex-wrap:wrap;gap:2px 16px}.keys span{display:flex;align-items:center;gap:6px;overflow-wrap:anywhere}.keys svg{flex:none}
        .bar{display:grid;grid-template-columns:minmax(100px,36%) 1fr 68px;gap:8px;align-items:center;font-size:13px;line-height:1.45}.bar span:last-child{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
        .bar.main{font-weight:600}.good{color:var(--good)}.bad{color:var(--bad)}
        .scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums;white-space:nowrap}
        th{text-align:left;color:var(--soft);font-weight:500}td,th{padding:4px 10px;border-bottom:1px solid var(--line)}td.n,th.n{text-align:right}
        summary{cursor:pointer;color:var(--soft);margin-top:14px}
        """

    private var provenance: String {
        let machine = report.machine
        let peers = report.peerVersions.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        return [
            report.date + (report.quick ? ", quick run" : ""), "\(machine.processor), \(machine.cores) cores, \(machine.memoryGiB) GiB",
            machine.system, peers.isEmpty ? "" : "beside " + peers,
        ].filter { !$0.isEmpty }.joined(separator: " · ")
    }

    private var problems: String {
        guard !report.problems.isEmpty else { return "" }
        return "<div class=\"card\"><h2 class=\"bad\">Wrong results</h2>"
            + report.problems.map { "<p class=\"bad\">\($0.escaped)</p>" }.joined() + "</div>"
    }

    /// What a reader wants to know first.
    private var summary: String {
        var tiles = report.devices.compactMap { device in
            device.curve.last.map { (figure: "\((100 * $0.accuracy).formatted(1)) %", text: "of held-out digits right on \(device.name)") }
        }
        let held = report.devices.flatMap(\.measurements).filter { $0.pass == .both }.compactMap(\.fastestPeer)
        if !held.isEmpty {
            tiles.insert(
                (
                    figure: "\(held.filter { $0.ratio >= 1 }.count) of \(held.count)",
                    text: "forward+backward passes are ahead of the fastest peer"
                ), at: 0)
            tiles.insert((figure: "\(held.map(\.ratio).median.formatted(2))x", text: "as fast as the fastest peer, in the median"), at: 1)
        }
        return "<div class=\"tiles\">"
            + tiles.map { "<div class=\"card tile\"><b>\($0.figure)</b><span class=\"soft\">\($0.text.escaped)</span></div>" }.joined()
            + "</div>"
    }
}
