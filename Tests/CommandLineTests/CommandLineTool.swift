import Foundation

/// The built `losskit`, run as a shell would run it.
enum CommandLineTool {
    struct Outcome {
        let status: Int32
        let output: String
        let bytes: Data
        let errors: String

        var json: Any? { try? JSONSerialization.jsonObject(with: Data(output.utf8)) }
        var object: [String: Any] { json as? [String: Any] ?? [:] }
        var objects: [[String: Any]] { json as? [[String: Any]] ?? [] }
        var errorLines: [Substring] { errors.split(separator: "\n") }
    }

    /// The tests' bundle lies beside the executables of the same build.
    private static var products: URL {
        let bundle = CommandLine.arguments.first { $0.contains(".xctest") } ?? CommandLine.arguments[0]
        var url = URL(fileURLWithPath: bundle)
        while url.pathExtension != "xctest", url.pathComponents.count > 1 { url.deleteLastPathComponent() }
        return url.deletingLastPathComponent()
    }

    static func run(_ arguments: String..., environment: [String: String] = [:]) throws -> Outcome {
        try run(arguments, environment: environment)
    }

    /// In a folder that is gone afterwards, with a file as standard input or none.
    static func run(
        _ arguments: [String], of program: String = "losskit", environment: [String: String] = [:], input: String? = nil
    ) throws -> Outcome {
        let process = Process()
        process.executableURL = products.appendingPathComponent(program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = try input.map { try FileHandle(forReadingFrom: URL(fileURLWithPath: $0)) } ?? FileHandle.nullDevice
        // Files rather than pipes: neither stream can fill up and hold the process.
        let folder = try Folder()
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path("."))
        let (output, errors) = (folder.path("stdout.text"), folder.path("stderr.text"))
        for path in [output, errors] { try Data().write(to: URL(fileURLWithPath: path)) }
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
        try process.run()
        process.waitUntilExit()
        let bytes = try Data(contentsOf: URL(fileURLWithPath: output))
        return Outcome(
            status: process.terminationStatus, output: String(decoding: bytes, as: UTF8.self), bytes: bytes,
            errors: try String(contentsOfFile: errors, encoding: .utf8))
    }
}

/// A folder that goes when nobody holds it any more, with a writer and a reader of .npy that share nothing with the library.
final class Folder {
    private let url = FileManager.default.temporaryDirectory.appendingPathComponent("losskit-tests-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    func write(_ name: String, _ values: [Float], shape: [Int]) throws -> String {
        try write(name, "<f4", values.withUnsafeBytes { Data($0) }, shape: shape)
    }

    func write(_ name: String, _ values: [Int64], shape: [Int]) throws -> String {
        try write(name, "<i8", values.withUnsafeBytes { Data($0) }, shape: shape)
    }

    private func write(_ name: String, _ type: String, _ values: Data, shape: [Int]) throws -> String {
        let extents = shape.map { "\($0)," }.joined()
        var header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(extents)), }"
        header += String(repeating: " ", count: (64 - (11 + header.utf8.count) % 64) % 64) + "\n"
        let length = UInt16(header.utf8.count)
        let data = Data([0x93]) + Data("NUMPY".utf8) + Data([1, 0, UInt8(length & 255), UInt8(length >> 8)]) + Data(header.utf8) + values
        try data.write(to: URL(fileURLWithPath: path(name)))
        return path(name)
    }

    /// The float32 elements of a file of version 1.
    func floats(_ name: String) throws -> [Float] {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name))))
        let start = 10 + Int(bytes[8]) + Int(bytes[9]) << 8
        return stride(from: start, to: bytes.count, by: 4).map { index in
            Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[index + $1]) << UInt32(8 * $1) })
        }
    }
}
