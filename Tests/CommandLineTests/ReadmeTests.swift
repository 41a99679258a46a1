import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// The README's shell commands run as they stand there, on small files of the names that they use.
@Suite struct ReadmeTests {
    private static let text: String = {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return (try? String(contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8)) ?? ""
    }()

    /// The words of each command of the section on the shell, without what stands beside it to explain it.
    private static let commands: [[String]] = {
        let section = text.components(separatedBy: "## From a shell").last?.components(separatedBy: "\n## ").first ?? ""
        return section.split(separator: "\n").filter { $0.hasPrefix("    losskit ") }.map { line in
            let command = line.dropFirst(4).split(separator: "  ", maxSplits: 1).first ?? ""
            return command.split(separator: " ").dropFirst().map(String.init)
        }
    }()

    @Test func everyCommandOfTheToolIsShown() throws {
        let help = try CommandLineTool.run("--help").output
        let names = help.components(separatedBy: "SUBCOMMANDS:").last?.split(separator: "\n").compactMap { line in
            line.firstMatch(of: #/^  ([a-z]+)  /#).map { String($0.output.1) }
        }
        #expect(Set(try #require(names)) == Set(Self.commands.compactMap(\.first)))
    }

    @Test(arguments: commands) func theCommandRuns(words: [String]) throws {
        let folder = try Files()
        var arguments = words.map(folder.placed)
        // The benchmarks take minutes; one kernel stands for all.
        if words.first == "bench" { arguments += ["--device", "cpu", "--filter", "chain"] }
        let outcome = try CommandLineTool.run(arguments, environment: ["LOSSKIT_DEVICE": "cpu", "OCL_ICD_VENDORS": "/nonexistent"])
        #expect(outcome.status == 0, "\(words): \(outcome.errors)")
    }

    @Test func thePipeRuns() throws {
        let folder = try Files()
        let line = try #require(Self.text.split(separator: "\n").first { $0.contains("| losskit ") })
        let command = try #require(line.split(separator: "|").dropFirst().first).split(separator: " ").dropFirst().map(String.init)
        let outcome = try CommandLineTool.run(command, input: folder.path("points.npy"))
        #expect(outcome.status == 0 && outcome.bytes.starts(with: [0x93] + Array("NUMPY".utf8)), "\(outcome.errors)")
    }

    @Test(arguments: ["bash", "zsh", "fish"]) func completionsAreMade(shell: String) throws {
        let outcome = try CommandLineTool.run("--generate-completion-script", shell)
        #expect(outcome.status == 0 && outcome.output.contains("transport") && outcome.output.contains("crossEntropy"))
    }

    /// The files that the README speaks of.
    private struct Files {
        private static let names = ["l.npy", "t.npy", "x.npy", "y.npy", "points.npy", "training.npy", "held-out.npy"]
        private let folder: Folder

        init() throws {
            folder = try Folder()
            var random = SplitMix64(seed: 5)
            func floats(_ count: Int) -> [Float] { random.values(count, in: 0.1...1).map { Float($0) } }
            _ = try folder.write("l.npy", floats(12), shape: [4, 3])
            _ = try folder.write("t.npy", [0, 2, 1, 1] as [Int64], shape: [4])
            _ = try folder.write("x.npy", floats(16), shape: [8, 2])
            _ = try folder.write("y.npy", floats(12), shape: [6, 2])
            _ = try folder.write("points.npy", floats(40), shape: [20, 2])
            _ = try folder.write("training.npy", floats(9), shape: [9])
            _ = try folder.write("held-out.npy", floats(9), shape: [9])
        }

        func path(_ name: String) -> String { folder.path(name) }

        /// A word with the file that it names where that is.
        func placed(_ word: String) -> String {
            guard let name = Self.names.first(where: { word == $0 || word.hasSuffix("=" + $0) }) else { return word }
            return String(word.dropLast(name.count)) + folder.path(name)
        }
    }
}
