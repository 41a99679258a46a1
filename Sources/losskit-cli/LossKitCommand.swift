import ArgumentParser
import LossKit

@main
struct LossKitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "losskit", abstract: "Training losses on any OpenCL device, with a CPU fallback.",
        discussion: """
            Arrays are read and written as .npy, .npz and .safetensors files, by the endings of their names; \
            FILE.npz:NAME is one array of several. - is standard input or output; where an array goes to standard output, \
            the report goes to standard error.
            losskit --generate-completion-script bash (or zsh, fish) prints what completes names at the prompt.
            """, version: "0.1.0",
        subcommands: [
            Devices.self, DoctorCommand.self, Losses.self, Eval.self, TransportCommand.self, NeighborsCommand.self,
            SpanningTreeCommand.self, PersistenceCommand.self, PlotCommand.self, TuneCommand.self, BenchCommand.self,
        ])

    static func main() {
        do {
            try checkCommand(CommandLine.arguments.dropFirst().first)
            var command = try parseAsRoot()
            try command.run()
        } catch let error as DeviceError {
            fail(error, status: error.isBadRequest ? 2 : 3)
        } catch let error as TensorError {
            fail(error, status: 2)
        } catch {
            // Help and version are not failures; everything else the parser rejects is bad input.
            if exitCode(for: error) == .success { exit(withError: error) }
            fail(message(for: error), status: 2)
        }
    }

    /// The first word names a command, or the nearest one is told.
    private static func checkCommand(_ word: String?) throws {
        let names = configuration.subcommands.map { $0.configuration.commandName ?? "\($0)".lowercased() }
        guard let word, !word.hasPrefix("-"), word != "help", !names.contains(word) else { return }
        let nearest = LossRegistry.nearest(to: word, among: names).map { ", did you mean \($0)?" } ?? ""
        throw ValidationError("expected one of the commands \(names.joined(separator: ", ")), got \"\(word)\"\(nearest)")
    }

    private static func fail(_ problem: some CustomStringConvertible, status: Int32) -> Never {
        Console.fail("losskit", "\(problem)", status: status)
    }
}
