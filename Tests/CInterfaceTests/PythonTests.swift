import Foundation
import Testing

/// The Python example: LossKit's losses inside `torch.autograd.Function`, held against PyTorch's own.
@Suite struct PythonTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The Python of `.venv-peers`, else the one on the path, if it has PyTorch.
    private static let python: String? = [root.appendingPathComponent(".venv-peers/bin/python").path, "python3"]
        .first { (try? run([$0, "-c", "import torch"]))?.status == 0 }

    /// The library lies beside the tests' bundle.
    private static var library: String {
        var url = URL(fileURLWithPath: CommandLine.arguments.first { $0.contains(".xctest") } ?? CommandLine.arguments[0])
        while url.pathExtension != "xctest", url.pathComponents.count > 1 { url.deleteLastPathComponent() }
        #if os(macOS)
        return url.deletingLastPathComponent().appendingPathComponent("libLossKitC.dylib").path
        #else
        return url.deletingLastPathComponent().appendingPathComponent("libLossKitC.so").path
        #endif
    }

    private static func run(_ arguments: [String], environment: [String: String] = [:]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let output = Pipe()
        (process.standardOutput, process.standardError) = (output, output)
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }

    @Test(.enabled(if: python != nil, "no Python with torch: Benchmarks/Peers/setup installs one"))
    func theExampleAgreesWithPyTorch() throws {
        let python = try #require(Self.python)
        let program = Self.root.appendingPathComponent("Examples/Python/compare.py").path
        let (status, output) = try Self.run([python, program], environment: ["LOSSKIT_LIBRARY": Self.library])
        #expect(status == 0, "\(output)")
        #expect(output.contains("losses agree with PyTorch"), "\(output)")
    }
}
