import LossKitDevice
import LossKitKernels

// Random numbers are drawn where they are needed, by correctly rounded operations alone, so that one seed gives the same bits everywhere.

extension Tensor {
    /// Float32 numbers evenly spread over [low, high), on a grid of 2^24 steps.
    ///
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` unless low <= high and both are finite.
    public static func uniform(
        _ shape: [Int], low: Double = 0, high: Double = 1, using generator: inout Philox, on device: Device = .default
    ) throws -> Tensor {
        let (first, end) = (Float(low), Float(high))
        guard first <= end, (end - first).isFinite else {
            throw TensorError.invalidArgument(operation: "uniform", expected: "finite low <= high", actual: "\(low) and \(high)")
        }
        let limit = Swift.max(first, end.nextDown)
        return try drawn(.uniform(low: first, width: end - first, limit: limit), shape, using: &generator, on: device)
    }

    /// Float32 numbers of a normal distribution, by the Box-Muller transform in float32; at most 6.8 standard deviations from the mean.
    ///
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` unless the mean is finite and the deviation finite and >= 0.
    public static func normal(
        _ shape: [Int], mean: Double = 0, standardDeviation: Double = 1, using generator: inout Philox, on device: Device = .default
    ) throws -> Tensor {
        guard Float(mean).isFinite, Float(standardDeviation).isFinite, standardDeviation >= 0 else {
            throw TensorError.invalidArgument(
                operation: "normal", expected: "a finite mean and a finite standard deviation >= 0",
                actual: "\(mean) and \(standardDeviation)")
        }
        return try drawn(.normal(mean: Float(mean), standardDeviation: Float(standardDeviation)), shape, using: &generator, on: device)
    }

    /// True with a probability, on a grid of 2^24 steps; bool.
    ///
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for a probability outside 0...1.
    public static func bernoulli(
        _ shape: [Int], probability: Double = 0.5, using generator: inout Philox, on device: Device = .default
    ) throws -> Tensor {
        guard (0...1).contains(probability) else {
            throw TensorError.invalidArgument(operation: "bernoulli", expected: "a probability in 0...1", actual: "\(probability)")
        }
        return try uniform(shape, using: &generator, on: device) .< probability
    }

    /// Float32 numbers of the standard Gumbel distribution, -log(-log(u)), between -3.2 and 22.9.
    public static func gumbel(_ shape: [Int], using generator: inout Philox, on device: Device = .default) throws -> Tensor {
        try drawn(.gumbel, shape, using: &generator, on: device)
    }

    /// 0..<count in random order, int64: the order of as many random 64-bit numbers.
    ///
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for a negative count or one of 2^31 and more.
    public static func permutation(_ count: Int, using generator: inout Philox, on device: Device = .default) throws -> Tensor {
        guard count >= 0, count <= Int(Int32.max) else {
            throw TensorError.invalidArgument(operation: "permutation", expected: "a count in 0..<2^31", actual: "\(count)")
        }
        let keys = try Tensor.empty([count], dtype: .int64, on: device)
        try RandomNumbers.draw(.words, at: generator.advanced(by: 2 * count), count: 2 * count, into: keys.output().asWords, on: device)
        return try keys.argSort()
    }

    /// A class for each row of unnormalised log-probabilities [..., classes], int64, by adding Gumbel noise and taking the largest.
    ///
    /// A class at minus infinity is never drawn while another is not; a row with NaN gives the position of the first.
    /// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for no classes,
    ///   ``TensorError/dtypeMismatch(operation:expected:actual:)`` unless the logits are floating point.
    public static func categorical(logits: Tensor, using generator: inout Philox) throws -> Tensor {
        guard try logits.checked().dtype.isFloatingPoint else {
            throw TensorError.dtypeMismatch(operation: "categorical", expected: "floating-point logits", actual: [logits.dtype])
        }
        let noise = try gumbel(logits.shape, using: &generator, on: logits.device)
        return try (stopGradient(logits) + noise).argMax(axis: -1)
    }

    private static func drawn(
        _ distribution: RandomNumbers.Distribution, _ shape: [Int], using generator: inout Philox, on device: Device
    ) throws -> Tensor {
        let output = try Tensor.empty(shape, dtype: .float32, on: device)
        try RandomNumbers.draw(
            distribution, at: generator.advanced(by: output.count), count: output.count, into: output.output(), on: device)
        return output
    }
}

extension BufferSlice {
    /// The same bytes as elements of four.
    fileprivate var asWords: BufferSlice { BufferSlice(buffer, byteOffset: byteOffset, byteCount: byteCount, elementSize: 4) }
}
