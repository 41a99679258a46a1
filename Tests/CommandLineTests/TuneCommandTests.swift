import Foundation
import LossKit
import Testing

@Suite struct TuneCommandTests {
    private static let hasOpenCL = Device.all.contains(where: \.isOpenCL)

    @Test func theCPUHasNothingToTune() throws {
        let outcome = try CommandLineTool.run("tune", "--device", "cpu", "--json")
        #expect(outcome.status == 0 && outcome.objects.isEmpty)
        #expect(outcome.errorLines.count == 1 && outcome.errors.contains("CPU"), "\(outcome.errors)")
        expectRefusal(try CommandLineTool.run("tune", "--device", "opencl:nothing"), naming: "opencl:nothing")
    }

    /// Values are kept, used by the next process, and left out where they are damaged, which is said once.
    @Test(.enabled(if: hasOpenCL)) func keepsValuesThatTheNextProcessUses() throws {
        let folder = try Folder()
        let environment = ["LOSSKIT_CACHE_DIR": folder.path("cache")]
        let predictions = try folder.write("p.npy", (0..<600).map { Float($0 % 7) }, shape: [200, 3])
        let targets = try folder.write("t.npy", (0..<600).map { Float($0 % 5) }, shape: [200, 3])
        func energy() throws -> CommandLineTool.Outcome {
            try CommandLineTool.run(
                "eval", "energyDistance", "--input", "x=" + predictions, "--input", "y=" + targets, "--device", "opencl", "--json",
                environment: environment)
        }
        let first = try energy()
        let untuned = try #require(first.object["value"] as? Double, "\(first.errors)")

        let dry = try CommandLineTool.run("tune", "--device", "opencl", "--dry-run", "--json", environment: environment)
        #expect(dry.status == 0 && dry.objects.count == 1 && dry.objects[0]["file"] is NSNull, "\(dry.errors)")
        let parameters = try #require(dry.objects[0]["parameters"] as? [[String: Any]])
        #expect(parameters.allSatisfy { ($0["gain"] as? Double ?? 0) >= 1 && $0["before"] is Int && $0["after"] is Int })

        let outcome = try CommandLineTool.run("tune", "--device", "opencl", "--json", environment: environment)
        let file = try #require(outcome.objects.first?["file"] as? String, "\(outcome.errors)")
        let text = try String(contentsOfFile: file, encoding: .utf8)
        #expect(text.hasPrefix("losskit tuning 1\n"))
        let tuned = try energy()
        #expect(abs((tuned.object["value"] as? Double ?? .nan) - untuned) < 1e-5 * abs(untuned) && tuned.errors.isEmpty)

        try (text + "formulaTile 7\n").write(toFile: file, atomically: true, encoding: .utf8)
        let ignored = try energy()
        #expect(ignored.status == 0 && ignored.object["value"] as? Double == untuned)
        #expect(ignored.errorLines.count == 1 && ignored.errors.contains(file), "\(ignored.errors)")
        #expect(ignored.errors.contains("losskit tune"))
        #expect(try CommandLineTool.run("tune", "--reset", environment: environment).status == 0)
        #expect(!FileManager.default.fileExists(atPath: file))
        #expect(try energy().errors.isEmpty)
    }
}
