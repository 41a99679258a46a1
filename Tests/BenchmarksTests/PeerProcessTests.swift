import Foundation
import LossKit
import Testing

@testable import Benchmarks

/// The protocol, with a shell script in the place of the libraries.
@Suite struct PeerProcessTests {
    private let kernel = Kernel(
        name: "sum", size: "2", inputs: { [try Tensor([3, 4] as [Float], on: $0)] }, function: { try $0[0].sum() },
        bound: .bytes(forward: 8, both: 8))

    /// A peer that answers each command with one line.
    private func peers(answering answers: [String: String]) throws -> PeerProcess {
        let cases = answers.map { "*'\"command\":\"\($0)\"'*) echo \"\($1)\" ;;" }.joined(separator: "\n")
        let script = "while read -r line; do case \"$line\" in\n\(cases)\nesac; done"
        return try PeerProcess(["/bin/bash", "-c", script])
    }

    private func quoted(_ text: String) -> String { text.replacingOccurrences(of: "'", with: "\\\"") }

    private var prepared: String { quoted("{'peers': [{'name': 'one', 'passes': ['forward', 'forward+backward']}]}") }

    /// A folder with what the peer is said to have computed.
    private func result(value: Float, gradient: [Float]) throws -> (folder: URL, answer: String) {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("losskit-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let (first, second) = (folder.appendingPathComponent("value.npy").path, folder.appendingPathComponent("gradient.npy").path)
        try Tensor(value).save(first)
        try Tensor(gradient).save(second)
        return (folder, quoted("{'value': '\(first)', 'gradients': ['\(second)']}"))
    }

    private func measure(value: Float, gradient: [Float], run: String) throws -> (rows: [Kernel.Row], problems: [String]) {
        let (folder, answer) = try result(value: value, gradient: gradient)
        defer { try? FileManager.default.removeItem(at: folder) }
        let peers = try peers(answering: ["prepare": prepared, "result": answer, "run": run])
        let measured = try kernel.measure(on: .cpu, limits: Limits(copy: 1, gemm: 1), repetitions: 3, peers: peers)
        return (measured.rows, measured.problems)
    }

    @Test func timesStandBesideOurs() throws {
        let (rows, problems) = try measure(value: 7, gradient: [1, 1], run: quoted("{'seconds': 0.5}"))
        #expect(problems.isEmpty)
        #expect(rows.map(\.pass) == [.forward, .both])
        for row in rows {
            #expect(row.peers.map(\.name) == ["one"])
            #expect(row.fastestPeer?.seconds == 0.5)
            #expect(row.fastestPeer.map { abs($0.ratio * row.seconds - 0.5) < 1e-9 } == true)
        }
    }

    @Test func aWrongValueIsAProblem() throws {
        let (_, problems) = try measure(value: 7.01, gradient: [1, 1], run: quoted("{'seconds': 0.5}"))
        #expect(problems.count == 1 && problems[0].contains("differs from one: value"))
    }

    @Test func aWrongGradientIsAProblem() throws {
        let (_, problems) = try measure(value: 7, gradient: [1, 1.01], run: quoted("{'seconds': 0.5}"))
        #expect(problems.count == 1 && problems[0].contains("gradient 0: element 1"))
    }

    @Test func anErrorOfAPeerIsAProblemThatLeavesOursStanding() throws {
        let peers = try peers(answering: ["prepare": prepared, "result": quoted("{'error': 'ValueError: no'}")])
        let (rows, problems, _) = try kernel.measure(on: .cpu, limits: Limits(copy: 1, gemm: 1), repetitions: 3, peers: peers)
        #expect(problems.count == 1 && problems[0].contains("one: ValueError: no"))
        #expect(rows.count == 2 && rows.allSatisfy { $0.peers.isEmpty && $0.seconds > 0 })
    }

    @Test func aKernelWithoutPeersIsTimedAlone() throws {
        let peers = try peers(answering: ["prepare": quoted("{'peers': []}")])
        let (rows, problems, _) = try kernel.measure(on: .cpu, limits: Limits(copy: 1, gemm: 1), repetitions: 3, peers: peers)
        #expect(problems.isEmpty && rows.allSatisfy { $0.fastestPeer == nil })
    }

    @Test func aProcessThatEndsOrBabblesIsAnError() throws {
        #expect(throws: PeerError.self) { try PeerProcess(["/bin/bash", "-c", "exit 3"]).versions() }
        #expect(throws: PeerError.self) { try PeerProcess(["/bin/bash", "-c", "read line; echo hello; read line"]).versions() }
    }

    @Test func answersMayComeInPieces() throws {
        let script = "read line; printf '{\"versions\":'; sleep 0.1; printf '{\"torch\":\"2\"}}\\n'; read line"
        #expect(try PeerProcess(["/bin/bash", "-c", script]).versions() == ["torch": "2"])
    }
}
