import Foundation
import LossKit

/// Arrays of files, or of standard input and output where a path is `-`.
enum ArrayFile {
    static let mark = "-"

    static func load(_ path: String, on device: Device) throws -> Tensor {
        guard path != mark else { return try Tensor.load("/dev/stdin", on: device) }
        do {
            return try Tensor.load(path, on: device)
        } catch TensorError.file(let file, let problem) {
            let nearest = FileManager.default.fileExists(atPath: file) ? member(of: file, like: path) : neighbor(of: file)
            throw TensorError.file(path: file, problem: problem + (nearest.map { ", did you mean \($0)?" } ?? ""))
        }
    }

    static func save(_ tensor: Tensor, to path: String) throws {
        try tensor.save(path == mark ? "/dev/stdout" : path)
    }

    /// Standard input is read once.
    static func checkInputs(_ paths: [String?]) throws {
        let count = paths.filter { $0 == mark }.count
        guard count <= 1 else { throw TensorError.invalidArgument(operation: "standard input", expected: "one array", actual: "\(count)") }
    }

    /// An array of a file that is called almost like the one that a path names.
    private static func member(of file: String, like path: String) -> String? {
        guard path.hasPrefix(file + ":"), let names = try? loadArrays(file, on: .cpu).keys.sorted() else { return nil }
        return LossRegistry.nearest(to: String(path.dropFirst(file.count + 1)), among: names)
    }

    /// A file beside an absent one that is called almost like it.
    private static func neighbor(of path: String) -> String? {
        let url = URL(fileURLWithPath: path)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.deletingLastPathComponent().path)) ?? []
        return LossRegistry.nearest(to: url.lastPathComponent, among: names.sorted())
    }
}
