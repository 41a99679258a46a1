import Foundation
import LossKit
import Testing

/// What is mistyped is answered in one line that helps, with status 2.
@Suite struct MistypeTests {
    private let folder: Folder
    private let pair: String
    private let labels: String

    init() throws {
        folder = try Folder()
        pair = try folder.write("pair.npy", [1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
        labels = try folder.write("labels.npy", [0, 2] as [Int64], shape: [2])
    }

    private func eval(_ loss: String, _ inputs: KeyValuePairs<String, String>, _ more: String...) throws -> CommandLineTool.Outcome {
        try CommandLineTool.run(["eval", loss] + inputs.flatMap { ["--input", "\($0.key)=\($0.value)"] } + more)
    }

    @Test func aLoss() throws {
        expectRefusal(try eval("sinkhornDivergense", ["x": pair, "y": pair]), naming: "did you mean sinkhornDivergence?")
        expectRefusal(try CommandLineTool.run("losses", "Huber1"), naming: "did you mean huber?")
    }

    @Test func aCommand() throws {
        expectRefusal(try CommandLineTool.run("devcies"), naming: "did you mean devices?")
        expectRefusal(try CommandLineTool.run("evall", "crossEntropy"), naming: "did you mean eval?")
        expectRefusal(try CommandLineTool.run("train"), naming: "transport, knn")
        expectRefusal(try CommandLineTool.run("bench", "--quik"), naming: "--quick")
    }

    @Test func anInput() throws {
        expectRefusal(try eval("mse", ["predictions": pair]), naming: "expected input targets [n, d], got none")
        expectRefusal(try eval("mse", ["predictions": pair, "predictions": pair, "targets": pair]), naming: "predictions twice")
        let archive = folder.path("batch.npz")
        try saveArrays(["logits": Tensor.load(pair, on: .cpu)], to: archive)
        expectRefusal(try eval("mse", ["predictions": archive + ":logit", "targets": pair]), naming: "found logits, did you mean logits?")
    }

    @Test func aNumber() throws {
        expectRefusal(try CommandLineTool.run("persistence", pair, "--max-dimension", "-1"), naming: "maximumDimension", "-1")
        expectRefusal(try CommandLineTool.run("transport", pair, pair, "--epsilon", "-0.1"), naming: "epsilon", "-0.1")
        expectRefusal(try CommandLineTool.run("plot", pair, "--output", folder.path("curve.png")), naming: "curve.png", ".svg")
    }

    @Test func anOption() throws {
        let inputs: KeyValuePairs = ["predictions": pair, "targets": pair]
        expectRefusal(try eval("huber", inputs, "--option", "dleta=1"), naming: "did you mean delta?")
        expectRefusal(try eval("huber", inputs, "--option", "reduction=means"), naming: "did you mean mean?", "none, mean, sum")
        expectRefusal(try eval("huber", inputs, "--option", "delta=one"), naming: "a number for option delta", "one")
        expectRefusal(try eval("huber", inputs, "--optoin", "delta=1"), naming: "--option")
    }

    @Test func aPath() throws {
        let outcome = try eval("mse", ["predictions": folder.path("piar.npy"), "targets": pair])
        expectRefusal(outcome, naming: "piar.npy", "No such file", "did you mean pair.npy?")
        expectRefusal(try CommandLineTool.run("mst", folder.path("nothing at all.npy")), naming: "No such file")
    }

    @Test func anElementType() throws {
        let fractions = try folder.write("fractions.npy", [0.5, 2] as [Float], shape: [2])
        expectRefusal(try eval("crossEntropy", ["logits": pair, "targets": fractions]), naming: "crossEntropy", "targets", "float32")
        expectRefusal(try eval("crossEntropy", ["logits": labels, "targets": labels]), naming: "crossEntropy", "int64")
    }

    @Test func aShape() throws {
        let long = try folder.write("long.npy", [0, 1, 2] as [Int64], shape: [3])
        expectRefusal(try eval("crossEntropy", ["logits": pair, "targets": long]), naming: "crossEntropy", "[2, 3]", "[3]")
        expectRefusal(try eval("sinkhornDivergence", ["x": labels, "y": pair]), naming: "sinkhornDivergence", "[2]")
    }

    @Test func aMetricAndADevice() throws {
        expectRefusal(try CommandLineTool.run("mst", pair, "--metric", "manhatan"), naming: "did you mean manhattan?")
        expectRefusal(try CommandLineTool.run("mst", pair, "--device", "cup"), naming: "cup", "found cpu")
    }
}
