import Foundation
import LossKit

/// What went wrong on the other side, in one line.
struct PeerError: Error, CustomStringConvertible {
    var description: String
}

/// Other libraries' versions of the kernels, in a process of their own; `Peers/peer.py` says what is asked and answered.
final class PeerProcess {
    /// A peer for the kernel that was prepared, and what of it there is.
    struct Peer: Codable {
        var name: String
        var passes: [Kernel.Pass]
    }

    private struct Request: Encodable {
        var command: String
        var kernel: String?
        var inputs: [String]?
        var differentiated: Int?
        var options: [String: Double]?
        var peer: String?
        var pass: Kernel.Pass?
        var folder: String?
    }

    private struct Reply: Decodable {
        var error: String?
        var peers: [Peer]?
        var value: String?
        var gradients: [String]?
        var indices: String?
        var classes: String?
        var seconds: Double?
        var versions: [String: String]?
    }

    private let process = Process()
    private let requests = Pipe()
    private let replies = Pipe()
    private var received = Data()
    private let folder: URL

    /// Starts `arguments`, whose first is the program, with as many threads as the CPU device has.
    init(_ arguments: [String]) throws {
        // A peer that ended is an error to report, not a signal that ends this process.
        signal(SIGPIPE, SIG_IGN)
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("losskit-peers-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        process.executableURL = URL(fileURLWithPath: arguments[0])
        process.arguments = Array(arguments.dropFirst())
        let threads = "\(Device.cpu.computeUnits)"
        let settings = ["OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "NPROC": threads, "JAX_PLATFORMS": "cpu"]
        process.environment = ProcessInfo.processInfo.environment.merging(settings) { $1 }
        process.standardInput = requests
        process.standardOutput = replies
        try process.run()
        // With this end of it closed here, a process that ends is seen as the end of its replies.
        try replies.fileHandleForWriting.close()
    }

    /// The libraries that `Peers/setup` installed.
    static func installed() throws -> PeerProcess {
        let benchmarks = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let python = benchmarks.appendingPathComponent("../.venv-peers/bin/python").path
        guard FileManager.default.isExecutableFile(atPath: python) else {
            throw PeerError(
                description: "--peers: expected the virtual environment .venv-peers; Benchmarks/Peers/setup makes it")
        }
        return try PeerProcess([python, benchmarks.appendingPathComponent("Peers/peer.py").path])
    }

    deinit {
        try? requests.fileHandleForWriting.close()
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Names and versions of the libraries.
    func versions() throws -> [String: String] { try ask(Request(command: "versions")).versions ?? [:] }

    /// Hands over a kernel's inputs and tells who takes part.
    func prepare(_ kernel: Kernel, inputs: [Tensor]) throws -> [Peer] {
        let paths = try inputs.enumerated().map { index, input in
            let path = folder.appendingPathComponent("input-\(index).npy").path
            try input.save(path)
            return path
        }
        let request = Request(
            command: "prepare", kernel: kernel.name, inputs: paths, differentiated: kernel.differentiated, options: kernel.options)
        return try ask(request).peers ?? []
    }

    /// What a peer computes; also compiles and warms it up.
    func result(of peer: Peer) throws -> Kernel.Outcome {
        let reply = try ask(Request(command: "result", peer: peer.name, folder: folder.path))
        guard let value = reply.value else { throw PeerError(description: "\(peer.name) gave no value") }
        return Kernel.Outcome(
            value: try .load(value, on: .cpu), gradients: try (reply.gradients ?? []).map { try .load($0, on: .cpu) },
            indices: try reply.indices.map { try .load($0, on: .cpu) }, classes: try reply.classes.map { try .load($0, on: .cpu) })
    }

    /// How long a run takes in one turn of the race, by the peer's own clock.
    func seconds(of peer: Peer, _ pass: Kernel.Pass) throws -> Double {
        guard let seconds = try ask(Request(command: "run", peer: peer.name, pass: pass)).seconds else {
            throw PeerError(description: "\(peer.name) gave no time")
        }
        return seconds
    }

    private func ask(_ request: Request) throws -> Reply {
        let text = try JSONEncoder().encode(request) + Data([0x0A])
        do {
            try requests.fileHandleForWriting.write(contentsOf: text)
        } catch {
            throw PeerError(description: "the peers' process has ended")
        }
        let line = try nextLine()
        guard let reply = try? JSONDecoder().decode(Reply.self, from: line) else {
            let text = String(decoding: line.prefix(200), as: UTF8.self)
            throw PeerError(description: "expected one JSON object from the peers, got \"\(text)\"")
        }
        if let error = reply.error { throw PeerError(description: "\(request.peer ?? "peers"): \(error)") }
        return reply
    }

    private func nextLine() throws -> Data {
        while true {
            if let end = received.firstIndex(of: 0x0A) {
                defer { received = Data(received[received.index(after: end)...]) }
                return Data(received[..<end])
            }
            let more = replies.fileHandleForReading.availableData
            guard !more.isEmpty else {
                throw PeerError(description: "the peers' process ended without an answer")
            }
            received += more
        }
    }
}
