import ArgumentParser
import LossKit

struct Devices: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "What is here and what it can do.",
        discussion: "Example: losskit devices --measure")

    @Flag(help: "Measure copy bandwidth and matrix product speed.") var measure = false
    @Flag(help: "One JSON array on standard output.") var json = false

    func run() throws {
        let measured = try Device.all.enumerated().map { index, device in
            if measure { Console.progress(index, of: Device.all.count, device.name) }
            defer { if measure { Console.progress(index + 1, of: Device.all.count, device.name) } }
            return measure ? try device.measureSpeed() : nil
        }
        if json {
            print(
                JSON.array(
                    zip(Device.all, measured).map { device, speed in
                        .object(
                            [
                                ("name", .string(device.name)), ("kind", .string(device.kind.rawValue)),
                                ("select", .string(device.selector)),
                                ("platform", .string(device.platform)), ("driver", .string(device.driverVersion)),
                                ("computeUnits", .integer(device.computeUnits)), ("memoryBytes", .integer(device.memory.limit)),
                                ("isDefault", .flag(device == .default)),
                            ]
                                + (speed.map {
                                    [
                                        ("copyGBPerSecond", .number($0.copyBytesPerSecond / 1e9)),
                                        ("gemmGFLOPPerSecond", .number(($0.productFlopsPerSecond ?? .nan) / 1e9)),
                                    ]
                                } ?? []))
                    }))
            return
        }
        let header = ["", "select", "kind", "name", "units", "memory", "driver"] + (measure ? ["copy GB/s", "GEMM GFLOP/s"] : [])
        print(
            Console.table(
                [header]
                    + zip(Device.all, measured).map { device, speed in
                        [
                            device == .default ? "*" : "", device.selector, device.kind.rawValue, device.name, "\(device.computeUnits)",
                            "\(device.memory.limit >> 30) GiB", device.driverVersion,
                        ] + (speed.map { [format($0.copyBytesPerSecond / 1e9), format(($0.productFlopsPerSecond ?? .nan) / 1e9)] } ?? [])
                    }))
    }

    private func format(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
}

extension Device {
    /// What `--device` takes for this device.
    var selector: String { label.split(separator: " ").first.map(String.init) ?? "cpu" }
}
