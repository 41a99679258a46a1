import ArgumentParser
import LossKit

/// What every command that computes something takes.
struct RunOptions: ParsableArguments {
    @Option(name: .customLong("device"), help: "cpu, opencl, opencl:NAME or opencl:PLATFORM:DEVICE.") var deviceName: String?
    @Flag(help: "One JSON object on standard output.") var json = false

    /// The device asked for.
    func device() throws -> Device { try deviceName.map { try Device.named($0) } ?? .default }

    /// Runs work, writes what comes of it to files, and reports it: as JSON with what the work cost, else as text.
    func report<Result>(
        on device: Device, _ work: () throws -> Result, writing: (Result) throws -> Void, text: (Result) throws -> String,
        members: (Result) throws -> [(String, JSON)]
    ) throws {
        let start = Console.seconds()
        let (result, cost) = try Profiler.measure(work)
        let seconds = Console.seconds() - start
        try writing(result)
        guard json else {
            print(try text(result))
            return
        }
        print(
            JSON.object(
                try members(result) + [
                    ("device", .string(device.label)), ("seconds", .number(seconds)), ("launches", .integer(cost.launches)),
                    ("peakBytes", .integer(cost.peakBytes)),
                ]))
    }
}

extension Metric {
    /// The metric of a name.
    static func named(_ name: String) throws -> Metric {
        if let metric = Metric(rawValue: name) { return metric }
        let names = allCases.map(\.rawValue)
        let nearest = LossRegistry.nearest(to: name, among: names).map { ", did you mean \($0)?" } ?? ""
        throw TensorError.invalidArgument(
            operation: "--metric", expected: "one of \(names.joined(separator: ", "))", actual: "\"\(name)\"\(nearest)")
    }
}
