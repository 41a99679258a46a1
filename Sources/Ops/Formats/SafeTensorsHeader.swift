import LossKitKernels

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What stands before the data of a `.safetensors` file: its length as a little-endian u64, then JSON.
struct SafeTensorsHeader {
    /// One array: its element type, shape, and where its data stand behind the header.
    struct Entry: Codable {
        var dtype: String
        var shape: [Int]
        var data_offsets: [Int]
    }

    /// An entry, or what else a member of the header may be.
    private struct Member: Decodable {
        let entry: Entry?
        init(from decoder: any Decoder) { entry = try? Entry(from: decoder) }
    }

    private static let metadata = "__metadata__"
    /// The format's own limit.
    private static let maximumLength = 100_000_000
    private static let kinds = [
        "F16": "<f2", "F32": "<f4", "F64": "<f8", "I8": "|i1", "I16": "<i2", "I32": "<i4", "I64": "<i8", "U8": "|u1", "U16": "<u2",
        "U32": "<u4", "U64": "<u8", "BOOL": "|b1",
    ]

    var entries: [String: Entry]
    var dataStart: Int

    init(_ bytes: LittleEndianBytes, path: String) throws(TensorError) {
        func damaged(_ problem: String) -> TensorError { .file(path: path, problem: "not a valid .safetensors file: " + problem) }
        guard let length = bytes.u64(0), length <= Self.maximumLength, let text = bytes.slice(8, Int(length)) else {
            throw damaged("its header is truncated")
        }
        guard let members = try? JSONDecoder().decode([String: Member].self, from: Data(text)) else {
            throw damaged("its header is not JSON")
        }
        entries = [:]
        for (name, member) in members where name != Self.metadata {
            guard let entry = member.entry, entry.data_offsets.count == 2 else {
                throw damaged("\(name) has no dtype, shape and data_offsets")
            }
            entries[name] = entry
        }
        dataStart = 8 + Int(length)
    }

    private static let bfloat16 = "BF16"

    static func element(_ dtype: String) -> NumPyElement? {
        dtype == bfloat16 ? .bfloat16 : kinds[dtype].flatMap { NumPyElement(Substring($0)) }
    }

    static var names: String { (kinds.keys + [bfloat16]).sorted().joined(separator: ", ") }

    static func name(_ dtype: DType) -> String {
        dtype == .bfloat16 ? bfloat16 : kinds.first { $0.value == NumPyElement.code(dtype) }?.key ?? "F32"
    }

    /// The length and the header, padded so that data begin at a multiple of 8.
    static func encoded(_ entries: [String: Entry]) -> [UInt8]? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard var text = (try? encoder.encode(entries)).map({ Array($0) }) else { return nil }
        text += [UInt8](repeating: 0x20, count: (8 - text.count % 8) % 8)
        return (0..<8).map { UInt8(truncatingIfNeeded: text.count >> ($0 * 8)) } + text
    }
}
