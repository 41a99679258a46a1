import ArgumentParser
import Foundation
import LossKit

struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Says what has become faster or slower between two reports, by more than noise.",
        discussion: """
            Example: Benchmarks compare old/report.json new/report.json
            Ends with status 1 where something has become slower.
            """)

    @Argument(help: "The report.json of before.", completion: .file(extensions: ["json"])) var old: String
    @Argument(help: "The report.json of now.", completion: .file(extensions: ["json"])) var new: String

    func run() throws {
        let comparison = Comparison(old: try Report.read(old), new: try Report.read(new))
        guard !comparison.rows.isEmpty else {
            throw ValidationError("expected reports with kernels in common, got none")
        }
        Console.line(comparison.text)
        if !comparison.slower.isEmpty { throw ExitCode(1) }
    }
}

extension Report {
    static func read(_ path: String) throws -> Report {
        guard let data = FileManager.default.contents(atPath: path) else { throw ValidationError("\(path): cannot be read") }
        guard let report = try? JSONDecoder().decode(Report.self, from: data) else {
            throw ValidationError("\(path): not a report of Benchmarks")
        }
        return report
    }
}
