import Foundation
import LossKitTestSupport
import Testing

@testable import losskit

/// Whatever words come, the command line understands them or says what it expected, in one line.
@Suite struct CommandLineFuzzTests {
    private static let words = [
        "devices", "doctor", "losses", "eval", "help", "--json", "--measure", "--family", "--input", "--option", "--gradient", "--output",
        "--device", "--help", "--version", "-h", "--", "-", "=", "cpu", "opencl", "opencl:9:9", "regression", "mse", "crossEntropy",
        "logits=", "targets=none.npy", "predictions=none.npy", "=none.npy", "x==y", "labelSmoothing=0.1", "--input=", "", " ", "é",
        "\u{7F}", "0", "-1", "9223372036854775808", "nan", "--json=1", "--no-json", "--measure-",
    ]

    private func line(_ random: inout SplitMix64) -> [String] {
        (0..<Int.random(in: 0...7, using: &random)).map { _ in
            var word = Array((Self.words.randomElement(using: &random) ?? "").unicodeScalars)
            if Int.random(in: 0..<4, using: &random) == 0 {
                let place = Int.random(in: 0...word.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0 where place < word.count: word.remove(at: place)
                case 1: word.insert(["-", "=", ":", "\n", "x"].randomElement(using: &random) ?? "x", at: place)
                default: word += Array((Self.words.randomElement(using: &random) ?? "").unicodeScalars)
                }
            }
            return String(String.UnicodeScalarView(word))
        }
    }

    @Test func argumentsAreParsedOrRefused() {
        var random = SplitMix64(seed: 11)
        var accepted = 0
        for _ in 0..<4000 {
            if (try? LossKitCommand.parseAsRoot(line(&random))) != nil { accepted += 1 }
        }
        #expect(accepted > 100 && accepted < 3900)
        print("fuzz: command lines: 4000 inputs, \(accepted) accepted")
    }

    /// The tool as a whole, in a folder of its own: a known exit status, and one line where it refuses.
    @Test func theToolEndsWithAStatus() throws {
        var random = SplitMix64(seed: 12)
        var accepted = 0
        for _ in 0..<60 {
            let arguments = line(&random).filter { !$0.contains("measure") }
            let outcome = try CommandLineTool.run(arguments, environment: ["LOSSKIT_DEVICE": "cpu"])
            let lines = outcome.errors.split(separator: "\n").count
            #expect([0, 2].contains(outcome.status) && (outcome.status == 0 || lines == 1), "losskit \(arguments): \(outcome)")
            if outcome.status == 0 { accepted += 1 }
        }
        print("fuzz: runs of the command line tool: 60 inputs, \(accepted) accepted")
    }
}
