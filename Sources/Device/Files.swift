#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The few file operations that the runtime needs.
enum Files {
    /// A file's bytes, the first of them if there are more, or nil where it cannot be read.
    static func read(_ path: String, atMost limit: Int = .max) -> [UInt8]? {
        guard let file = fopen(path, "rb") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count < limit, case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
        return ferror(file) == 0 ? Array(bytes.prefix(limit)) : nil
    }

    /// Writes a whole file or nothing: readers see the old bytes or the new ones.
    static func replace(_ path: String, with bytes: [UInt8]) -> Bool {
        let temporary = "\(path).\(getpid()).\(UInt64.random(in: 0 ... .max)).tmp"
        guard let file = fopen(temporary, "wb") else { return false }
        let written = fwrite(bytes, 1, bytes.count, file)
        guard fclose(file) == 0, written == bytes.count, rename(temporary, path) == 0 else {
            unlink(temporary)
            return false
        }
        return true
    }

    /// Removes what writers that died left behind in a folder.
    static func removeAbandoned(in directory: String) {
        for name in names(in: directory) where name.hasSuffix(".tmp") {
            var status = stat()
            let path = directory + "/" + name
            guard stat(path, &status) == 0 else { continue }
            #if canImport(Glibc)
            let age = time(nil) - status.st_mtim.tv_sec
            #else
            let age = time(nil) - status.st_mtimespec.tv_sec
            #endif
            if age > 3600 { unlink(path) }
        }
    }

    /// Makes a folder and those above it.
    static func makeDirectory(_ path: String) -> Bool {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return isDirectory(path) }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return false }
        return makeDirectory(String(path[..<slash])) && mkdir(path, 0o700) == 0
    }

    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The names in a folder; empty where it cannot be read.
    static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: pointer.pointee)) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    static func remove(_ path: String) -> Bool { unlink(path) == 0 }
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
    static func isWritable(_ path: String) -> Bool { access(path, R_OK | W_OK) == 0 }
}
