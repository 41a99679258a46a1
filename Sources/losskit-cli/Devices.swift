import ArgumentParser
import LossKit

struct Devices: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "What is here and what it can do.")

    @Flag(help: "Measure copy bandwidth and matrix product speed.") var measure = false
    @Flag(help: "One JSON array on standard output.") var json = false

    func run() throws {
        let measured = try Device.all.map { measure ? try Speed(of: $0) : nil }
        if json {
            print(JSON.array(zip(Device.all, measured).map { device, speed in
                .object(
                    [
                        ("name", .string(device.name)), ("kind", .string(device.kind.rawValue)), ("select", .string(device.selector)),
                        ("platform", .string(device.platform)), ("driver", .string(device.driverVersion)),
                        ("computeUnits", .integer(device.computeUnits)), ("memoryBytes", .integer(device.memory.limit)),
                        ("isDefault", .flag(device == .default)),
                    ] + (speed.map { [("copyGBPerSecond", .number($0.copy)), ("gemmGFLOPPerSecond", .number($0.gemm))] } ?? []))
            }))
            return
        }
        let header = ["", "select", "kind", "name", "units", "memory", "driver"] + (measure ? ["copy GB/s", "GEMM GFLOP/s"] : [])
        print(Console.table([header] + zip(Device.all, measured).map { device, speed in
            [
                device == .default ? "*" : "", device.selector, device.kind.rawValue, device.name, "\(device.computeUnits)",
                "\(device.memory.limit >> 30) GiB", device.driverVersion,
            ] + (speed.map { [format($0.copy), format($0.gemm)] } ?? [])
        }))
    }

    private func format(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
}

/// What a device reaches in a plain copy and in a matrix product: medians of seven runs.
struct Speed {
    let copy: Double
    let gemm: Double

    init(of device: Device) throws {
        let count = 1 << 24
        let source = try Tensor.full([count], 1, on: device).evaluated()
        let half = try Tensor.full([1024, 1024], 0.5, on: device).evaluated()
        copy = try 8.0 * Double(count) / Self.median { try (source + 0).evaluated() } / 1e9
        gemm = try 2 * 1024 * 1024 * 1024 / Self.median { try half.matmul(half).evaluated() } / 1e9
    }

    private static func median(_ body: () throws -> Tensor) throws -> Double {
        var times: [Double] = []
        for _ in 0..<8 {
            let start = Console.seconds()
            let result = try body()
            try result.device.synchronize()
            times.append(Console.seconds() - start)
        }
        return times.dropFirst().sorted()[3]
    }
}

extension Device {
    /// What `--device` takes for this device.
    var selector: String { label.split(separator: " ").first.map(String.init) ?? "cpu" }
}
