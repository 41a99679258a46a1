import Foundation
import LossKit

/// How long a fresh process takes to its first loss value and gradient: with nothing compiled yet, and with everything on disk.
struct StartUp: Codable {
    var coldSeconds: Double
    var warmSeconds: Double

    /// Runs this program twice as a child, both times with the same caches, which are empty at first.
    init(of device: Device) throws {
        let caches = FileManager.default.temporaryDirectory.appendingPathComponent("losskit-caches-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: caches, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: caches) }
        coldSeconds = try Self.child(device, caches)
        warmSeconds = try Self.child(device, caches)
    }

    private static func child(_ device: Device, _ caches: URL) throws -> Double {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0]).standardizedFileURL
        process.arguments = ["--device", String(device.label.prefix { $0 != " " }), "--first-value"]
        // PoCL keeps a cache of its own.
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["LOSSKIT_CACHE_DIR": caches.path, "POCL_CACHE_DIR": caches.path], uniquingKeysWith: { $1 })
        process.standardOutput = FileHandle.nullDevice
        let start = Console.seconds()
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw TensorError.invalidArgument(
                operation: "start-up", expected: "a child that ends with status 0", actual: "\(process.terminationStatus)")
        }
        return Console.seconds() - start
    }

    /// What the child does: a loss that needs several programs, and its gradient.
    static func firstValue(on device: Device) throws {
        let x = try Tensor((0..<3000).map { Float($0 % 17) / 17 }, shape: [30, 100], on: device)
        let labels = try Tensor((0..<30).map { $0 }, on: device)
        let (value, slope) = try valueWithGradient(at: x) { try crossEntropy(logits: $0.gelu(), targets: labels) }
        print(try value.scalar(), try slope.norm().scalar())
    }
}
