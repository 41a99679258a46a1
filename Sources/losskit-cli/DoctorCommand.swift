import ArgumentParser
import LossKit

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "doctor",
        abstract: "Why there is no GPU, and the command that fixes it.",
        discussion: "Example: losskit doctor")

    func run() throws {
        for finding in Doctor.findings() {
            let mark = finding.isProblem ? Console.painted("✗", .red, on: 1) : Console.painted("✓", .green, on: 1)
            print("\(mark) \(finding.summary)")
            if let remedy = finding.remedy { print("  \(remedy)") }
        }
    }
}
