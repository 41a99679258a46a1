/// The persistence diagrams of two images, of which classes that are one feature are matched.
public struct MatchedDiagrams: Sendable {
    /// [matches, 2, 2]: births and deaths of the first image's class, then of the second's.
    public let matched: Tensor
    /// [classes, 2]: births and deaths of the first image's classes that have no match.
    public let unmatchedFirst: Tensor
    /// [classes, 2]: the same of the second image.
    public let unmatchedSecond: Tensor
}

/// Matches the components and loops of two images' sublevel sets, or superlevel sets, through those of their union (induced matching).
///
/// Pixels are connected along the axes. A class of one image and a class of the other are matched where both become the same class of the minimum of the
/// images (for superlevel sets the maximum). The components that never die are matched with each other.
/// Gradient: births and deaths are values of pixels; the matching is a constant.
///
/// - Parameters:
///   - first: [h, w], floating point, finite.
///   - second: [h, w].
///   - isSuperlevel: Whether pixels appear from the largest value down.
///   - essentialDeath: When components that never die are said to do so.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)`` for anything but two images of one shape,
///   ``TensorError/invalidArgument(operation:expected:actual:)`` for values that are not finite.
/// - Note: On the host, by union-find over edges in O(h w log(h w)).
///   Source: N. Stucki, J. Paetzold, S. Shit, B. Menze, U. Bauer, Topologically faithful image segmentation via induced matching of persistence
///   barcodes, 2023; U. Bauer, M. Schmahl, Efficient computation of image persistence, 2023.
public func inducedMatching(
    _ first: Tensor, _ second: Tensor, isSuperlevel: Bool = false, essentialDeath: Double
) throws -> MatchedDiagrams {
    guard try first.checked().rank == 2, try second.checked().shape == first.shape, first.count > 0, first.dtype.isFloatingPoint,
        second.dtype.isFloatingPoint
    else {
        throw TensorError.shapeMismatch(
            operation: "inducedMatching", expected: "two floating-point images [h, w]", actual: [first.shape, second.shape])
    }
    let images = try [first, second].map { image -> [Float] in
        let fixed = stopGradient(image).asType(.float32)
        return try (isSuperlevel ? -fixed : fixed).array(of: Float.self)
    }
    for (name, values) in zip(["first", "second"], images) {
        guard let place = values.firstIndex(where: { !$0.isFinite }) else { continue }
        throw TensorError.invalidArgument(
            operation: "inducedMatching", expected: "finite values",
            actual: "\(values[place]) at [\(place / first.shape[1]), \(place % first.shape[1])] of the \(name) image")
    }
    let matching = InducedMatching(images[0], images[1], height: first.shape[0], width: first.shape[1])
    func pairs(_ classes: [InducedMatching.Class], _ image: Tensor) throws -> Tensor {
        // Behind the pixels stands the death of what never dies.
        let flat = try image.reshaped([image.count]).padded(axis: 0, after: 1, with: essentialDeath)
        let places = classes.flatMap { [$0.birth, $0.death ?? image.count] }
        return try flat.take(Tensor(places, on: image.device)).reshaped([classes.count, 2])
    }
    return MatchedDiagrams(
        matched: try Tensor.stack([pairs(matching.matched.map(\.0), first), pairs(matching.matched.map(\.1), second)], axis: 1),
        unmatchedFirst: try pairs(matching.unmatched.0, first), unmatchedSecond: try pairs(matching.unmatched.1, second))
}
