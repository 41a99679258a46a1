import LossKitOps

/// The local statistics of two images that structural similarity compares: luminance and contrast-structure, by pixels.
private struct LocalSimilarity {
    let luminance: Tensor
    let structure: Tensor

    /// - Parameters:
    ///   - x: [n, c, h, w].
    ///   - kernel: [window], of the sum 1.
    init(_ x: Tensor, _ y: Tensor, kernel: Tensor, range: Double) throws {
        let (images, height, width) = (x.shape[0] * x.shape[1], x.shape[2], x.shape[3])
        let size = kernel.count
        func blurred(_ values: Tensor) throws -> Tensor {
            let planes = try values.reshaped([images, 1, height, width])
            let rows = try conv2d(planes, weight: kernel.reshaped([1, 1, 1, size]))
            let both = try conv2d(rows, weight: kernel.reshaped([1, 1, size, 1]))
            return try both.reshaped([x.shape[0], x.shape[1], height - size + 1, width - size + 1])
        }
        // Moments about a constant near the means, which does not change variances but keeps their digits.
        let shift = try stopGradient(x + y).mean(axes: [2, 3], keepDimensions: true) * 0.5
        let (a, b) = (x - shift, y - shift)
        let (meanA, meanB) = (try blurred(a), try blurred(b))
        let (first, second) = (meanA + shift, meanB + shift)
        let variances = try blurred(a.square() + b.square()) - meanA.square() - meanB.square()
        let covariance = try blurred(a * b) - meanA * meanB
        let (c1, c2) = (0.01 * 0.01 * range * range, 0.03 * 0.03 * range * range)
        luminance = (first * second * 2 + c1) / (first.square() + second.square() + c1)
        structure = (covariance * 2 + c2) / (variances + c2)
    }

    /// Gaussian weights [size] of the sum 1.
    static func kernel(_ size: Int, _ sigma: Double, like images: Tensor) throws -> Tensor {
        let place = try Tensor.arange(to: Double(size), dtype: images.dtype, on: images.device) - Double(size - 1) / 2
        return try (place.square() * (-0.5 / (sigma * sigma))).softmax()
    }
}

private func requireImages(
    _ x: Tensor, _ y: Tensor, _ window: Int, _ sigma: Double, _ range: Double, smallest: Int, _ operation: String
) throws {
    _ = try residual(x, y, operation)
    try requireShape(x, [nil, nil, nil, nil], "images", operation)
    try require(window > 0 && window % 2 == 1, operation, "an odd windowSize above 0", window)
    try require(sigma > 0 && sigma.isFinite, operation, "sigma > 0", sigma)
    try require(range > 0 && range.isFinite, operation, "dataRange > 0", range)
    try require(
        x.shape[1] > 0 && Swift.min(x.shape[2], x.shape[3]) >= smallest, operation, "images of at least \(smallest) pixels each way",
        x.shape)
}

/// Structural dissimilarity: one minus the mean structural similarity (SSIM) of each image, channels and pixels alike.
///
/// With Gaussian-weighted local means m, variances v and covariance c over the window, where it fits:
/// `(2 m_x m_y + C1)(2 c + C2) / ((m_x^2 + m_y^2 + C1)(v_x + v_y + C2))`, `C1 = (0.01 L)^2`, `C2 = (0.03 L)^2`.
///
/// - Parameters:
///   - predictions: [n, c, h, w], floating point, at least the window each way.
///   - targets: The same shape.
///   - windowSize: Odd.
///   - sigma: Of the window's weights, in pixels.
///   - dataRange: L, from the smallest to the largest value images may hold.
///   - reduction: Over images.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Moments are taken about the images' mean, so that bright images lose no digits. As pytorch-msssim and scikit-image with
///   `gaussian_weights`, without its borders. Wang et al., Image Quality Assessment: From Error Visibility to Structural Similarity, 2004.
public func ssim(
    predictions: Tensor, targets: Tensor, windowSize: Int = 11, sigma: Double = 1.5, dataRange: Double = 1, reduction: Reduction = .mean
) throws -> Tensor {
    try requireImages(predictions, targets, windowSize, sigma, dataRange, smallest: windowSize, "ssim")
    let x = predictions.inArithmetic()
    guard x.shape[0] > 0 else { return try reduction(x.sum(axes: [1, 2, 3])).asType(predictions.dtype) }
    let kernel = try LocalSimilarity.kernel(windowSize, sigma, like: x)
    let local = try LocalSimilarity(x, targets.asType(x.dtype), kernel: kernel, range: dataRange)
    return try reduction(1 - (local.luminance * local.structure).mean(axes: [1, 2, 3])).asType(predictions.dtype)
}

/// Multi-scale structural dissimilarity: one minus the product of structure over scales, each half as fine as the one before.
///
/// Of each channel `l_S^(w_S) prod_s cs_s^(w_s)` with the mean luminance-and-structure at the coarsest scale and mean structure at the
/// others, those below 0 as 0; then the mean over channels. Scales are made by the mean of 2 x 2 pixels, odd extents with a zero before.
///
/// - Parameters:
///   - predictions: [n, c, h, w], floating point, at least `(windowSize - 1) 2^(scales - 1) + 1` pixels each way.
///   - targets: The same shape.
///   - weights: Of the scales, from the finest.
///   - windowSize: Odd.
///   - sigma: Of the window's weights, in pixels.
///   - dataRange: From the smallest to the largest value images may hold.
///   - reduction: Over images.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: As pytorch-msssim. Wang, Simoncelli and Bovik, Multiscale Structural Similarity for Image Quality Assessment, 2003.
public func multiScaleSSIM(
    predictions: Tensor, targets: Tensor, weights: [Double] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333], windowSize: Int = 11,
    sigma: Double = 1.5, dataRange: Double = 1, reduction: Reduction = .mean
) throws -> Tensor {
    let operation = "multiScaleSSIM"
    try require((1...16).contains(weights.count) && weights.allSatisfy { $0 > 0 }, operation, "1 to 16 weights above 0", weights)
    try require(windowSize > 0 && windowSize < 1 << 20, operation, "an odd windowSize above 0", windowSize)
    let smallest = predictions.shape.first == 0 ? 1 : ((windowSize - 1) << (weights.count - 1)) + 1
    try requireImages(predictions, targets, windowSize, sigma, dataRange, smallest: smallest, operation)
    var (x, y) = (predictions.inArithmetic(), targets.inArithmetic())
    guard x.shape[0] > 0 else { return try reduction(x.sum(axes: [1, 2, 3])).asType(predictions.dtype) }
    let kernel = try LocalSimilarity.kernel(windowSize, sigma, like: x)
    var product: Tensor?
    for (scale, weight) in weights.enumerated() {
        let local = try LocalSimilarity(x, y, kernel: kernel, range: dataRange)
        let isLast = scale == weights.count - 1
        let mean = try (isLast ? local.luminance * local.structure : local.structure).mean(axes: [2, 3])
        let held = try Tensor.select(mean .> 0, mean, mean.constant(1)).power(weight)
        let term = try Tensor.select(mean .> 0, held, mean.constant(0))
        product = product.map { $0 * term } ?? term
        if !isLast { (x, y) = (try halved(x), try halved(y)) }
    }
    return try reduction(1 - (product ?? x).mean(axes: [1])).asType(predictions.dtype)
}

/// The means of 2 x 2 pixels.
private func halved(_ images: Tensor) throws -> Tensor {
    var even = images
    for axis in [2, 3] where even.shape[axis] % 2 == 1 { even = try even.padded(axis: axis, before: 1) }
    let (h, w) = (even.shape[2] / 2, even.shape[3] / 2)
    return try even.reshaped([images.shape[0], images.shape[1], h, 2, w, 2]).mean(axes: [3, 5])
}

extension LossDescription {
    private static let images: [Input] = [
        .init("predictions", ["n", "c", "h", "w"], .real(0...1)), .init("targets", ["n", "c", "h", "w"], .real(0...1)),
    ]

    static let ssimLoss = LossDescription(
        "ssim", .regression, "One minus the structural similarity of images",
        reference: "Wang et al., Image Quality Assessment: From Error Visibility to Structural Similarity, 2004",
        inputs: images, options: [.integer("windowSize", 11), .number("sigma", 1.5), .number("dataRange", 1), .reduction]
    ) {
        try ssim(
            predictions: $0["predictions"], targets: $0["targets"], windowSize: $0.integer("windowSize"), sigma: $0.number("sigma"),
            dataRange: $0.number("dataRange"), reduction: $0.reduction())
    }

    static let multiScaleSSIMLoss = LossDescription(
        "multiScaleSSIM", .regression, "One minus the structural similarity of images over scales",
        reference: "Wang, Simoncelli and Bovik, Multiscale Structural Similarity for Image Quality Assessment, 2003",
        inputs: images,
        options: [
            .numbers("weights", [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]), .integer("windowSize", 11), .number("sigma", 1.5),
            .number("dataRange", 1), .reduction,
        ]
    ) {
        try multiScaleSSIM(
            predictions: $0["predictions"], targets: $0["targets"], weights: $0.numbers("weights"), windowSize: $0.integer("windowSize"),
            sigma: $0.number("sigma"), dataRange: $0.number("dataRange"), reduction: $0.reduction())
    }
}
