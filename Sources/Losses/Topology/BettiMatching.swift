import LossKitOps

/// Which sets of an image's pixels topological losses look at.
public enum ImageFiltration: String, Sendable, CaseIterable {
    /// Those of values from a threshold up, which falls.
    case superlevel
    /// Those of values up to a threshold, which rises.
    case sublevel
    /// Both, one after the other.
    case both

    fileprivate var areSuperlevel: [Bool] {
        switch self {
        case .superlevel: [true]
        case .sublevel: [false]
        case .both: [true, false]
        }
    }
}

/// How far the components and loops of a segmentation are from those of another one, feature by feature (Betti matching loss).
///
/// `sum over matched classes of 2 ((b_p - b_t)^2 + (d_p - d_t)^2) + sum over the others, of both images, of (b - d)^2` for births b and deaths d of the
/// classes of predictions p and targets t, matched by ``inducedMatching(_:_:isSuperlevel:essentialDeath:)``. The component that never dies has death
/// 0 in superlevel sets, 1 in sublevel sets.
/// Gradient: `4 (b_p - b_t)` at the pixel of a matched birth, the same for deaths, `2 (b - d)` and its negative at an unmatched class's; the matching is
/// held fixed.
///
/// - Parameters:
///   - predictions: [n, h, w], probabilities, finite.
///   - targets: [n, h, w], of the same kind; usually 0 and 1.
///   - filtration: Whose sets are compared.
///   - isRelative: Whether a frame of pixels that are there from the beginning is put around the images, so that what touches the border is closed there.
///   - reduction: Over the images.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``; see also ``inducedMatching(_:_:isSuperlevel:essentialDeath:)``.
/// - Note: N. Stucki, J. Paetzold, S. Shit, B. Menze, U. Bauer, Topologically faithful image segmentation via induced matching of persistence barcodes,
///   2023. The authors train with the Dice loss plus half of this.
public func bettiMatching(
    predictions: Tensor, targets: Tensor, filtration: ImageFiltration = .superlevel, isRelative: Bool = false, reduction: Reduction = .mean
) throws -> Tensor {
    guard try predictions.checked().rank == 3, try targets.checked().shape == predictions.shape else {
        throw TensorError.shapeMismatch(
            operation: "bettiMatching", expected: "predictions and targets [n, h, w]", actual: [predictions.shape, targets.shape])
    }
    let elements = try (0..<predictions.shape[0]).map { index -> Tensor in
        func image(_ all: Tensor, _ frame: Double) throws -> Tensor {
            let image = try all.slice(axis: 0, from: index, to: index + 1).squeezed(axes: [0])
            guard isRelative else { return image }
            return try (0...1).reduce(image) { try $0.padded(axis: $1, before: 1, after: 1, with: frame) }
        }
        return try filtration.areSuperlevel.reduce(Tensor.zeros([], dtype: predictions.dtype, on: predictions.device)) { sum, isSuperlevel in
            let first = isSuperlevel ? 1.0 : 0
            let found = try inducedMatching(
                image(predictions, first), image(targets, first), isSuperlevel: isSuperlevel, essentialDeath: 1 - first)
            func lives(_ pairs: Tensor) throws -> Tensor {
                try (pairs.slice(axis: 1, from: 0, to: 1) - pairs.slice(axis: 1, from: 1, to: 2)).square().sum()
            }
            let difference = try found.matched.slice(axis: 1, from: 0, to: 1) - found.matched.slice(axis: 1, from: 1, to: 2)
            return try sum + 2 * difference.square().sum() + lives(found.unmatchedFirst) + lives(found.unmatchedSecond)
        }
    }
    guard !elements.isEmpty else { return try reduction(Tensor.zeros([0], dtype: predictions.dtype, on: predictions.device)) }
    return try reduction(Tensor.stack(elements, axis: 0))
}

/// How many components and loops of segmentations have no match in the true ones, and the reverse: the Betti matching error of each image.
///
/// Both are taken as pixels of at least `threshold` and others. Not differentiable.
///
/// - Parameters:
///   - predictions: [n, h, w], finite.
///   - targets: [n, h, w].
///   - threshold: From which value on a pixel belongs to the segmentation.
/// - Returns: [n], whole numbers.
/// - Throws: See ``bettiMatching(predictions:targets:filtration:isRelative:reduction:)``.
public func bettiMatchingError(predictions: Tensor, targets: Tensor, threshold: Double = 0.5) throws -> Tensor {
    guard try predictions.checked().rank == 3, try targets.checked().shape == predictions.shape else {
        throw TensorError.shapeMismatch(
            operation: "bettiMatchingError", expected: "predictions and targets [n, h, w]", actual: [predictions.shape, targets.shape])
    }
    let (first, second) = ((predictions .>= threshold).asType(.float32), (targets .>= threshold).asType(.float32))
    let counts = try (0..<predictions.shape[0]).map { index -> Int in
        let images = try [first, second].map { try $0.slice(axis: 0, from: index, to: index + 1).squeezed(axes: [0]) }
        let found = try inducedMatching(images[0], images[1], isSuperlevel: true, essentialDeath: 0)
        return found.unmatchedFirst.shape[0] + found.unmatchedSecond.shape[0]
    }
    return try Tensor(counts.map { Float($0) }, on: predictions.device)
}

extension LossDescription {
    static let bettiMatchingLoss = LossDescription(
        "bettiMatching", .topology, "Segmentations whose components and loops are those of the true ones, at the same places",
        reference: "Stucki, Paetzold, Shit, Menze and Bauer, Topologically faithful image segmentation, 2023",
        inputs: [.init("predictions", ["n", "h", "w"], .real(0...1)), .init("targets", ["n", "h", "w"], .real(0...1))],
        options: [.choice("filtration", ImageFiltration.superlevel), .flag("isRelative", false), .reduction],
        catalogue: ["topologically-faithful-image-segmentation-via-induced-matching-of-persistence"]
    ) {
        try bettiMatching(
            predictions: $0["predictions"], targets: $0["targets"], filtration: $0.choice("filtration"), isRelative: $0.flag("isRelative"),
            reduction: $0.reduction())
    }
}
