import Foundation
import LossKit
import LossKitTestSupport
import Testing

/// How many threads work is chosen once a process, so each number of them runs in its own.
@Suite struct LinearCrossEntropyThreadTests {
    private static func printBits() throws {
        var random = SplitMix64(seed: 5)
        let (n, d, classes) = (1100, 70, 1280)
        let hidden = try Tensor(random.values(n * d).map { Float($0) }, shape: [n, d], on: .cpu)
        let weight = try Tensor(random.values(classes * d).map { Float($0) }, shape: [classes, d], on: .cpu)
        let targets = try Tensor((0..<n).map { $0 * 7 % classes }, on: .cpu)
        for reduction in [Reduction.sum, .mean] {
            let (value, slopes) = try valueWithGradient(at: [hidden, weight]) {
                try linearCrossEntropy(hidden: $0[0], weight: $0[1], targets: targets, reduction: reduction).sum()
            }
            var hash: UInt64 = 0xCBF2_9CE4_8422_2325
            for tensor in [value] + slopes {
                for number in try tensor.array(of: Float.self) { hash = (hash ^ UInt64(number.bitPattern)) &* 0x100_0000_01B3 }
            }
            print("bits", reduction, hash)
        }
    }

    private static func lines(_ output: [UInt8]) -> [Substring] {
        String(decoding: output, as: UTF8.self).split(separator: "\n").filter { $0.hasPrefix("bits") }
    }

    @Test func threadsDoNotChangeABit() async throws {
        let one = try await #require(processExitsWith: .success, observing: [\.standardOutputContent]) {
            setenv("LOSSKIT_THREADS", "1", 1)
            try Self.printBits()
        }
        let many = try await #require(processExitsWith: .success, observing: [\.standardOutputContent]) {
            setenv("LOSSKIT_THREADS", "5", 1)
            try Self.printBits()
        }
        let expected = Self.lines(one.standardOutputContent)
        #expect(expected.count == 2 && expected == Self.lines(many.standardOutputContent))
    }
}
