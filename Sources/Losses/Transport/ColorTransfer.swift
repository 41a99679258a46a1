import LossKitOps

/// An image with the colours of another: each colour goes where an entropic plan between samples of both sends it on average.
///
/// `T(c) = sum_j p_j(c) y_j`, `p_j(c)` in proportion to `b_j exp((g_j - |c - y_j|^2 / 2) / epsilon)`, g the plan's potentials: the
/// barycentric map, for colours that were not sampled too.
///
/// - Parameters:
///   - image: [..., channels].
///   - reference: [..., channels], of any other extents.
///   - epsilon: Above 0, in the units of half a squared difference of colours.
///   - samples: The most pixels of each that are matched, evenly spread.
///   - tolerance: Of the plan's marginals, L1.
/// - Returns: The image's shape; differentiable with respect to the image, the plan held.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Ferradans et al., Regularized Discrete Optimal Transport, 2014.
public func colorTransfer(
    image: Tensor, reference: Tensor, epsilon: Double = 1e-2, samples: Int = 1000, tolerance: Double = 1e-3
) throws -> Tensor {
    let operation = "colorTransfer"
    guard try image.checked().rank >= 2, try reference.checked().rank >= 2,
        image.shape[image.rank - 1] == reference.shape[reference.rank - 1],
        image.count > 0, reference.count > 0
    else {
        throw TensorError.shapeMismatch(
            operation: operation, expected: "images [..., channels] of the same channels", actual: [image.shape, reference.shape])
    }
    try require(samples > 0, operation, "samples above 0", samples)
    func colors(_ image: Tensor) throws -> Tensor { try image.inArithmetic().asType(.float32).reshaped([-1, image.shape[image.rank - 1]]) }
    func sampled(_ colors: Tensor) throws -> Tensor {
        try stopGradient(colors).slice(axis: 0, step: (colors.shape[0] + samples - 1) / samples).evaluated()
    }
    let pixels = try colors(image)
    let (x, y) = (try sampled(pixels), try sampled(colors(reference)))
    let plan = try entropicTransport(
        .points(x, y, power: 2), epsilon: epsilon, options: .init(tolerance: tolerance, gradient: .none))
    let height = max(1, (1 << 22) / y.shape[0])
    let parts = try stride(from: 0, to: pixels.shape[0], by: height).map { start in
        let part = try pixels.slice(axis: 0, from: start, to: min(start + height, pixels.shape[0]))
        let exponents = try (plan.potentials.y - pairwiseDistance(part, y, metric: .squaredEuclidean) * 0.5) / epsilon
        return try exponents.softmax(axis: 1).matmul(y)
    }
    return try Tensor.concatenate(parts).reshaped(image.shape).asType(image.dtype)
}
