import LossKitDevice
import LossKitKernels

extension Tensor {
    /// Reads an array of a `.npy`, `.npz` or `.safetensors` file; `FILE.npz:NAME` is the one of that name where a file holds several.
    /// A name with another ending, such as that of a pipe, is read by how its content begins.
    ///
    /// Any version of `.npy`, C or Fortran order, either byte order. f2, f4, f8, bfloat16, i4, i8, u1 and b1 keep their type; i1, i2 and u2
    /// become int32, u4 and u8 int64.
    /// - Throws: ``TensorError/file(path:problem:)`` where the file is missing, truncated or of another kind, has no array of the name, or
    ///   a u8 exceeds int64.
    public static func load(_ path: String, on device: Device = .default) throws -> Tensor {
        let (file, member) = FileFormat.split(path)
        let bytes = try FileBytes.read(file)
        guard FileFormat(file, bytes) != .numPy else { return try Tensor(numPy: bytes, path: path, on: device) }
        let members = try FileMember.all(of: file, bytes)
        let names = members.map(\.name).sorted().joined(separator: ", ")
        if let member {
            guard let found = members.first(where: { $0.name == member }) else {
                throw TensorError.file(path: file, problem: "expected \(member) in it, found \(names)")
            }
            return try found.load(device)
        }
        guard members.count == 1, let only = members.first else {
            throw TensorError.file(path: file, problem: "expected one array, or \(file):NAME, found \(members.isEmpty ? "none" : names)")
        }
        return try only.load(device)
    }

    /// Writes a `.npy` file in C order and little-endian; or, by the ending of its name, a `.npz` or `.safetensors` file of this one array.
    ///
    /// bfloat16, which NumPy lacks, is written to its files as float32.
    /// - Throws: ``TensorError/file(path:problem:)`` where the file cannot be written.
    public func save(_ path: String) throws {
        let format = FileFormat(path)
        guard format != .numPy else { return try FileBytes.write(numPyBytes(), to: path) }
        try saveArrays([format.onlyMember: self], to: path)
    }
}

/// Reads all arrays of a `.npz` or `.safetensors` file, by their names.
///
/// Element types as in ``Tensor/load(_:on:)``. Members of an archive may be deflated where zlib is installed.
/// - Throws: ``TensorError/file(path:problem:)`` where the file is missing, damaged or of another kind.
public func loadArrays(_ path: String, on device: Device = .default) throws -> [String: Tensor] {
    try Dictionary(FileMember.all(of: path, FileBytes.read(path)).map { ($0.name, try $0.load(device)) }, uniquingKeysWith: { $1 })
}

/// Writes arrays by their names to a `.npz` file, its members stored, or to a `.safetensors` file.
///
/// - Throws: ``TensorError/file(path:problem:)`` where the file cannot be written, or a `.npz` file would reach 4 GiB.
public func saveArrays(_ arrays: [String: Tensor], to path: String) throws {
    let sorted = arrays.sorted { $0.key < $1.key }
    let bytes: [UInt8]?
    switch FileFormat(path) {
    case .numPy: throw TensorError.file(path: path, problem: "expected a name that ends in .npz or .safetensors")
    case .numPyArchive:
        bytes = ZipArchive(members: try sorted.map { ($0.key + ".npy", try $0.value.numPyBytes()) }).encoded
    case .safeTensors:
        var entries: [String: SafeTensorsHeader.Entry] = [:]
        var data: [UInt8] = []
        for (name, array) in sorted {
            let start = data.count
            try data.append(contentsOf: array.rowMajorBytes())
            entries[name] = SafeTensorsHeader.Entry(
                dtype: SafeTensorsHeader.name(array.dtype), shape: array.shape, data_offsets: [start, data.count])
        }
        bytes = SafeTensorsHeader.encoded(entries).map { $0 + data }
    }
    guard let bytes else { throw TensorError.file(path: path, problem: "expected arrays below 4 GiB in all") }
    try FileBytes.write(bytes, to: path)
}

/// An array of a file, which is made only when it is asked for.
private struct FileMember {
    let name: String
    let load: (Device) throws -> Tensor

    static func all(of path: String, _ bytes: [UInt8]) throws -> [FileMember] {
        switch FileFormat(path, bytes) {
        case .numPy: throw TensorError.file(path: path, problem: "expected a name that ends in .npz or .safetensors")
        case .numPyArchive:
            return try ZipArchive(bytes, path: path).members.map { name, bytes in
                FileMember(name: name.hasSuffix(".npy") ? String(name.dropLast(4)) : name) {
                    try Tensor(numPy: bytes, path: "\(path):\(name)", on: $0)
                }
            }
        case .safeTensors:
            let bytes = LittleEndianBytes(bytes)
            let header = try SafeTensorsHeader(bytes, path: path)
            return header.entries.map { name, entry in
                FileMember(name: name) { try Tensor(entry, in: bytes, from: header.dataStart, path: "\(path):\(name)", on: $0) }
            }
        }
    }
}

extension Tensor {
    fileprivate init(
        _ entry: SafeTensorsHeader.Entry, in bytes: LittleEndianBytes, from start: Int, path: String, on device: Device
    ) throws {
        let (from, to) = (entry.data_offsets[0], entry.data_offsets[1])
        guard from >= 0, to >= from, case let (begin, overflow) = start.addingReportingOverflow(from), !overflow,
            let data = bytes.slice(begin, to - from)
        else { throw TensorError.file(path: path, problem: "expected data within the file, found offsets \(entry.data_offsets)") }
        guard let element = SafeTensorsHeader.element(entry.dtype) else {
            throw TensorError.file(path: path, problem: "expected one of \(SafeTensorsHeader.names), found \(entry.dtype)")
        }
        try self.init(data, of: element, shape: entry.shape, path: path, on: device)
    }
}
