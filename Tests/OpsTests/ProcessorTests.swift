import Foundation
import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

/// Results do not depend on how many threads work, and hardly on their instruction set. Both are chosen once a process, so each runs in its own.
@Suite struct ProcessorTests {
    /// Products, of sizes that are cut into blocks and not.
    private static let products = [(67, 67, 67), (1, 300, 2000), (700, 130, 90), (257, 64, 1025)]
    private static let lineCount = 3 * FusionTests.Chain.all.count + 2 * products.count

    /// Elements and folds of every fusion chain, long enough for several pieces of work, and products of matrices.
    private static func printResults() throws {
        var random = SplitMix64(seed: 5)
        let (x, y) = (random.values(700 * 130, in: 0.1...3), random.values(130, in: 0.1...4))
        for dtype in [DType.float32, .float16, .float64] {
            let first = try Tensor(x.map { Float($0) }, shape: [700, 130], on: .cpu).asType(dtype).evaluated()
            let second = try Tensor(y.map { Float($0) }, on: .cpu).asType(dtype).evaluated()
            for chain in FusionTests.Chain.all { try printBits(chain.name.replacing(" ", with: "-"), chain.function(first, second)) }
        }
        for (m, k, n) in products {
            for dtype in [DType.float32, .float64] {
                let (a, b) = (random.values(m * k), random.values(k * n))
                let left = try Tensor(a, shape: [m, k], on: .cpu).asType(dtype)
                let right = try Tensor(b, shape: [k, n], on: .cpu).asType(dtype)
                try printBits("product-\(m)-\(k)-\(n)", left.matmul(right))
            }
        }
    }

    private static func printBits(_ name: String, _ result: Tensor) throws {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in try result.bits() { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        let values = try result.array(of: Double.self).prefix(200).map { "\($0)" }
        print("result", name, result.dtype, hash, values.joined(separator: " "))
    }

    private struct Line: Equatable {
        var name: String
        var dtype: DType
        var hash: String
        var values: [Double]
    }

    private static func lines(_ output: [UInt8]) -> [Line] {
        String(decoding: output, as: UTF8.self).split(separator: "\n").compactMap { line in
            let parts = line.split(separator: " ").map(String.init)
            guard parts.count > 4, parts[0] == "result", let dtype = DType(rawValue: parts[2]) else { return nil }
            return Line(name: parts[1], dtype: dtype, hash: parts[3], values: parts[4...].compactMap(Double.init))
        }
    }

    @Test func threadsDoNotChangeABit() async throws {
        let one = try await #require(processExitsWith: .success, observing: [\.standardOutputContent]) {
            setenv("LOSSKIT_THREADS", "1", 1)
            try Self.printResults()
        }
        let many = try await #require(processExitsWith: .success, observing: [\.standardOutputContent]) {
            setenv("LOSSKIT_THREADS", "5", 1)
            try Self.printResults()
        }
        let (first, second) = (Self.lines(one.standardOutputContent), Self.lines(many.standardOutputContent))
        #expect(first.count == Self.lineCount)
        #expect(first == second)
    }

    @Test func instructionSetsAgree() async throws {
        let baseline = try await #require(processExitsWith: .success, observing: [\.standardOutputContent]) {
            setenv("LOSSKIT_CPU_ISA", "baseline", 1)
            try Self.printResults()
        }
        let middle = try await #require(processExitsWith: .success, observing: [\.standardOutputContent]) {
            setenv("LOSSKIT_CPU_ISA", "avx2", 1)
            try Self.printResults()
        }
        let best = try await #require(processExitsWith: .success, observing: [\.standardOutputContent]) { try Self.printResults() }
        let expected = Self.lines(best.standardOutputContent)
        #expect(expected.count == Self.lineCount)
        for output in [baseline, middle] {
            for (line, reference) in zip(Self.lines(output.standardOutputContent), expected) {
                #expect(line.name == reference.name && line.values.count == reference.values.count)
                guard line.dtype.isFloatingPoint else {
                    #expect(line == reference)
                    continue
                }
                // A few ulps of the values, at the size of the chain's terms.
                let unit = line.dtype.ulp(at: 8)
                for (a, b) in zip(line.values, reference.values) where abs(a - b) > 4 * max(unit, line.dtype.ulp(at: b)) {
                    Issue.record("\(line.name) in \(line.dtype): \(a) and \(b)")
                }
            }
        }
    }
}
