#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Whole files in and out, without Foundation.
enum FileBytes {
    static func read(_ path: String) throws(TensorError) -> [UInt8] {
        guard let file = fopen(path, "rb") else { throw .file(path: path, problem: problem()) }
        defer { fclose(file) }
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { piece.deallocate() }
        var bytes: [UInt8] = []
        while case let count = fread(piece.baseAddress, 1, piece.count, file), count > 0 {
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: piece[..<count]))
        }
        guard ferror(file) == 0 else { throw .file(path: path, problem: problem()) }
        return bytes
    }

    static func write(_ bytes: [UInt8], to path: String) throws(TensorError) {
        guard let file = fopen(path, "wb") else { throw .file(path: path, problem: problem()) }
        let count = fwrite(bytes, 1, bytes.count, file)
        guard fclose(file) == 0, count == bytes.count else { throw .file(path: path, problem: problem()) }
    }

    private static func problem() -> String { String(cString: strerror(errno)) }
}
