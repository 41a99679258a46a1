import Foundation
import LossKit
import LossKitTestSupport
import Testing

@testable import LossKitDevice
@testable import LossKitOps

/// Whatever bytes come, parsers give a value or an error.
@Suite struct ParserFuzzTests {
    private let path = "/tmp/losskit-fuzz-\(UInt64.random(in: 0 ... .max))"

    @Test func arrayFiles() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let tensors = try [
            Tensor([1, 2, 3] as [Float], on: .cpu), Tensor([1, 2, 3, 4] as [Int], shape: [2, 2], on: .cpu), Tensor(2.5, on: .cpu),
            Tensor.zeros([0, 3], dtype: .bool, on: .cpu), Tensor.ones([1, 2, 3], dtype: .float16, on: .cpu),
        ]
        var corpus = try tensors.map { tensor in
            try tensor.save(path)
            return try FileBytes.read(path)
        }
        corpus += corpus.map { file in
            String(decoding: file.map { UInt16($0) }, as: UTF16.self).replacing("False", with: "True ").unicodeScalars.map {
                UInt8($0.value)
            }
        }
        let tokens = ["'descr'", "'shape'", "'fortran_order'", "'<f8'", "'>i2'", "'|u1'", "(", ")", ",", "True", "{", "}", ":"]
        var fuzz = Fuzz(".npy files", corpus: corpus, tokens: tokens)
        try fuzz.run(4000) { input, _ in
            try FileBytes.write(input, to: path)
            guard let tensor = try? Tensor.load(path, on: .cpu) else { return false }
            // What is accepted is whole.
            return try tensor.array(of: Double.self).count == tensor.count
        }
    }

    @Test func programCacheFiles() throws {
        let cache = ProgramCache(directory: path)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let binary = (0..<200).map { UInt8(truncatingIfNeeded: $0 * 31) }
        #expect(cache.store(binary, "key"))
        let file = try #require(Files.read(cache.path("key")))
        var fuzz = Fuzz("program-cache files", corpus: [file, Array(file.prefix(48)), Array("LKPROG01".utf8)], tokens: ["LKPROG01"])
        fuzz.run(4000) { input, _ in
            _ = Files.replace(cache.path("key"), with: input)
            guard let found = cache.load("key") else { return false }
            #expect(found == binary, "a damaged file was believed")
            return true
        }
    }

    @Test func tuningFiles() {
        let traits = OpenCLTraits(
            isCPU: false, computeUnits: 4, clockMegahertz: 1000, maxWorkGroupSize: 128, localMemory: 1 << 15, globalMemory: 1 << 30,
            maxAllocation: 1 << 28, maxParameterBytes: 1024, hasFP64: true, hasFP16: false, hasInt64Atomics: false, version: "OpenCL 1.2")
        let identity = String(repeating: "0123456789abcdef", count: 4)
        var tuning = Tuning()
        for tunable in Tunable.allCases { tuning[tunable] = tunable.allowed(on: traits).last }
        let whole = Array(tuning.text(identity: identity, comment: "a device").utf8)
        let corpus = [whole, Array(tuning.text(identity: "other", comment: "").utf8), Array(whole.prefix(90))]
        let tokens = Tunable.allCases.map { "\n\($0.rawValue) " } + ["#", "\n", "64", "device", "losskit tuning 1", "+16", "016"]
        var fuzz = Fuzz("tuning files", corpus: corpus, tokens: tokens)
        fuzz.run(20000) { input, _ in
            guard let found = try? Tuning(parsing: input, identity: identity, traits: traits) else { return false }
            for tunable in Tunable.allCases {
                #expect(found[tunable].map { tunable.allowed(on: traits).contains($0) } ?? true, "a value that the device does not allow")
            }
            return true
        }
    }

    @Test func deviceNames() {
        let names = ["cpu", "opencl", "opencl:0:0", "opencl:pocl", "opencl:", "opencl:0", "gpu", "opencl:0:0:0", ":"]
        var fuzz = Fuzz("device names", corpus: names.map { Array($0.utf8) }, tokens: [":", "opencl", "cpu", "-0", "+0", "00"])
        fuzz.run(20000) { input, _ in (try? Device.named(String(decoding: input, as: UTF8.self))) != nil }
    }

    @Test func einsumEquations() throws {
        let equations = ["ij,jk->ik", "ij->ji", "ii->i", "...ij,...jk->...ik", "i,i->", "ij,kj", "...->...", "a,b,c->abc"]
        let tokens = ["->", "...", ",", "i", "j", "A", "0", ".", "-", ">", "ß"]
        var fuzz = Fuzz("einsum equations", corpus: equations.map { Array($0.utf8) }, tokens: tokens)
        try fuzz.run(6000) { input, random in
            func operand() throws -> Tensor {
                let rank = [0, 1, 2, 2, 3, 12].randomElement(using: &random) ?? 2
                return try Tensor.ones((0..<rank).map { _ in rank > 3 ? 1 : [1, 2, 2].randomElement(using: &random) ?? 2 }, on: .cpu)
            }
            let equation = String(decoding: input, as: UTF8.self)
            switch Int.random(in: 1...3, using: &random) {
            case 1: return try (try? einsum(equation, operand()))?.evaluated() != nil
            case 2: return try (try? einsum(equation, operand(), operand()))?.evaluated() != nil
            default: return try (try? einsum(equation, operand(), operand(), operand()))?.evaluated() != nil
            }
        }
    }
}
