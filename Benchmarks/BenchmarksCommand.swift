import ArgumentParser
import Foundation
import LossKit

@main
struct BenchmarksCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "Benchmarks", abstract: "Trains on handwritten digits and times the kernels, on every device.",
        discussion: """
            Example: Benchmarks --quick --device cpu --output report
            Example: Benchmarks compare old/report.json new/report.json
            """, subcommands: [CompareCommand.self, PageCommand.self, CostsCommand.self])

    @Option(help: "Only this device: cpu, opencl, opencl:NAME or opencl:PLATFORM:DEVICE.") var device: String?
    @Option(help: "Only kernels whose name and size contain this, as in \"chain 65536\"; \"training\" for the training alone.") var filter: String?
    @Option(help: "Folder for report.json and report.html.") var output = "."
    @Flag(help: "Small sizes and few repetitions.") var quick = false
    @Flag(help: "Beside the CPU, run the libraries that Benchmarks/Peers/setup installs.") var peers = false
    @Option(help: "With --peers, only those whose name is this.") var peer: [String] = []
    @Flag(help: .hidden) var firstValue = false

    /// As `losskit`: one line for what cannot be done, and a status that says whose fault it is; 1 where something is wrong or slower.
    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let error as DeviceError {
            Console.fail("Benchmarks", "\(error)", status: error.isBadRequest ? 2 : 3)
        } catch let error as TensorError {
            Console.fail("Benchmarks", "\(error)", status: 2)
        } catch {
            if error is ExitCode || exitCode(for: error) == .success { exit(withError: error) }
            Console.fail("Benchmarks", message(for: error), status: 2)
        }
    }

    func run() throws {
        let devices = try device.map { [try Device.named($0)] } ?? Device.all
        if firstValue { return try StartUp.firstValue(on: devices[0]) }
        let peers = peers ? try PeerProcess.installed() : nil
        var report = Report(quick: quick, peerVersions: try peers?.versions() ?? [:])
        for device in devices {
            Console.line("\n\(device)")
            var section = Report.DeviceSection(device)
            if filter == nil || filter == "training" { try train(on: device, into: &section) }
            if filter == nil {
                let start = try StartUp(of: device)
                section.startUp = start
                Console.line(
                    "first loss and gradient in \(start.coldSeconds.formatted(2)) s with empty caches, then in \(start.warmSeconds.formatted(2)) s"
                )
            }
            if filter != "training" { try time(on: device, against: device.isOpenCL ? nil : peers, into: &section) }
            report.devices.append(section)
        }
        try report.write(to: output)
        Console.line("\nreport.json and report.html are in \(output == "." ? "this folder" : output)")
        let problems = report.problems
        for problem in problems { Console.error("Benchmarks: \(problem)") }
        if !problems.isEmpty { throw ExitCode(1) }
    }

    private func train(on device: Device, into section: inout Report.DeviceSection) throws {
        let digits = try Digits(folder: Digits.folder(), on: device)
        let training = Training(epochs: quick ? 5 : 30)
        let start = Console.seconds()
        let curve = try training.run(digits, seed: 7) { epoch, result in
            Console.progress(
                epoch + 1, of: training.epochs,
                "loss \(result.trainingLoss.formatted(3))  held-out \(result.heldOutLoss.formatted(3))  accuracy \((100 * result.accuracy).formatted(1)) %"
            )
        }
        section.trainingSeconds = Console.seconds() - start
        section.curve = curve
        section.isRepeatable = try training.run(digits, seed: 7) == curve
        let accuracy = curve.last?.accuracy ?? 0
        Console.line(
            "training: accuracy \((100 * accuracy).formatted(1)) % after \(training.epochs) epochs in \(section.trainingSeconds.formatted(1)) s; "
                + "a second run \(section.isRepeatable ? "gave the same curve" : "DIFFERED")")
        if !quick && accuracy < 0.96 { section.problems.append("held-out accuracy \(accuracy) is below 0.96 on \(device)") }
        if !section.isRepeatable { section.problems.append("two runs with one seed differ on \(device)") }
    }

    private func time(on device: Device, against peers: PeerProcess?, into section: inout Report.DeviceSection) throws {
        let limits = try Limits(of: device, repetitions: quick ? 3 : 7)
        section.limits = limits
        Console.line("copy \(limits.copy.formatted(1)) GB/s, GEMM \(limits.gemm.formatted(1)) GFLOP/s")
        let kernels = Kernel.all(quick: quick).filter { kernel in
            guard let filter else { return !kernel.isOnDemand }
            return "\(kernel.name) \(kernel.size)".contains(filter)
                && (!kernel.isOnDemand || filter.contains(kernel.size.prefix { $0 != " " }))
        }
        var patience = Patience()
        for (index, kernel) in kernels.enumerated() {
            if filter == nil, !self.peers, patience.leavesOut(kernel) { continue }
            let measured = try kernel.measure(on: device, limits: limits, repetitions: quick ? 3 : 7, peers: peers, only: peer)
            patience.note(measured.rows, of: kernel)
            section.measurements.append(contentsOf: measured.rows)
            section.problems.append(contentsOf: measured.problems)
            section.notes = (section.notes ?? []) + measured.notes
            Console.progress(index + 1, of: kernels.count, "\(kernel.name) \(kernel.size)")
        }
        section.notes = (section.notes ?? []) + patience.notes
        Console.line(section.table)
        for note in section.notes ?? [] { Console.line(note) }
    }
}
