import Foundation

/// Where a report was made.
struct Machine: Codable {
    var processor: String
    var cores = ProcessInfo.processInfo.processorCount
    var memoryGiB = Int((Double(ProcessInfo.processInfo.physicalMemory) / 0x1p30).rounded())
    var system: String

    init() {
        let processors = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let model = processors.split(separator: "\n").first { $0.hasPrefix("model name") }?.split(separator: ":").last
        var architecture = utsname()
        uname(&architecture)
        let name = withUnsafeBytes(of: &architecture.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        processor = model.map { $0.trimmingCharacters(in: .whitespaces) } ?? name
        system = ProcessInfo.processInfo.operatingSystemVersionString
    }
}
