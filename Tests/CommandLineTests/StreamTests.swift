import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// Standard input and output, help, plots and the way to the benchmarks.
@Suite struct StreamTests {
    @Test func arraysPassThroughPipes() throws {
        let folder = try Folder()
        let points = try folder.write("points.npy", [0, 0, 3, 4, 3, 0] as [Float], shape: [3, 2])
        let outcome = try CommandLineTool.run(
            ["eval", "mstLength", "--input", "points=-", "--gradient", "points=-", "--device", "cpu", "--json"], input: points)
        #expect(outcome.status == 0, "\(outcome.errors)")
        try outcome.bytes.write(to: URL(fileURLWithPath: folder.path("gradient.npy")))
        expectClose(try folder.floats("gradient.npy").map(Double.init), [-1, 0, 0, 1, 1, -1], tolerance: 1e-6)
        // The report makes way for the array.
        let report = try JSONSerialization.jsonObject(with: Data(outcome.errors.utf8)) as? [String: Any]
        #expect((report?["value"] as? NSNumber)?.doubleValue == 7)
    }

    @Test func archivesAreKnownByTheirContent() throws {
        let folder = try Folder()
        for name in ["one.npz", "one.safetensors"] {
            try Tensor([0, 0, 3, 4] as [Float], shape: [2, 2], on: .cpu).save(folder.path(name))
            let outcome = try CommandLineTool.run(["mst", "-", "--device", "cpu", "--json"], input: folder.path(name))
            #expect((outcome.object["totalWeight"] as? NSNumber)?.doubleValue == 5, "\(name): \(outcome.errors)")
        }
    }

    @Test func oneArrayEachWay() throws {
        expectRefusal(try CommandLineTool.run("transport", "-", "-"), naming: "standard input", "one array")
        let folder = try Folder()
        let points = try folder.write("points.npy", [0, 0, 3, 4] as [Float], shape: [2, 2])
        expectRefusal(
            try CommandLineTool.run("knn", points, "--k", "1", "--indices", "-", "--distances", "-"), naming: "standard output", "one array")
        expectRefusal(try CommandLineTool.run("mst", "-"), naming: "/dev/stdin")
    }

    @Test(arguments: ["devices", "doctor", "losses", "eval", "transport", "knn", "mst", "persistence", "plot", "bench"])
    func helpHoldsAnExample(command: String) throws {
        // What follows bench is the benchmarks', so its help is asked for by its name.
        let outcome = try CommandLineTool.run(command == "bench" ? ["help", "bench"] : [command, "--help"])
        #expect(outcome.status == 0 && outcome.output.contains("Example: losskit \(command)"), "\(outcome.output)\(outcome.errors)")
        #expect(!outcome.output.contains("\u{1B}["))
    }

    @Test(arguments: ["bash", "zsh", "fish"]) func completionsKnowTheLosses(shell: String) throws {
        let outcome = try CommandLineTool.run("--generate-completion-script", shell)
        #expect(outcome.status == 0 && outcome.output.contains("crossEntropy") && outcome.output.contains("persistence"))
    }

    @Test func aLossIsDescribed() throws {
        let outcome = try CommandLineTool.run("losses", "crossEntropy")
        for text in ["logits", "labelSmoothing", "mean, of none, mean, sum", "optional"] { #expect(outcome.output.contains(text), "\(text)") }
        let table = try CommandLineTool.run("losses", "--markdown", "--family", "transport").output.split(separator: "\n")
        #expect(table.count == 2 + LossRegistry.all.filter { $0.family == .transport }.count)
    }

    @Test func curvesAreDrawn() throws {
        let folder = try Folder()
        let one = try folder.write("one.npy", [1, 0.1, 0.01, 0.001] as [Float], shape: [4])
        let two = try folder.write("two.npy", [1, 2, 0.5, 1, .nan, 1, 0.1, 1] as [Float], shape: [4, 2])
        let outcome = try CommandLineTool.run(
            "plot", one, two, "--names", "a,b & c,d", "--logarithmic", "--title", "Loss", "--output", folder.path("loss.svg"))
        #expect(outcome.status == 0, "\(outcome.errors)")
        let drawing = try String(contentsOfFile: folder.path("loss.svg"), encoding: .utf8)
        // Three segments of each whole curve, one of the broken one, and the legend's.
        #expect(drawing.components(separatedBy: "stroke-width=\"2.0\"").count == 1 + 3 + 1 + 3 + 3)
        #expect(drawing.contains("b &amp; c") && drawing.contains(">0.01<") && !drawing.contains("nan"))
        expectRefusal(try CommandLineTool.run("plot", one, two, "--names", "a", "--output", folder.path("x.svg")), naming: "3 names")
    }

    @Test func benchLeadsToTheBenchmarks() throws {
        let outcome = try CommandLineTool.run("bench", "--help")
        #expect(outcome.status == 0 && outcome.output.contains("--peers"), "\(outcome.errors)")
    }
}
