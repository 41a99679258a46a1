import CLossKitOpenCL

/// The text of a program: a file of kernels/, or what the expression generator wrote.
package struct KernelSource: Sendable, Hashable {
    package let name: String
    /// Nil for a file of kernels/, which is read only when it is compiled.
    private let generated: String?

    /// Text that was generated; equal texts should have equal names, which error messages show.
    package init(name: String, generated text: String) {
        self.name = name
        generated = text
    }

    /// A file of kernels/.
    package init(file: String) {
        name = file
        generated = nil
    }

    /// What the compiler is given: the common part, then the text, with lines numbered as in their files.
    package var text: String {
        let file = generated == nil ? name + ".cl" : name
        return Self.expanded("#include \"common.clh\"", of: file) + "\n#line 1 \"\(file)\"\n"
            + Self.expanded(generated ?? Self.file(file), of: file)
    }

    /// Whether there is any text to compile.
    var isKnown: Bool { generated != nil || !Self.file(name + ".cl").isEmpty }

    package func hash(into hasher: inout Hasher) { hasher.combine(name) }

    /// The text with each `#include "file"` line replaced by that file, and line markers so that a compiler's messages point into the
    /// files.
    private static func expanded(_ text: String, of file: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().map { index, line in
            guard line.hasPrefix("#include \""), let name = line.split(separator: "\"").dropFirst().first.map(String.init) else {
                return String(line)
            }
            return "#line 1 \"\(name)\"\n" + expanded(Self.file(name), of: name) + "\n#line \(index + 2) \"\(file)\""
        }.joined(separator: "\n")
    }

    /// The file's text as embedded in the binary, unless a folder for development overrides it.
    private static func file(_ name: String) -> String {
        if let directory = Environment.kernelDirectory, let bytes = Files.read(directory + "/" + name) {
            return String(decoding: bytes, as: UTF8.self)
        }
        var count = 0
        let files = losskit_kernel_files(&count)
        for index in 0..<count where String(cString: files[index].name) == name {
            return String(decoding: UnsafeBufferPointer(start: files[index].text, count: files[index].size), as: UTF8.self)
        }
        return ""
    }
}
