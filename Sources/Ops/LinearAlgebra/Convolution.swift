import LossKitKernels

/// Two-dimensional cross-correlation, as PyTorch's `conv2d`: input [n, c, h, w], weight [o, c / groups, kh, kw], bias [o].
///
/// The result is [n, o, y, x] with y = (h + 2 padding - dilation (kh - 1) - 1) / stride + 1, and x likewise.
///
/// Gradient: for the weight the products of cotangent and windows, for the input those of cotangent and weight, added where windows
/// overlap.
/// Twice differentiable.
/// Memory: the windows are a view; each group is one matrix product over its packed windows, some images at a time. A differentiation keeps
/// them, kh kw times the input: packing them again costs a fifth more time and upwards, which ``checkpoint(_:_:)`` spends where memory is
/// short.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
public func conv2d(
    _ input: Tensor, weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1
) throws -> Tensor {
    guard try input.checked().rank == 4, try weight.checked().rank == 4, groups > 0, input.shape[1] % groups == 0,
        input.shape[1] / groups == weight.shape[1], weight.shape[0] % groups == 0, bias == nil || bias?.shape == [weight.shape[0]]
    else {
        throw TensorError.shapeMismatch(
            operation: "conv2d", expected: "input [n, c, h, w], weight [o, c / \(groups), kh, kw] and bias [o]",
            actual: [input.shape, weight.shape] + (bias.map { [$0.shape] } ?? []))
    }
    guard padding >= 0 else { throw TensorError.invalidArgument(operation: "conv2d", expected: "padding >= 0", actual: "\(padding)") }
    guard input.device == weight.device, bias == nil || bias?.device == input.device else {
        throw TensorError.deviceMismatch(
            operation: "conv2d", devices: ([input, weight] + (bias.map { [$0] } ?? [])).map { "\($0.device)" })
    }
    guard input.dtype.isFloatingPoint, weight.dtype.isFloatingPoint else {
        throw TensorError.dtypeMismatch(
            operation: "conv2d", expected: "floating-point input and weight", actual: [input.dtype, weight.dtype])
    }
    var padded = input
    if padding > 0 { for axis in [2, 3] { padded = try padded.padded(axis: axis, before: padding, after: padding) } }
    let (outputs, channels, kh, kw) = (weight.shape[0] / groups, weight.shape[1], weight.shape[2], weight.shape[3])
    // [n, c, y, x, kh, kw]
    let windows = try padded.slidingWindows(axis: 2, size: kh, stride: stride, dilation: dilation)
        .slidingWindows(axis: 3, size: kw, stride: stride, dilation: dilation)
    let (n, height, width) = (windows.shape[0], windows.shape[2], windows.shape[3])
    // Windows are packed for so many images at a time that they take at most 128 MiB.
    let step = Swift.max(1, (128 << 20) / Swift.max(1, channels * kh * kw * height * width * input.dtype.byteCount))
    let chunks = try Swift.stride(from: 0, to: Swift.max(n, 1), by: step).map { start in
        let images = try n <= step ? windows : windows.slice(axis: 0, from: start, to: Swift.min(start + step, n))
        let parts = try (0..<groups).map { group in
            let columns = try images.slice(axis: 1, from: group * channels, to: (group + 1) * channels).transposed([0, 1, 4, 5, 2, 3])
                .reshaped([images.shape[0], channels * kh * kw, height * width])
            let filters = try weight.slice(axis: 0, from: group * outputs, to: (group + 1) * outputs)
                .reshaped([outputs, channels * kh * kw])
            return try filters.matmul(columns).reshaped([images.shape[0], outputs, height, width])
        }
        return try groups == 1 ? parts[0] : Tensor.concatenate(parts, axis: 1)
    }
    let result = try chunks.count == 1 ? chunks[0] : Tensor.concatenate(chunks, axis: 0)
    return try bias.map { try result + $0.reshaped([1, -1, 1, 1]) } ?? result
}
