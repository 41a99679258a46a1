import ArgumentParser
import LossKit

/// What every command that computes something takes.
struct RunOptions: ParsableArguments {
    @Option(name: .customLong("device"), help: "cpu, opencl, opencl:NAME or opencl:PLATFORM:DEVICE.") var deviceName: String?
    @Flag(help: "One JSON object on standard output.") var json = false

    /// The device asked for.
    func device() throws -> Device { try deviceName.map { try Device.named($0) } ?? .default }

    /// Runs work, writes what comes of it to files, and reports it: as JSON with what the work cost, else as text; on standard error where one
    /// of the outputs goes to standard output.
    func report<Result>(
        on device: Device, outputs: [String?] = [], _ work: () throws -> Result, writing: (Result) throws -> Void, text: (Result) throws -> String,
        members: (Result) throws -> [(String, JSON)]
    ) throws {
        let outputs = outputs.compactMap { $0 }.filter { $0 == ArrayFile.mark }.count
        guard outputs <= 1 else {
            throw TensorError.invalidArgument(operation: "standard output", expected: "one array", actual: "\(outputs)")
        }
        let start = Console.seconds()
        let (result, cost) = try Waiting.during { try Profiler.measure(work) }
        let seconds = Console.seconds() - start
        try writing(result)
        let say = outputs == 0 ? Console.line : Console.error
        guard json else { return say(try text(result)) }
        say(
            JSON.object(
                try members(result) + [
                    ("device", .string(device.label)), ("seconds", .number(seconds)), ("launches", .integer(cost.launches)),
                    ("peakBytes", .integer(cost.peakBytes)),
                ]
            ).description)
    }
}

extension Metric {
    /// The metric of a name; others may stand beside those that there are.
    static func named(_ name: String, besides others: [String] = []) throws -> Metric {
        if let metric = Metric(rawValue: name) { return metric }
        let names = allCases.map(\.rawValue) + others
        let nearest = LossRegistry.nearest(to: name, among: names).map { ", did you mean \($0)?" } ?? ""
        throw TensorError.invalidArgument(
            operation: "--metric", expected: "one of \(names.joined(separator: ", "))", actual: "\"\(name)\"\(nearest)")
    }
}
