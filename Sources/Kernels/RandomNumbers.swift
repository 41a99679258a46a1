import CLossKitHost
import LossKitDevice

/// Numbers drawn on the device by counting, the same bits on every one.
package enum RandomNumbers {
    /// What is drawn; all but the words are float32.
    package enum Distribution: Sendable {
        /// 32 random bits.
        case words
        /// Evenly spread from `low` on, `width` wide, at most `limit`.
        case uniform(low: Float, width: Float, limit: Float)
        case normal(mean: Float, standardDeviation: Float)
        case gumbel

        fileprivate var code: Int {
            switch self {
            case .words: losskit_words
            case .uniform: losskit_uniform
            case .normal: losskit_normal
            case .gumbel: losskit_gumbel
            }
        }

        fileprivate var parameters: (offset: Float, scale: Float, limit: Float) {
            switch self {
            case .uniform(let low, let width, let limit): (low, width, limit)
            case .normal(let mean, let deviation): (mean, deviation, 0)
            case .words, .gumbel: (0, 1, 0)
            }
        }
    }

    /// Where in its sequence a generator stands.
    package struct Position: Sendable {
        package var key: UInt64
        package var counter: UInt64
        package var stream: UInt64

        package init(key: UInt64, counter: UInt64, stream: UInt64) {
            (self.key, self.counter, self.stream) = (key, counter, stream)
        }
    }

    /// How many blocks of the sequence so many numbers take.
    package static func blocks(for count: Int) -> Int { (count + 3) / 4 }

    /// Writes `count` numbers of four bytes.
    package static func draw(
        _ distribution: Distribution, at position: Position, count: Int, into target: BufferSlice, on device: Device
    ) throws {
        guard count > 0 else { return }
        let (offset, scale, limit) = distribution.parameters
        let code = Int32(distribution.code)
        try device.run(
            "draw", shape: [count], reads: [], writes: [target], bytes: 4 * count,
            host: { pointers in
                let target = Shared(pointers.write(0, as: UInt32.self))
                ThreadPool.forEachChunk(of: blocks(for: count), minimumPerChunk: 1 << 10) { chunk in
                    losskit_draw(
                        code, position.key, position.counter, position.stream, offset, scale, limit, Int64(chunk.lowerBound),
                        Int64(chunk.upperBound), Int64(count), target.value)
                }
            },
            openCL: { encoder in
                try encoder.launch(
                    "draw", in: "random",
                    arguments: [
                        .buffer(target), .int32(code), .int64(Int64(bitPattern: position.key)), .int64(Int64(bitPattern: position.counter)),
                        .int64(Int64(bitPattern: position.stream)), .float(offset), .float(scale), .float(limit), .count(count),
                    ], global: [blocks(for: count)], local: [64])
            })
    }
}
