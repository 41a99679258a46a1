import Foundation
import LossKit
import LossKitTestSupport
import Testing

@Suite struct CommandLineTests {
    static let devices = Device.all.indices.map { $0 == 0 ? "cpu" : "opencl" }.reduce(into: [String]()) {
        if !$0.contains($1) { $0.append($1) }
    }

    @Test func listsDevices() throws {
        let outcome = try CommandLineTool.run("devices", "--json")
        #expect(outcome.status == 0)
        #expect(outcome.objects.count == Device.all.count)
        #expect(outcome.objects.first?["select"] as? String == "cpu")
        #expect(outcome.objects.filter { $0["isDefault"] as? Bool == true }.count == 1)
    }

    @Test func runsWithoutOpenCL() throws {
        let outcome = try CommandLineTool.run("devices", "--json", environment: ["OCL_ICD_VENDORS": "/nonexistent"])
        #expect(outcome.status == 0)
        #expect(outcome.objects.first?["select"] as? String == "cpu")
        #expect(try CommandLineTool.run("doctor").status == 0)
    }

    @Test func listsLosses() throws {
        let outcome = try CommandLineTool.run("losses", "--json")
        #expect(outcome.status == 0)
        #expect(outcome.objects.compactMap { $0["name"] as? String } == LossRegistry.all.map(\.name))
        for key in ["name", "family", "inputs", "options", "reference", "catalogue"] {
            #expect(outcome.objects.allSatisfy { $0[key] != nil }, "\(key)")
        }
        let regression = try CommandLineTool.run("losses", "--family", "regression", "--json").objects
        #expect(!regression.isEmpty && regression.allSatisfy { $0["family"] as? String == "regression" })
    }

    @Test(arguments: devices) func evaluatesWithGradient(device: String) throws {
        let folder = try Folder()
        let predictions: [Float] = [1, -2, 0.5, 3, 0.25, -1]
        let targets: [Float] = [0, 1, 0.5, -1, 2, -3]
        let outcome = try CommandLineTool.run(
            "eval", "mse", "--input", "predictions=" + folder.write("p.npy", predictions, shape: [2, 3]),
            "--input", "targets=" + folder.write("t.npy", targets, shape: [2, 3]),
            "--gradient", "predictions=" + folder.path("g.npy"), "--output", folder.path("v.npy"), "--device", device, "--json")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let differences = zip(predictions, targets).map { Double($0) - Double($1) }
        let expected = differences.map { $0 * $0 }.reduce(0, +) / 6
        let value = try #require((outcome.object["value"] as? NSNumber)?.doubleValue)
        expectClose([value], [expected], tolerance: 1e-6)
        expectClose(try folder.floats("v.npy").map(Double.init), [expected], tolerance: 1e-6)
        expectClose(try folder.floats("g.npy").map(Double.init), differences.map { $0 / 3 }, tolerance: 1e-6)
        for key in ["device", "seconds", "launches", "peakBytes", "gradients"] { #expect(outcome.object[key] != nil, "\(key)") }
    }

    @Test(arguments: devices) func takesOptionsAndIntegerInputs(device: String) throws {
        let folder = try Folder()
        let logits: [Float] = [0.5, -1, 2, 1, 0.25, -0.5]
        let labels: [Int64] = [2, 0]
        let outcome = try CommandLineTool.run(
            "eval", "crossEntropy", "--input", "logits=" + folder.write("l.npy", logits, shape: [2, 3]),
            "--input", "targets=" + folder.write("t.npy", labels, shape: [2]),
            "--option", "labelSmoothing=0.1", "--option", "reduction=none", "--device", device, "--json")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let expected = (0..<2).map { row in
            let values = logits[3 * row..<3 * row + 3].map(Double.init)
            let normalizer = log(values.map { exp($0) }.reduce(0, +))
            return normalizer - 0.9 * values[Int(labels[row])] - 0.1 * values.reduce(0, +) / 3
        }
        let values = try #require(outcome.object["value"] as? [NSNumber])
        expectClose(values.map(\.doubleValue), expected, tolerance: 1e-6)
    }

    @Test func suggestsNamesNearby() throws {
        expectRefusal(try CommandLineTool.run("eval", "crosEntropy"), naming: "did you mean crossEntropy?")
        expectRefusal(try CommandLineTool.run("losses", "--family", "regresion"), naming: "did you mean regression?")
        let folder = try Folder()
        let file = try folder.write("x.npy", [Float](repeating: 1, count: 4), shape: [2, 2])
        expectRefusal(
            try CommandLineTool.run("eval", "mse", "--input", "prediction=" + file, "--input", "targets=" + file), naming: "predictions")
        expectRefusal(
            try CommandLineTool.run(
                "eval", "huber", "--input", "predictions=" + file, "--input", "targets=" + file, "--option", "deltaa=1"), naming: "delta")
    }

    @Test func refusesBadInput() throws {
        let folder = try Folder()
        let pair = try folder.write("pair.npy", [Float](repeating: 1, count: 6), shape: [2, 3])
        let other = try folder.write("other.npy", [Float](repeating: 1, count: 8), shape: [2, 4])
        func mse(_ predictions: String, _ targets: String, _ device: String) throws -> CommandLineTool.Outcome {
            try CommandLineTool.run(
                "eval", "mse", "--input", "predictions=" + predictions, "--input", "targets=" + targets, "--device", device)
        }
        expectRefusal(try mse(pair, other, "cpu"), naming: "[2, 3]", "[2, 4]")
        expectRefusal(try mse(pair, folder.path("absent.npy"), "cpu"), naming: "absent.npy")
        expectRefusal(try mse(pair, pair, "opencl:no such device"), naming: "no such device")
        expectRefusal(try CommandLineTool.run("eval", "mse", "--input", "predictions"), naming: "NAME=VALUE")
        expectRefusal(try CommandLineTool.run("eval"))
        expectRefusal(try CommandLineTool.run("devices", "--mesure"), naming: "--mesure")

        let truncated = folder.path("truncated.npy")
        try Data(contentsOf: URL(fileURLWithPath: pair)).dropLast(5).write(to: URL(fileURLWithPath: truncated))
        expectRefusal(try mse(truncated, pair, "cpu"), naming: "truncated.npy")
    }

    /// Status 3, one line that says what the device could not do, and nothing on standard output.
    @Test func reportsDevicesThatFail() throws {
        let folder = try Folder()
        let file = try folder.write("x.npy", [Float](repeating: 1, count: 4096), shape: [64, 64])
        func transport(_ device: String, _ environment: [String: String]) throws -> CommandLineTool.Outcome {
            try CommandLineTool.run(
                "eval", "sinkhornDivergence", "--input", "x=" + file, "--input", "y=" + file, "--device", device, environment: environment)
        }
        func expectFailure(_ outcome: CommandLineTool.Outcome, naming texts: String...) {
            #expect(outcome.status == 3 && outcome.errorLines.count == 1 && outcome.output.isEmpty, "\(outcome.status) \(outcome.errors)")
            for text in texts { #expect(outcome.errors.contains(text), "\(outcome.errors)") }
        }
        expectFailure(try transport("cpu", ["LOSSKIT_MEMORY_LIMIT": "30000"]), naming: "out of memory", "limit 30000")
        #expect(try transport("cpu", [:]).status == 0)
        guard Self.devices.contains("opencl") else { return }
        expectFailure(try transport("opencl", ["LOSSKIT_MEMORY_LIMIT": "30000"]), naming: "out of memory", "limit 30000")
        expectFailure(
            try transport("opencl", ["LOSSKIT_FAULT": "clEnqueueNDRangeKernel:3:-36"]), naming: "clEnqueueNDRangeKernel",
            "CL_INVALID_COMMAND_QUEUE")
        expectFailure(try transport("opencl", ["LOSSKIT_FAULT": "any:80+:-2"]), naming: "CL_DEVICE_NOT_AVAILABLE")
        let ignored = try transport("opencl", ["LOSSKIT_FAULT": "clNothing:1:-2"])
        #expect(ignored.status == 0 && ignored.errors.contains("LOSSKIT_FAULT is ignored"))
    }

    @Test(arguments: devices) func namesTheRowOfABadLabel(device: String) throws {
        let folder = try Folder()
        expectRefusal(
            try CommandLineTool.run(
                "eval", "crossEntropy", "--input", "logits=" + folder.write("l.npy", [Float](repeating: 1, count: 6), shape: [2, 3]),
                "--input", "targets=" + folder.write("t.npy", [Int64(1), 7], shape: [2]), "--device", device), naming: "7", "position 1")
    }
}
