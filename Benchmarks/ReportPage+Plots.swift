import Foundation

extension ReportPage {
    static let palette = ["#3b82f6", "#f97316", "#10b981", "#a855f7", "#ef4444", "#eab308", "#06b6d4", "#ec4899"]

    /// How long a fresh process takes, with nothing compiled and with everything on disk.
    var startUp: String {
        let started = report.devices.compactMap { device in device.startUp.map { (device.name, $0) } }
        guard !started.isEmpty else { return "" }
        let longest = started.map { max($0.1.coldSeconds, $0.1.warmSeconds) }.max() ?? 1
        let bars = started.flatMap { name, start in
            [
                BarChart.Bar(
                    name: "\(name), empty caches", length: start.coldSeconds / longest, figure: start.coldSeconds.milliseconds,
                    colour: Self.palette[1]),
                BarChart.Bar(
                    name: "\(name), warm", length: start.warmSeconds / longest, figure: start.warmSeconds.milliseconds, colour: Self.palette[0]),
            ]
        }
        return "<div class=\"card\"><h2>From start to the first loss and gradient</h2>\(BarChart(title: "", bars: bars).html)</div>"
    }

    /// A device's kernels under its roofline, their times by size, and their memory.
    func plots(_ device: Report.DeviceSection) -> String {
        let (roofline, scaling, memory) = (roofline(device), scaling(device), memory(device))
        let cards = [
            ("limits", roofline), ("time by size, forward+backward", scaling.isEmpty ? "" : "<div class=\"grid\">\(scaling.joined())</div>"),
            ("memory", memory),
        ]
        return cards.filter { !$0.1.isEmpty }.map { "<div class=\"card\"><h2>\(device.name.escaped): \($0.0)</h2>\($0.1)</div>" }.joined()
    }

    /// What kernels reach by their operations for each byte, below the copy's bandwidth and the product's speed.
    private func roofline(_ device: Report.DeviceSection) -> String {
        guard let limits = device.limits, limits.gemm.isFinite else { return "" }
        let largest = Dictionary(grouping: device.measurements.filter { $0.pass == .both && ($0.work?.flops ?? 0) > 0 }, by: \.name)
            .values.compactMap { rows in rows.max { $0.seconds < $1.seconds } }.sorted { $0.name < $1.name }
        let points = largest.compactMap { row in row.work.map { (row, (x: $0.intensity, y: $0.flops / row.seconds / 1e9)) } }
        guard !points.isEmpty else { return "" }
        let ridge = limits.gemm / limits.copy
        let (low, high) = (min(points.map(\.1.x).min() ?? 1, ridge) / 2, max(points.map(\.1.x).max() ?? 1, ridge) * 3)
        return LogChart(
            title: "Roofline: each kernel's forward+backward at its longest size", axisNames: ("operations for each byte moved", "GFLOP/s"),
            width: 960, height: 460,
            series: [
                .init(
                    name: "copy \(limits.copy.formatted(1)) GB/s, product \(limits.gemm.formatted(0)) GFLOP/s", colour: "var(--soft)",
                    places: [(low, low * limits.copy), (ridge, limits.gemm), (high, limits.gemm)], isDashed: true),
                .init(
                    name: "", colour: Self.palette[0], places: points.map(\.1), isLine: false, labels: points.map(\.0.name)),
            ]
        ).html
    }

    /// Times by size, a chart for each kernel of several sizes: ours and those of the fastest peer.
    private func scaling(_ device: Report.DeviceSection) -> [String] {
        let kernels = Dictionary(grouping: device.measurements.filter { $0.pass == .both }, by: \.name).filter { $0.value.count > 1 }
        return kernels.sorted { $0.key < $1.key }.compactMap { name, rows in
            let variants = SizeVariant.all(rows)
            guard variants.contains(where: { $0.rows.count > 1 }) else { return nil }
            let series = variants.enumerated().flatMap { index, variant in
                let colour = Self.palette[index % Self.palette.count]
                let sorted = variant.rows.sorted { SizeVariant.extent($0.size) < SizeVariant.extent($1.size) }
                let peers = sorted.compactMap { row in row.fastestPeer.map { (SizeVariant.extent(row.size), 1e3 * $0.seconds) } }
                return [
                    LogChart.Series(
                        name: variant.name.isEmpty ? "LossKit" : variant.name, colour: colour,
                        places: sorted.map { (SizeVariant.extent($0.size), 1e3 * $0.seconds) })
                ]
                    + (peers.isEmpty
                        ? []
                        : [
                            LogChart.Series(
                                name: index == 0 ? "fastest peer" : "", colour: variant.name.isEmpty ? "var(--soft)" : colour, places: peers,
                                isDashed: true)
                        ])
            }
            return LogChart(title: name, axisNames: ("product of the extents", "ms"), width: 300, height: 220, series: series).html
        }
    }

    private func memory(_ device: Report.DeviceSection) -> String {
        let rows = device.measurements.filter { $0.pass == .both && $0.peakBytes > 0 }
        guard let most = rows.map(\.peakBytes).max() else { return "" }
        // A logarithm: from a kibibyte to the most.
        let bars = rows.sorted { $0.peakBytes > $1.peakBytes }.prefix(24).map { row in
            BarChart.Bar(
                name: "\(row.name) \(row.size)", length: log2(max(2, Double(row.peakBytes) / 1024)) / log2(max(2, Double(most) / 1024)),
                figure: Self.bytes(row.peakBytes), colour: Self.palette[2])
        }
        return BarChart(title: "<span>Most memory held beside the inputs, logarithmic from 1 KiB</span>", bars: Array(bars)).html
    }

    private static func bytes(_ count: Int) -> String {
        count >= 1 << 30
            ? "\((Double(count) / 0x1p30).formatted(1)) GiB"
            : count >= 1 << 20 ? "\((Double(count) / 0x1p20).formatted(1)) MiB" : "\((Double(count) / 1024).formatted(1)) KiB"
    }
}
