import LossKitDevice
import LossKitKernels

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

// Random numbers are drawn on the host and copied to the device, so that one seed gives the same bits on every device.

extension Tensor {
    /// Float32 numbers evenly spread over [low, high).
    public static func uniform(
        _ shape: [Int], low: Double = 0, high: Double = 1, using generator: inout Philox, on device: Device = .default
    ) throws -> Tensor {
        try drawn(shape, wordsEach: 1, using: &generator, on: device) { words, index in
            Float(low + (high - low) * RandomNumbers.unit(words[index]))
        }
    }

    /// Float32 numbers of a normal distribution, by the Box-Muller transform in doubles.
    public static func normal(
        _ shape: [Int], mean: Double = 0, standardDeviation: Double = 1, using generator: inout Philox, on device: Device = .default
    ) throws -> Tensor {
        try drawn(shape, wordsEach: 2, using: &generator, on: device) { words, index in
            Float(mean + standardDeviation * RandomNumbers.normal(words[2 * index], words[2 * index + 1]))
        }
    }

    /// True with a probability.
    public static func bernoulli(
        _ shape: [Int], probability: Double = 0.5, using generator: inout Philox, on device: Device = .default
    ) throws -> Tensor {
        try uniform(shape, using: &generator, on: device) .< probability
    }

    /// Float32 numbers of the standard Gumbel distribution.
    public static func gumbel(_ shape: [Int], using generator: inout Philox, on device: Device = .default) throws -> Tensor {
        try drawn(shape, wordsEach: 1, using: &generator, on: device) { words, index in
            Float(RandomNumbers.gumbel(words[index]))
        }
    }

    /// 0..<count in random order, int64.
    public static func permutation(_ count: Int, using generator: inout Philox, on device: Device = .default) throws -> Tensor {
        guard count >= 0 else { throw TensorError.invalidArgument(operation: "permutation", expected: "count >= 0", actual: "\(count)") }
        return try Tensor(Array(0..<count).shuffled(using: &generator), on: device)
    }

    /// A class for each row of unnormalised log-probabilities [..., classes], int64.
    public static func categorical(logits: Tensor, using generator: inout Philox) throws -> Tensor {
        let noise = try gumbel(logits.checked().shape, using: &generator, on: logits.device)
        return try (stopGradient(logits) + noise).argMax(axis: -1)
    }

    private static func drawn(
        _ shape: [Int], wordsEach: Int, using generator: inout Philox, on device: Device, _ value: ([UInt32], Int) -> Float
    ) throws -> Tensor {
        let count = try Shape.checkedCount(shape, operation: "random")
        let words = generator.words(count * wordsEach)
        return try Tensor((0..<count).map { value(words, $0) }, shape: shape, on: device)
    }
}

/// Numbers of a distribution from random words.
private enum RandomNumbers {
    /// 24 bits of [0, 1), exact in float32.
    static func unit(_ word: UInt32) -> Double { Double(word >> 8) * 0x1p-24 }

    /// 32 bits of (0, 1).
    static func openUnit(_ word: UInt32) -> Double { (Double(word) + 0.5) * 0x1p-32 }

    static func normal(_ a: UInt32, _ b: UInt32) -> Double { sqrt(-2 * log(openUnit(a))) * cos(2 * .pi * unit(b)) }

    static func gumbel(_ word: UInt32) -> Double { -log(-log(openUnit(word))) }
}
