import ArgumentParser
import LossKit

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "doctor", abstract: "Why there is no GPU, and the command that fixes it.")

    func run() throws {
        for finding in Doctor.findings() {
            print("\(finding.isProblem ? "✗" : "✓") \(finding.summary)")
            if let remedy = finding.remedy { print("  \(remedy)") }
        }
    }
}
