import Foundation
import LossKitDevice
import LossKitKernels
import LossKitTestSupport
import Testing

@testable import LossKitOps

@Suite struct RandomTests {
    @Test func wordsAreTheAuthors() {
        // Known answers of Salmon and others' Random123.
        let zero = Philox.block(key: 0, counter: 0, stream: 0)
        #expect([zero.0, zero.1, zero.2, zero.3] == [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8])
        let ones = Philox.block(key: .max, counter: .max, stream: .max)
        #expect([ones.0, ones.1, ones.2, ones.3] == [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD])
    }

    private func words(_ count: Int, on device: Device, from generator: Philox) throws -> [UInt32] {
        var generator = generator
        let output = try Tensor.empty([count], dtype: .int32, on: device)
        try RandomNumbers.draw(.words, at: generator.advanced(by: count), count: count, into: output.output(), on: device)
        return try output.array(of: Int32.self).map { UInt32(bitPattern: $0) }
    }

    /// A generator with every part of its position in use.
    private func generator() -> Philox {
        var parent = Philox(seed: 0xFEDC_BA98_7654_3210)
        return parent.split()
    }

    @Test(arguments: Device.all)
    func devicesDrawTheGeneratorsWords(device: Device) throws {
        for count in [1, 3, 4, 5, 1000, 4097] {
            let drawn = try words(count, on: device, from: generator())
            var expected: [UInt32] = []
            var counting = generator()
            for _ in 0..<(count + 3) / 4 {
                let position = counting.advanced(by: 4)
                let block = Philox.block(key: position.key, counter: position.counter, stream: position.stream)
                expected += [block.0, block.1, block.2, block.3]
            }
            #expect(drawn == Array(expected.prefix(count)))
        }
    }

    /// Each distribution against its formula in double precision, from the same words.
    @Test(arguments: Device.all)
    func numbersFollowTheirFormulas(device: Device) throws {
        let count = 40_000
        let words = try words(count, on: device, from: generator())
        func exponential(_ word: UInt32) -> Double { -log1p(-(Double(word) + 0.5) * 0x1p-32) }
        func draw(_ body: (inout Philox) throws -> Tensor) throws -> [Double] {
            var generator = generator()
            return try body(&generator).array()
        }
        let uniform = try draw { try .uniform([count], using: &$0, on: device) }
        #expect(uniform == words.map { Double($0 >> 8) * 0x1p-24 })
        let spread = try draw { try .uniform([count], low: -3, high: 5, using: &$0, on: device) }
        expectClose(spread, words.map { -3 + 8 * Double($0 >> 8) * 0x1p-24 }, tolerance: 1e-7, "uniform")
        let gumbel = try draw { try .gumbel([count], using: &$0, on: device) }
        expectClose(gumbel, words.map { -log(exponential($0)) }, tolerance: 3e-7, "gumbel")
        let normal = try draw { try .normal([count / 4, 4], mean: 2, standardDeviation: 3, using: &$0, on: device) }
        let expected = (0..<count).map { index -> Double in
            let angle = 2 * Double.pi * Double(words[index | 1] >> 8) * 0x1p-24
            return 2 + 3 * sqrt(2 * exponential(words[index & ~1])) * (index % 2 == 0 ? cos(angle) : sin(angle))
        }
        expectClose(normal, expected, tolerance: 2e-6, "normal")
        // Moments, within five standard errors.
        let (mean, error) = (normal.reduce(0, +) / Double(count), 5 / Double(count).squareRoot())
        #expect(abs(mean - 2) < 3 * error)
        #expect(abs(normal.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count) / 9 - 1) < 1.5 * error)
        #expect(abs(gumbel.reduce(0, +) / Double(count) - 0.5772156649) < 1.3 * error)
    }

    @Test func everyDeviceGivesTheSameBits() throws {
        func bits(_ device: Device) throws -> [[UInt32]] {
            var generator = generator()
            let logits = try Tensor([0.5, -1, 2, -.infinity] as [Float], on: device).broadcast(to: [500, 4])
            let floats = try [
                Tensor.normal([100_003], mean: 0.3, standardDeviation: 1.7, using: &generator, on: device),
                Tensor.uniform([10_007], low: -0.1, high: 0.7, using: &generator, on: device),
                Tensor.gumbel([100_003], using: &generator, on: device),
                Tensor.bernoulli([999], probability: 0.3, using: &generator, on: device).asType(.float32),
                Tensor.permutation(777, using: &generator, on: device).asType(.float32),
                Tensor.categorical(logits: logits, using: &generator).asType(.float32),
            ]
            return try floats.map { try $0.array(of: Float.self).map(\.bitPattern) }
        }
        let first = try bits(.cpu)
        for device in Device.all { #expect(try bits(device) == first, "\(device)") }
    }

    @Test(arguments: Device.all)
    func permutationsAndClasses(device: Device) throws {
        var generator = Philox(seed: 5)
        let order = try Tensor.permutation(1000, using: &generator, on: device).array(of: Int.self)
        #expect(order.sorted() == Array(0..<1000) && order != Array(0..<1000))
        #expect(try Tensor.permutation(1000, using: &generator, on: device).array(of: Int.self) != order)
        #expect(try Tensor.permutation(0, using: &generator, on: device).shape == [0])
        let odds: [Double] = [0.1, 0.7, 0.2, 0]
        let logits = try Tensor(odds.map { Float($0) }, on: device).log().broadcast(to: [20_000, 4])
        let picks = try Tensor.categorical(logits: logits, using: &generator).array(of: Int.self)
        for (index, odd) in odds.enumerated() {
            // Five standard errors of a share.
            #expect(
                abs(Double(picks.count { $0 == index }) / 20_000 - odd) <= 5 * (odd * (1 - odd) / 20_000).squareRoot(), "class \(index)")
        }
        let coins = try Tensor.bernoulli([20_000], probability: 0.25, using: &generator, on: device).booleans()
        #expect(abs(Double(coins.count { $0 }) / 20_000 - 0.25) < 0.0154)
        #expect(try !Tensor.bernoulli([100], probability: 0, using: &generator, on: device).booleans().contains(true))
        #expect(try !Tensor.bernoulli([100], probability: 1, using: &generator, on: device).booleans().contains(false))
        let narrow = try Tensor.uniform([20_000], low: 1, high: 1 + 0x1p-22, using: &generator, on: device).array(of: Float.self)
        #expect(narrow.allSatisfy { $0 >= 1 && $0 < 1 + 0x1p-22 })
        #expect(try Tensor.uniform([3], low: 2, high: 2, using: &generator, on: device).array(of: Float.self) == [2, 2, 2])
    }

    @Test func generatorsAreValues() throws {
        var first = Philox(seed: 9)
        var copy = first
        #expect(first == copy && first.next() == copy.next())
        var child = first.split()
        #expect(child != first && child.next() != copy.next())
        var (a, b) = (Philox(seed: 1), Philox(seed: 1))
        _ = try Tensor.uniform([5], using: &a, on: .cpu)
        #expect(a != b)
        _ = try Tensor.normal([5], using: &b, on: .cpu)
        #expect(a == b, "every distribution takes a word a number")
    }

    @Test func senselessParametersAreErrors() throws {
        var generator = Philox(seed: 1)
        let bad: [(inout Philox) throws -> Tensor] = [
            { try .uniform([2], low: 1, high: 0, using: &$0, on: .cpu) }, { try .uniform([2], low: .nan, using: &$0, on: .cpu) },
            { try .uniform([2], low: -3e38, high: 3e38, using: &$0, on: .cpu) }, { try .uniform([-1], using: &$0, on: .cpu) },
            { try .normal([2], standardDeviation: -1, using: &$0, on: .cpu) }, { try .normal([2], mean: .infinity, using: &$0, on: .cpu) },
            { try .bernoulli([2], probability: 1.5, using: &$0, on: .cpu) },
            { try .bernoulli([2], probability: .nan, using: &$0, on: .cpu) },
            { try .permutation(-1, using: &$0, on: .cpu) }, { try .permutation(.max, using: &$0, on: .cpu) },
            { try .gumbel([.max, .max], using: &$0, on: .cpu) },
            { try .categorical(logits: .zeros([3], dtype: .int32, on: .cpu), using: &$0) },
            { try .categorical(logits: .zeros([3, 0], on: .cpu), using: &$0) },
            { try .categorical(logits: .zeros([], on: .cpu), using: &$0) },
        ]
        for (index, body) in bad.enumerated() { #expect(throws: TensorError.self, "\(index)") { _ = try body(&generator) } }
    }
}
