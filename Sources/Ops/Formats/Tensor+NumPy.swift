import LossKitDevice
import LossKitKernels

extension Tensor {
    /// Reads a NumPy `.npy` file: any of its versions, C or Fortran order, little-endian f2, f4, f8, i4, i8, u1 and b1.
    ///
    /// - Throws: ``TensorError/file(path:problem:)`` where the file is missing, truncated or of another kind.
    public static func load(_ path: String, on device: Device = .default) throws -> Tensor {
        let bytes = try FileBytes.read(path)
        let header = try NumPyHeader(bytes, path: path)
        guard let count = Shape.count(header.shape), case let (size, overflow) = count.multipliedReportingOverflow(by: header.dtype.byteCount),
            !overflow, bytes.count - header.dataStart == size
        else {
            throw TensorError.file(
                path: path,
                problem: "expected data for \(header.dtype) of shape \(header.shape), found \(bytes.count - header.dataStart) bytes")
        }
        let shape = header.isFortranOrder ? header.shape.reversed() : header.shape
        let tensor = try bytes.withUnsafeBytes {
            try Tensor(bytes: UnsafeRawBufferPointer(rebasing: $0[header.dataStart...]), shape: Array(shape), dtype: header.dtype, on: device)
        }
        return header.isFortranOrder ? try tensor.transposed().packed() : tensor
    }

    /// Writes a NumPy `.npy` file; bfloat16, which NumPy lacks, is written as float32.
    public func save(_ path: String) throws {
        let tensor = dtype == .bfloat16 ? asType(.float32) : self
        let source = try tensor.slice()
        var bytes = NumPyHeader.encoded(shape: shape, dtype: tensor.dtype)
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: count * tensor.dtype.byteCount))
        try bytes.withUnsafeMutableBytes {
            try source.buffer.download(into: UnsafeMutableRawBufferPointer(rebasing: $0[start...]), from: source.byteOffset)
        }
        try FileBytes.write(bytes, to: path)
    }
}

/// What stands before the data of a `.npy` file.
struct NumPyHeader {
    var dtype: DType
    var shape: [Int]
    var isFortranOrder: Bool
    var dataStart: Int

    private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
    private static let codes: [(String, DType)] = [
        ("<f4", .float32), ("<f2", .float16), ("<f8", .float64), ("<i4", .int32), ("<i8", .int64), ("|u1", .uint8), ("|b1", .bool),
    ]

    init(_ bytes: [UInt8], path: String) throws(TensorError) {
        func damaged(_ problem: String) -> TensorError { .file(path: path, problem: "not a valid .npy file: " + problem) }
        guard bytes.count >= 10, Array(bytes[..<6]) == Self.magic else { throw damaged("no NumPy magic at its start") }
        let isLong = bytes[6] >= 2
        guard (1...3).contains(bytes[6]), !isLong || bytes.count >= 12 else { throw damaged("version \(bytes[6])") }
        let length = Int(bytes[8]) | Int(bytes[9]) << 8 | (isLong ? Int(bytes[10]) << 16 | Int(bytes[11]) << 24 : 0)
        let start = isLong ? 12 : 10
        guard bytes.count - start >= length else { throw damaged("its header is truncated") }
        let text = String(decoding: bytes[start..<start + length], as: UTF8.self)
        guard let code = Self.value("'descr'", in: text)?.split(separator: "'").first,
            let dtype = Self.codes.first(where: { $0.0.dropFirst() == code.dropFirst() && code.first != ">" })?.1
        else { throw damaged("an element type that is not one of f2, f4, f8, i4, i8, u1, b1 in little-endian order: \(text)") }
        guard let order = Self.value("'fortran_order'", in: text), let list = Self.value("'shape'", in: text),
            let open = list.firstIndex(of: "("), let close = list.firstIndex(of: ")"), open < close
        else { throw damaged("no order or shape in its header") }
        var shape: [Int] = []
        for part in list[list.index(after: open)..<close].split(separator: ",") {
            let digits = part.filter { $0 != " " }
            if digits.isEmpty { continue }
            guard let extent = Int(digits), extent >= 0 else { throw damaged("its shape is \(list)") }
            shape.append(extent)
        }
        self.dtype = dtype
        self.shape = shape
        isFortranOrder = order.hasPrefix("True")
        dataStart = start + length
    }

    /// The text after a key's colon.
    private static func value(_ key: String, in text: String) -> String? {
        guard let found = text.split(separator: key, maxSplits: 1, omittingEmptySubsequences: false).dropFirst().first else { return nil }
        return String(found.drop { $0 == ":" || $0 == " " })
    }

    static func encoded(shape: [Int], dtype: DType) -> [UInt8] {
        let code = codes.first { $0.1 == dtype }?.0 ?? "<f4"
        let extents = shape.map { "\($0)" }.joined(separator: ", ") + (shape.count == 1 ? "," : "")
        var text = "{'descr': '\(code)', 'fortran_order': False, 'shape': (\(extents)), }"
        // The data begins at a multiple of 64.
        text += String(repeating: " ", count: (64 - (10 + text.utf8.count + 1) % 64) % 64) + "\n"
        return magic + [1, 0, UInt8(text.utf8.count & 0xFF), UInt8(text.utf8.count >> 8)] + Array(text.utf8)
    }
}
