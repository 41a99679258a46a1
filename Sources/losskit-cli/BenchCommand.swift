import ArgumentParser
import Foundation
import LossKit

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Trains on digits and times the kernels; what follows is passed to Benchmarks.",
        discussion: """
            Example: losskit bench --quick --device cpu --output report
            Example: losskit bench compare old/report.json new/report.json
            """)

    @Argument(parsing: .captureForPassthrough, help: "What Benchmarks takes; losskit bench --help lists it.")
    var arguments: [String] = []

    func run() throws {
        // The two are built side by side.
        let own = Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
        let program = own.deletingLastPathComponent().appendingPathComponent("Benchmarks")
        guard FileManager.default.isExecutableFile(atPath: program.path) else {
            throw TensorError.file(path: program.path, problem: "not built: swift build -c release --product Benchmarks")
        }
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        try process.run()
        process.waitUntilExit()
        leave(process.terminationStatus)
    }
}
