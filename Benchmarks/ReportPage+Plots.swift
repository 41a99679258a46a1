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
        let charts = [roofline(device), scaling(device), memory(device)].filter { !$0.isEmpty }
        guard !charts.isEmpty else { return "" }
        return "<div class=\"card\"><h2>\(device.name.escaped): limits, scaling and memory</h2><div class=\"pair\">\(charts.joined())</div></div>"
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
            title: "Roofline: forward+backward at the longest size", axisNames: ("operations for each byte moved", "GFLOP/s"),
            series: [
                .init(
                    name: "copy \(limits.copy.formatted(1)) GB/s, product \(limits.gemm.formatted(0)) GFLOP/s", colour: "var(--soft)",
                    places: [(low, low * limits.copy), (ridge, limits.gemm), (high, limits.gemm)], isDashed: true),
                .init(
                    name: "", colour: Self.palette[0], places: points.map(\.1), isLine: false, labels: points.map { "\($0.0.name) \($0.0.size)" }),
            ]
        ).html
    }

    /// Times by size, for kernels of several sizes.
    private func scaling(_ device: Report.DeviceSection) -> String {
        let rows = Dictionary(grouping: device.measurements.filter { $0.pass == .both }, by: \.name).filter { $0.value.count > 1 }
        let series = rows.sorted { $0.key < $1.key }.enumerated().map { index, entry in
            LogChart.Series(
                name: entry.key, colour: Self.palette[index % Self.palette.count],
                places: entry.value.map { (Self.extent($0.size), 1e3 * $0.seconds) }.sorted { $0.0 < $1.0 }, isDashed: false)
        }
        guard !series.isEmpty else { return "" }
        return LogChart(
            title: "Time by size, forward+backward", axisNames: ("product of the size's extents", "ms"), series: series
        ).html
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

    /// The product of the numbers in a size such as "4096x1000 at 0.1".
    static func extent(_ size: String) -> Double {
        let first = size.split(separator: " ").first ?? ""
        let numbers = first.split(whereSeparator: { !$0.isNumber }).compactMap { Double($0) }
        return numbers.reduce(1, *)
    }

    private static func bytes(_ count: Int) -> String {
        count >= 1 << 30
            ? "\((Double(count) / 0x1p30).formatted(1)) GiB"
            : count >= 1 << 20 ? "\((Double(count) / 0x1p20).formatted(1)) MiB" : "\((Double(count) / 1024).formatted(1)) KiB"
    }
}
