import LossKitKernels

/// What stands before the data of a `.npy` file.
struct NumPyHeader {
    var element: NumPyElement
    var shape: [Int]
    var isFortranOrder: Bool
    var dataStart: Int

    private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

    init(_ bytes: [UInt8], path: String) throws(TensorError) {
        func damaged(_ problem: String) -> TensorError { .file(path: path, problem: "not a valid .npy file: " + problem) }
        guard bytes.count >= 10, Array(bytes[..<6]) == Self.magic else { throw damaged("no NumPy magic at its start") }
        let isLong = bytes[6] >= 2
        guard (1...3).contains(bytes[6]), !isLong || bytes.count >= 12 else { throw damaged("version \(bytes[6])") }
        let length = Int(bytes[8]) | Int(bytes[9]) << 8 | (isLong ? Int(bytes[10]) << 16 | Int(bytes[11]) << 24 : 0)
        let start = isLong ? 12 : 10
        guard bytes.count - start >= length else { throw damaged("its header is truncated") }
        let text = String(decoding: bytes[start..<start + length], as: UTF8.self)
        let description = Self.value("'descr'", in: text) ?? ""
        guard description.hasPrefix("'"), let code = description.split(separator: "'").first, let element = NumPyElement(code) else {
            let given = description.hasPrefix("'") ? description.dropFirst().prefix { $0 != "'" } : description.prefix(16)
            throw damaged("an element type that is not one of \(NumPyElement.names): \(given)")
        }
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
        self.element = element
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
        let extents = shape.map { "\($0)" }.joined(separator: ", ") + (shape.count == 1 ? "," : "")
        var text = "{'descr': '\(NumPyElement.code(dtype))', 'fortran_order': False, 'shape': (\(extents)), }"
        // The data begins at a multiple of 64.
        text += String(repeating: " ", count: (64 - (10 + text.utf8.count + 1) % 64) % 64) + "\n"
        return magic + [1, 0, UInt8(text.utf8.count & 0xFF), UInt8(text.utf8.count >> 8)] + Array(text.utf8)
    }
}

/// An element type of a `.npy` file, and the type its values are kept in: the same, or the narrowest here that holds them all.
struct NumPyElement {
    let kind: Substring
    let isBigEndian: Bool
    let dtype: DType
    let byteCount: Int

    private static let types: [(kind: Substring, dtype: DType, byteCount: Int)] = [
        ("f2", .float16, 2), ("f4", .float32, 4), ("f8", .float64, 8), ("i1", .int32, 1), ("i2", .int32, 2), ("i4", .int32, 4),
        ("i8", .int64, 8), ("u1", .uint8, 1), ("u2", .int32, 2), ("u4", .int64, 4), ("u8", .int64, 8), ("b1", .bool, 1),
    ]

    static var names: String { types.map { String($0.kind) }.joined(separator: ", ") }

    static func code(_ dtype: DType) -> String {
        let kind = types.first { $0.dtype == dtype && $0.byteCount == dtype.byteCount }?.kind ?? "f4"
        return (dtype.byteCount == 1 ? "|" : "<") + kind
    }

    /// What no `.npy` file holds, but others do.
    static let bfloat16 = NumPyElement(kind: "bfloat16", isBigEndian: false, dtype: .bfloat16, byteCount: 2)

    /// The data in this machine's order and the width of ``dtype``; nil where a u8 exceeds int64.
    func decoded(_ data: ArraySlice<UInt8>) -> [UInt8]? {
        var bytes = Array(data)
        if isBigEndian {
            for start in Swift.stride(from: 0, to: bytes.count, by: byteCount) { bytes[start..<start + byteCount].reverse() }
        }
        switch kind {
        case "i1": return widened(bytes, Int8.self) { Int32($0) }
        case "i2": return widened(bytes, Int16.self) { Int32($0) }
        case "u2": return widened(bytes, UInt16.self) { Int32($0) }
        case "u4": return widened(bytes, UInt32.self) { Int64($0) }
        case "u8": return widened(bytes, UInt64.self) { Int64(exactly: $0) }
        case "b1": return bytes.map { $0 == 0 ? 0 : 1 }
        default: return bytes
        }
    }

    private func widened<From: BitwiseCopyable, To: BitwiseCopyable>(_ bytes: [UInt8], _ type: From.Type, _ convert: (From) -> To?)
        -> [UInt8]?
    {
        var values: [To] = []
        values.reserveCapacity(bytes.count / byteCount)
        let isWhole = bytes.withUnsafeBytes { source in
            Swift.stride(from: 0, to: source.count, by: byteCount).allSatisfy { start in
                guard let value = convert(source.loadUnaligned(fromByteOffset: start, as: From.self)) else { return false }
                values.append(value)
                return true
            }
        }
        return isWhole ? values.withUnsafeBytes { Array($0) } : nil
    }
}

extension NumPyElement {
    init?(_ code: Substring) {
        guard let order = code.first, "<>|=".contains(order), let type = Self.types.first(where: { $0.kind == code.dropFirst() }) else {
            return nil
        }
        self.init(kind: type.kind, isBigEndian: order == ">", dtype: type.dtype, byteCount: type.byteCount)
    }
}
