/// Compiled programs on disk, so that the next process does not wait for the compiler.
///
/// A file is a header (magic, payload size, SHA-256 of the payload) and the driver's binary. Whatever does not check out reads as absent: a
/// driver may abort the process on a damaged binary, so it never sees one.
package struct ProgramCache: Sendable {
    package let directory: String

    package init(directory: String) {
        self.directory = directory
    }

    /// The cache that programs are kept in; nil where `LOSSKIT_NO_CACHE` is set or there is no home folder.
    static let shared: ProgramCache? = Environment.noCache ? nil : defaultDirectory.map(ProgramCache.init)

    /// `LOSSKIT_CACHE_DIR`, else the user's cache folder.
    package static let defaultDirectory: String? = {
        if let directory = Environment.cacheDirectory { return directory }
        #if os(macOS)
        return Environment.value("HOME").map { $0 + "/Library/Caches/losskit" }
        #else
        return Environment.value("XDG_CACHE_HOME").map { $0 + "/losskit" } ?? Environment.value("HOME").map { $0 + "/.cache/losskit" }
        #endif
    }()

    private static let magic = Array("LKPROG01".utf8)
    private static let headerSize = 8 + 8 + 32

    /// A program's file name: a digest of everything that its binary depends on.
    static func key(_ parts: [String]) -> String {
        var digest = SHA256()
        for part in parts {
            // The length before each part keeps ("ab", "c") and ("a", "bc") apart.
            digest.update("\(part.utf8.count):".utf8)
            digest.update(part.utf8)
        }
        let digits = Array("0123456789abcdef")
        return String(digest.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }

    func path(_ key: String) -> String { "\(directory)/\(key).program" }

    /// The binary stored under a key, if it is there and undamaged.
    package func load(_ key: String) -> [UInt8]? {
        guard let bytes = Files.read(path(key)), bytes.count > Self.headerSize, Array(bytes[..<8]) == Self.magic else { return nil }
        let size = bytes[8..<16].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let payload = bytes[Self.headerSize...]
        guard size == UInt64(payload.count), SHA256.digest(payload) == Array(bytes[16..<Self.headerSize]) else { return nil }
        return Array(payload)
    }

    /// Stores a binary; a folder that cannot be written to costs only the time of the next compilation.
    @discardableResult
    package func store(_ binary: [UInt8], _ key: String) -> Bool {
        guard !binary.isEmpty, Files.makeDirectory(directory) else { return false }
        Files.removeAbandoned(in: directory)
        let size = (0..<8).map { UInt8(truncatingIfNeeded: binary.count >> (8 * $0)) }
        return Files.replace(path(key), with: Self.magic + size + SHA256.digest(binary) + binary)
    }
}
