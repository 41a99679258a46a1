import LossKitKernels

/// Random bits by counting: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, Parallel Random Numbers: As Easy as 1, 2, 3, 2011).
///
/// A value with a seed and a position, so that the same draws give the same numbers on every device and in every run.
/// Copies continue independently from the same position; ``split()`` gives a generator of its own sequence.
public struct Philox: RandomNumberGenerator, Sendable, Hashable {
    private let key: UInt64
    private var counter: UInt64 = 0
    private var stream: UInt64 = 0

    /// The generator of a seed, at the start of its sequence.
    public init(seed: UInt64) { key = seed }

    /// Four words for a position.
    static func block(key: UInt64, counter: UInt64, stream: UInt64) -> (UInt32, UInt32, UInt32, UInt32) {
        var (a, b) = (UInt32(truncatingIfNeeded: counter), UInt32(truncatingIfNeeded: counter >> 32))
        var (c, d) = (UInt32(truncatingIfNeeded: stream), UInt32(truncatingIfNeeded: stream >> 32))
        var (k0, k1) = (UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32))
        for _ in 0..<10 {
            let first = UInt64(a) * 0xD251_1F53
            let second = UInt64(c) * 0xCD9E_8D57
            (a, b, c, d) = (
                UInt32(truncatingIfNeeded: second >> 32) ^ b ^ k0, UInt32(truncatingIfNeeded: second),
                UInt32(truncatingIfNeeded: first >> 32) ^ d ^ k1, UInt32(truncatingIfNeeded: first)
            )
            k0 &+= 0x9E37_79B9
            k1 &+= 0xBB67_AE85
        }
        return (a, b, c, d)
    }

    /// 64 random bits.
    public mutating func next() -> UInt64 {
        let words = Self.block(key: key, counter: counter, stream: stream)
        counter &+= 1
        return UInt64(words.0) | UInt64(words.1) << 32
    }

    /// A generator with a sequence of its own; this one moves on.
    public mutating func split() -> Philox {
        var child = Philox(seed: next())
        child.stream = next() | 1
        return child
    }

    /// Where the generator stands; it moves past `count` words.
    mutating func advanced(by count: Int) -> RandomNumbers.Position {
        defer { counter &+= UInt64(RandomNumbers.blocks(for: count)) }
        return RandomNumbers.Position(key: key, counter: counter, stream: stream)
    }
}
