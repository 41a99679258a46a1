import Foundation
import LossKit
import LossKitTestSupport
import Testing

@testable import LossKitDevice
@testable import LossKitOps

/// Whatever bytes come as an archive of arrays, there are arrays or an error.
@Suite struct ArchiveFuzzTests {
    @Test(arguments: [
        ("npz", ["PK\u{1}\u{2}", "PK\u{3}\u{4}", "PK\u{5}\u{6}", "'shape'", "\u{8}"]),
        ("safetensors", ["\"dtype\"", "\"data_offsets\"", "\"shape\"", "[", "]", "{", "}", "F64", "BF16", "__metadata__", "1e9"]),
    ])
    func archives(ending: String, tokens: [String]) throws {
        let path = "/tmp/losskit-fuzz-\(UInt64.random(in: 0 ... .max)).\(ending)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let arrays = try [
            "a": Tensor([1, 2, 3] as [Float], on: .cpu), "b": Tensor.zeros([0, 3], dtype: .bool, on: .cpu),
            "c": Tensor.ones([1, 2], dtype: .bfloat16, on: .cpu),
        ]
        let corpus = try [arrays, arrays.filter { $0.key == "a" }, [:]].map { arrays in
            try saveArrays(arrays, to: path)
            return try FileBytes.read(path)
        }
        var fuzz = Fuzz(".\(ending) files", corpus: corpus, tokens: tokens)
        try fuzz.run(3000) { input, _ in
            try FileBytes.write(input, to: path)
            guard let arrays = try? loadArrays(path, on: .cpu) else { return false }
            // What is accepted is whole.
            return try arrays.values.allSatisfy { try $0.array(of: Double.self).count == $0.count }
        }
    }
}
