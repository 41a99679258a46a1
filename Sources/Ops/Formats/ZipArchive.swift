import LossKitDevice

/// A ZIP archive in memory, as `.npz` files are: members stored or deflated, below 4 GiB each.
///
/// Source: PKWARE, APPNOTE.TXT, 6.3.10.
struct ZipArchive {
    private(set) var members: [(name: String, bytes: [UInt8])] = []

    private enum Signature {
        static let local: UInt32 = 0x0403_4B50, entry: UInt32 = 0x0201_4B50, end: UInt32 = 0x0605_4B50
    }
    private static let endSize = 22

    init(members: [(name: String, bytes: [UInt8])]) { self.members = members }

    /// The members that the directory at a file's end lists.
    init(_ file: [UInt8], path: String) throws(TensorError) {
        func damaged(_ problem: String) -> TensorError { .file(path: path, problem: "not a valid ZIP archive: " + problem) }
        let bytes = LittleEndianBytes(file)
        // A comment of at most 64 KiB may follow the end's record.
        let earliest = max(0, file.count - Self.endSize - 0xFFFF)
        guard file.count >= Self.endSize,
            let end = stride(from: file.count - Self.endSize, through: earliest, by: -1).first(where: { bytes.u32($0) == Signature.end }),
            let count = bytes.u16(end + 10), var place = bytes.u32(end + 16).map({ Int($0) })
        else { throw damaged("no directory at its end") }
        for _ in 0..<count {
            guard bytes.u32(place) == Signature.entry, let method = bytes.u16(place + 10), let checksum = bytes.u32(place + 16),
                let packed = bytes.u32(place + 20), let size = bytes.u32(place + 24), let nameLength = bytes.u16(place + 28),
                let extra = bytes.u16(place + 30), let comment = bytes.u16(place + 32), let local = bytes.u32(place + 42),
                let label = bytes.slice(place + 46, Int(nameLength))
            else { throw damaged("its directory is truncated") }
            let name = String(decoding: label, as: UTF8.self)
            guard packed != .max, size != .max, local != .max else { throw damaged("\(name) has 4 GiB or more") }
            guard bytes.u32(Int(local)) == Signature.local, let labelLength = bytes.u16(Int(local) + 26),
                let localExtra = bytes.u16(Int(local) + 28),
                let data = bytes.slice(Int(local) + 30 + Int(labelLength) + Int(localExtra), Int(packed))
            else { throw damaged("\(name) is truncated") }
            let content: [UInt8]
            switch method {
            case 0: content = Array(data)
            case 8:
                guard let inflated = Inflation.inflated(data, to: Int(size)) else {
                    throw damaged("\(name) cannot be inflated" + (Inflation.isAvailable ? "" : ": zlib is not installed"))
                }
                content = inflated
            default: throw damaged("\(name) is packed by method \(method), which is neither stored nor deflated")
            }
            guard content.count == Int(size), Self.checksum(content) == checksum else { throw damaged("\(name) fails its checksum") }
            members.append((name, content))
            place += 46 + Int(nameLength) + Int(extra) + Int(comment)
        }
    }

    /// The file, with every member stored; nil where a member or the whole would reach 4 GiB.
    var encoded: [UInt8]? {
        var file: [UInt8] = []
        var directory: [UInt8] = []
        for (name, bytes) in members {
            let label = Array(name.utf8)
            guard file.count + bytes.count + label.count + 30 < Int(UInt32.max) else { return nil }
            // Version 2.0, names in UTF-8, stored, no time and the first day that the format knows.
            let common = Self.u16(20, 0x800, 0, 0, 0x21) + Self.u32(Self.checksum(bytes), UInt32(bytes.count), UInt32(bytes.count))
            directory += Self.u32(Signature.entry) + Self.u16(20) + common + Self.u16(UInt16(label.count), 0, 0, 0, 0)
            directory += Self.u32(0, UInt32(file.count)) + label
            file += Self.u32(Signature.local) + common + Self.u16(UInt16(label.count), 0) + label + bytes
        }
        guard file.count + directory.count < Int(UInt32.max), let count = UInt16(exactly: members.count) else { return nil }
        let extent = Self.u32(UInt32(directory.count), UInt32(file.count))
        return file + directory + Self.u32(Signature.end) + Self.u16(0, 0, count, count) + extent + Self.u16(0)
    }

    private static func u16(_ values: UInt16...) -> [UInt8] { values.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] } }
    private static func u32(_ values: UInt32...) -> [UInt8] {
        values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
    }

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
    }

    /// CRC-32 as ZIP takes it.
    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        table.withUnsafeBufferPointer { table in
            bytes.withUnsafeBufferPointer { bytes in
                var value = UInt32.max
                for byte in bytes { value = table[Int(UInt8(truncatingIfNeeded: value) ^ byte)] ^ value >> 8 }
                return ~value
            }
        }
    }
}

/// Numbers and pieces of bytes that came from elsewhere: nil where they would reach beyond.
struct LittleEndianBytes {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func slice(_ start: Int, _ count: Int) -> ArraySlice<UInt8>? {
        guard start >= 0, count >= 0, start <= bytes.count, count <= bytes.count - start else { return nil }
        return bytes[start..<start + count]
    }

    func u16(_ start: Int) -> UInt16? { number(start) }
    func u32(_ start: Int) -> UInt32? { number(start) }
    func u64(_ start: Int) -> UInt64? { number(start) }

    private func number<T: FixedWidthInteger>(_ start: Int) -> T? {
        slice(start, MemoryLayout<T>.size)?.reversed().reduce(0) { $0 << 8 | T($1) }
    }
}
