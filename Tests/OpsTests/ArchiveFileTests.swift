import Foundation
import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// Archives of arrays, against files that NumPy 2.4, safetensors 0.8 and PyTorch wrote, and read back by NumPy where it is installed.
@Suite struct ArchiveFileTests {
    private let folder = "/tmp/losskit-archives-\(UInt64.random(in: 0 ... .max))"

    init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

    private func write(_ base64: String, _ name: String) throws -> String {
        let path = "\(folder)/\(name)"
        try #require(Data(base64Encoded: base64, options: .ignoreUnknownCharacters)).write(to: URL(fileURLWithPath: path))
        return path
    }

    private func expectPointsAndLabels(_ path: String, on device: Device) throws {
        let arrays = try loadArrays(path, on: device)
        #expect(arrays.keys.sorted() == ["labels", "points"])
        let (points, labels) = (try #require(arrays["points"]), try #require(arrays["labels"]))
        #expect(points.shape == [2, 3] && points.dtype == .float32)
        #expect(try points.array(of: Float.self) == [0, 1, 2, 3, 4, 5])
        #expect(try labels.array(of: Int.self) == [1, -2, 3])
        #expect(try Tensor.load("\(path):labels", on: device).array(of: Int.self) == [1, -2, 3])
    }

    @Test(arguments: Device.all) func readsWhatOthersWrite(device: Device) throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try expectPointsAndLabels(write(Files.stored, "a.npz"), on: device)
        try expectPointsAndLabels(write(Files.deflated, "b.npz"), on: device)
        try expectPointsAndLabels(write(Files.numPy, "c.safetensors"), on: device)
        let arrays = try loadArrays(write(Files.torch, "d.safetensors"), on: device)
        let (weights, mask) = (try #require(arrays["w"]), try #require(arrays["m"]))
        #expect(weights.dtype == .bfloat16 && weights.shape == [1, 2] && mask.dtype == .bool)
        #expect(try weights.array(of: Float.self) == [1.5, -2] && mask.array(of: Int.self) == [1, 0])
    }

    @Test(arguments: Device.all) func readsWhatItWrites(device: Device) throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let types: [DType] = [.float16, .float32, .float64, .int32, .int64, .uint8, .bool, .bfloat16]
        var arrays: [String: Tensor] = ["empty": try .zeros([0, 3], on: device), "one": try Tensor(2.5, on: device)]
        for dtype in types { arrays["\(dtype)/\u{00FC}"] = try Tensor([1, 0, 3] as [Float], on: device).asType(dtype) }
        for ending in ["npz", "safetensors"] {
            let path = "\(folder)/all.\(ending)"
            try saveArrays(arrays, to: path)
            let read = try loadArrays(path, on: device)
            #expect(read.keys.sorted() == arrays.keys.sorted())
            for (name, array) in arrays {
                let copy = try #require(read[name])
                let isWidened = array.dtype == .bfloat16 && ending == "npz"
                #expect(copy.shape == array.shape && copy.dtype == (isWidened ? .float32 : array.dtype), "\(name) of \(ending)")
                #expect(try copy.array(of: Double.self) == array.array(of: Double.self), "\(name) of \(ending)")
            }
            try Tensor([1, 2] as [Float], on: device).transposed().save(path)
            #expect(try Tensor.load(path, on: device).array(of: Float.self) == [1, 2])
        }
    }

    @Test(.enabled(if: Python.hasNumPy)) func writesWhatNumPyReads() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = "\(folder)/x.npz"
        let matrix = try Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3], on: .cpu)
        try saveArrays(["matrix": matrix.transposed(), "labels": Tensor([3, -4] as [Int], on: .cpu)], to: path)
        let printed = try Python.run(
            "import numpy; f = numpy.load('\(path)'); print(f['matrix'].tolist(), f['labels'].tolist(), f['labels'].dtype)")
        #expect(printed == "[[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]] [3, -4] int64\n")
    }

    @Test func refusesWhatIsDamaged() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let archive = try #require(Data(base64Encoded: Files.stored, options: .ignoreUnknownCharacters))
        var flipped = archive
        flipped[archive.count - 190] ^= 1
        let header = Data(#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#.utf8)
        func safe(_ header: Data, _ data: Int) -> Data {
            Data(withUnsafeBytes(of: UInt64(header.count).littleEndian, Array.init)) + header + Data(count: data)
        }
        let cases: [(Data, String, String)] = [
            (archive.dropLast(30), "a.npz", "no directory"), (flipped, "b.npz", "checksum"), (Data(), "c.npz", "no directory"),
            (safe(header, 4), "d.safetensors", "shape [2]"), (safe(header, 3), "e.safetensors", "within the file"),
            (safe(Data("[]".utf8), 0), "f.safetensors", "not JSON"), (Data(count: 7), "g.safetensors", "truncated"),
            (safe(Data(#"{"a":{"dtype":"F8","shape":[],"data_offsets":[0,1]}}"#.utf8), 1), "h.safetensors", "found F8"),
            (safe(Data(#"{"a":1}"#.utf8), 0), "i.safetensors", "a has no dtype"),
        ]
        for (bytes, name, problem) in cases {
            let path = "\(folder)/\(name)"
            try bytes.write(to: URL(fileURLWithPath: path))
            let error = #expect(throws: TensorError.self) { try loadArrays(path, on: .cpu) }
            #expect("\(error as Any)".contains(problem), "\(name): \(error as Any)")
        }
        let both = try write(Files.stored, "both.npz")
        for (path, problem) in [(both, "labels, points"), ("\(both):other", "expected other"), ("\(folder)/none.npz", "No such file")] {
            let error = #expect(throws: TensorError.self) { try Tensor.load(path, on: .cpu) }
            #expect("\(error as Any)".contains(problem), "\(error as Any)")
        }
    }
}

/// Python, for what only it can say.
private enum Python {
    static let hasNumPy = (try? run("import numpy")) == ""

    /// What a program prints; nil where it fails.
    static func run(_ program: String) throws -> String? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", program]
        let output = Pipe()
        (process.standardOutput, process.standardError) = (output, FileHandle.nullDevice)
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return process.terminationStatus == 0 ? text : nil
    }
}

/// points = arange(6) as float32 [2, 3] and labels = [1, -2, 3] as int16, by `savez`, `savez_compressed` and `safetensors.numpy.save`; w =
/// [[1.5, -2]] as bfloat16 and m = [true, false] by `safetensors.torch.save`.
private enum Files {
    static let stored = """
        UEsDBC0AAAAAAAAAIQBP6QAq//////////8KABQAcG9pbnRzLm5weQEAEACYAAAAAAAAAJgAAAAAAAAAk05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2Zv
        cnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg
        ICAgICAgIAoAAAAAAACAPwAAAEAAAEBAAACAQAAAoEBQSwMELQAAAAAAAAAhAJIfKOP//////////woAFABsYWJlbHMubnB5AQAQAIYAAAAAAAAAhgAAAAAA
        AACTTlVNUFkBAHYAeydkZXNjcic6ICc8aTInLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMywpLCB9ICAgICAgICAgICAgICAgICAgICAg
        ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgCgEA/v8DAFBLAQItAy0AAAAAAAAAIQBP6QAqmAAAAJgAAAAKAAAAAAAAAAAAAACAAQAA
        AABwb2ludHMubnB5UEsBAi0DLQAAAAAAAAAhAJIfKOOGAAAAhgAAAAoAAAAAAAAAAAAAAIAB1AAAAGxhYmVscy5ucHlQSwUGAAAAAAIAAgBwAAAAlgEAAAAA
        """
    static let deflated = """
        UEsDBC0AAAAIAAAAIQBP6QAq//////////8KABQAcG9pbnRzLm5weQEAEACYAAAAAAAAAFUAAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgbpNmoq6joJ6W
        X1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkaRjoKxpo6CrUKZAMuBjBosAcSDkAExA1AvMABAFBLAwQtAAAACAAAACEAkh8o4///////////CgAUAGxhYmVs
        cy5ucHkBABAAhgAAAAAAAABKAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TaaSuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GsY6mjoKtQoU
        AC5Ghn//mRkAUEsBAi0DLQAAAAgAAAAhAE/pACpVAAAAmAAAAAoAAAAAAAAAAAAAAIABAAAAAHBvaW50cy5ucHlQSwECLQMtAAAACAAAACEAkh8o40oAAACG
        AAAACgAAAAAAAAAAAAAAgAGRAAAAbGFiZWxzLm5weVBLBQYAAAAAAgACAHAAAAAXAQAAAAA=
        """
    static let numPy = """
        oAAAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJmb3JtYXQiOiJucCJ9LCJwb2ludHMiOnsiZHR5cGUiOiJGMzIiLCJzaGFwZSI6WzIsM10sImRhdGFfb2Zmc2V0
        cyI6WzAsMjRdfSwibGFiZWxzIjp7ImR0eXBlIjoiSTE2Iiwic2hhcGUiOlszXSwiZGF0YV9vZmZzZXRzIjpbMjQsMzBdfX0gICAgICAgAAAAAAAAgD8AAABA
        AABAQAAAgEAAAKBAAQD+/wMA
        """
    static let torch = """
        cAAAAAAAAAB7InciOnsiZHR5cGUiOiJCRjE2Iiwic2hhcGUiOlsxLDJdLCJkYXRhX29mZnNldHMiOlswLDRdfSwibSI6eyJkdHlwZSI6IkJPT0wiLCJzaGFw
        ZSI6WzJdLCJkYXRhX29mZnNldHMiOls0LDZdfX0gwD8AwAEA
        """
}
