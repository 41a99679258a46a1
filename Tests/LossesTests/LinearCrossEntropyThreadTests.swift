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
            PrintedBits.print(reduction, try ([value] + slopes).flatMap { try $0.array(of: Float.self).map(\.bitPattern) })
        }
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
        let expected = PrintedBits.lines(one.standardOutputContent)
        #expect(expected.count == 2 && expected == PrintedBits.lines(many.standardOutputContent))
    }
}
