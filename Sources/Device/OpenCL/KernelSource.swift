import CLossKitOpenCL

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The text of a program: a file of kernels/, or what the expression generator wrote.
package struct KernelSource: Sendable, Hashable {
    package let name: String
    package let text: String

    /// Text that was generated, under a name for error messages.
    package init(name: String, generated text: String) {
        self.name = name
        self.text = Self.expanded("#include \"common.clh\"\n") + "#line 1 \"\(name)\"\n" + Self.expanded(text)
    }

    /// A file of kernels/ with the common part before it.
    package init(file: String) {
        self.init(name: file + ".cl", generated: Self.file(file + ".cl"))
    }

    /// The text with each `#include "file"` line replaced by that file, and line markers so that a compiler's messages point into the files.
    private static func expanded(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().map { index, line in
            guard line.hasPrefix("#include \""), let name = line.split(separator: "\"").dropFirst().first.map(String.init) else {
                return String(line)
            }
            return "#line 1 \"\(name)\"\n" + file(name) + "\n#line \(index + 2) \"after \(name)\""
        }.joined(separator: "\n")
    }

    /// The file's text as embedded in the binary, unless a folder for development overrides it.
    private static func file(_ name: String) -> String {
        if let directory = Environment.kernelDirectory, let text = read(directory + "/" + name) { return text }
        var count = 0
        let files = losskit_kernel_files(&count)
        for index in 0..<count where String(cString: files[index].name) == name {
            return String(decoding: UnsafeBufferPointer(start: files[index].text, count: files[index].size), as: UTF8.self)
        }
        return ""
    }

    private static func read(_ path: String) -> String? {
        guard let file = fopen(path, "rb") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }
}
