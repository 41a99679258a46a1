import LossKitOps

/// Total variation of images: how much neighbouring pixels differ.
///
/// The sum over channels and pixels of `|right - this| + |below - this|`; with `isIsotropic` of the root of the sum of their squares, at
/// pixels that have both neighbours. The gradient at equal pixels is 0.
///
/// - Parameters:
///   - images: [n, c, h, w], floating point.
///   - isIsotropic: Whether both directions count as one length.
///   - reduction: Over images.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/dtypeMismatch(operation:expected:actual:)``.
/// - Note: TensorFlow's `image.total_variation`, kornia's `total_variation`. Rudin, Osher and Fatemi, Nonlinear Total Variation Based Noise
///   Removal Algorithms, 1992.
public func totalVariation(images: Tensor, isIsotropic: Bool = false, reduction: Reduction = .mean) throws -> Tensor {
    try requireShape(images, [nil, nil, nil, nil], "images", "totalVariation")
    try requireFloatingPoint(images, "totalVariation")
    try require(images.shape[2] > 0 && images.shape[3] > 0, "totalVariation", "images of at least one pixel", images.shape)
    let x = images.inArithmetic()
    let right = try x.slice(axis: 3, from: 1) - x.slice(axis: 3, to: x.shape[3] - 1)
    let down = try x.slice(axis: 2, from: 1) - x.slice(axis: 2, to: x.shape[2] - 1)
    guard isIsotropic else {
        return try reduction(right.absolute().sum(axes: [1, 2, 3]) + down.absolute().sum(axes: [1, 2, 3])).asType(images.dtype)
    }
    let both = try right.slice(axis: 2, to: x.shape[2] - 1).square() + down.slice(axis: 3, to: x.shape[3] - 1).square()
    return try reduction(both.squareRoot().sum(axes: [1, 2, 3])).asType(images.dtype)
}

extension LossDescription {
    static let totalVariationLoss = LossDescription(
        "totalVariation", .regression, "How much neighbouring pixels differ",
        reference: "Rudin, Osher and Fatemi, Nonlinear Total Variation Based Noise Removal Algorithms, 1992",
        inputs: [.init("images", ["n", "c", "h", "w"])], options: [.flag("isIsotropic", false), .reduction]
    ) { try totalVariation(images: $0["images"], isIsotropic: $0.flag("isIsotropic"), reduction: $0.reduction()) }
}
