/// The scale-space kernel of two diagrams: points that are alike count, those near the diagonal do not.
///
/// `1 / (8 pi s) sum over p, q of exp(-|p - q|^2 / (8 s)) - exp(-|p - q'|^2 / (8 s))`, q' the point q with birth and death exchanged;
/// torch-topological's `MultiScaleKernel`, GUDHI's `PersistenceScaleSpaceKernel` of bandwidth sqrt(4 s), up to its normalisation.
///
/// - Parameters:
///   - first: A diagram.
///   - second: Another one, on the same device.
///   - scale: s, above 0.
/// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for the scale.
/// - Note: J. Reininghaus, S. Huber, U. Bauer, R. Kwitt, A stable multi-scale kernel for topological machine learning, 2015.
public func diagramScaleSpaceKernel(_ first: PersistenceDiagram, _ second: PersistenceDiagram, scale: Double) throws -> Tensor {
    guard scale > 0 else {
        throw TensorError.invalidArgument(operation: "diagramScaleSpaceKernel", expected: "a scale above 0", actual: "\(scale)")
    }
    let (births, deaths) = (try first.births.expandedDimensions(at: 1), try first.deaths.expandedDimensions(at: 1))
    func similarity(_ other: (Tensor, Tensor)) -> Tensor {
        (((births - other.0).square() + (deaths - other.1).square()) * (-1 / (8 * scale))).exp()
    }
    let difference = similarity((second.births, second.deaths)) - similarity((second.deaths, second.births))
    return try difference.sum() * (1 / (8 * Double.pi * scale))
}

/// The sliced Wasserstein kernel of two diagrams, `exp(-SW / (2 bandwidth^2))`; see ``diagramSlicedWasserstein(_:_:directions:)``.
///
/// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for a bandwidth that is not above 0.
public func diagramSlicedWassersteinKernel(
    _ first: PersistenceDiagram, _ second: PersistenceDiagram, bandwidth: Double, directions: Int = 10
) throws -> Tensor {
    guard bandwidth > 0 else {
        throw TensorError.invalidArgument(
            operation: "diagramSlicedWassersteinKernel", expected: "a bandwidth above 0", actual: "\(bandwidth)")
    }
    return try (diagramSlicedWasserstein(first, second, directions: directions) * (-1 / (2 * bandwidth * bandwidth))).exp()
}

/// The Fisher kernel of two diagrams, `exp(-scale d)` with d their ``diagramFisherDistance(_:_:bandwidth:)``.
///
/// GUDHI's `PersistenceFisherKernel`, whose `bandwidth` is 1 / scale and whose `bandwidth_fisher` this one's bandwidth.
/// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for a bandwidth or a scale that is not above 0.
/// - Note: T. Le, M. Yamada, Persistence Fisher kernel: a Riemannian manifold kernel for persistence diagrams, 2018.
public func diagramFisherKernel(
    _ first: PersistenceDiagram, _ second: PersistenceDiagram, bandwidth: Double, scale: Double = 1
) throws -> Tensor {
    guard scale > 0 else {
        throw TensorError.invalidArgument(operation: "diagramFisherKernel", expected: "a scale above 0", actual: "\(scale)")
    }
    return try (diagramFisherDistance(first, second, bandwidth: bandwidth) * -scale).exp()
}

/// The weighted Gaussian kernel of two diagrams: points that live long count more.
///
/// `sum over p, q of w(p) w(q) exp(-|p - q|^2 / (2 s^2))` with `w(p) = arctan(weight lifetime^power)`. GUDHI's
/// `PersistenceWeightedGaussianKernel` with that weight is 1 / (sqrt(2 pi) s) times it. Classes that never die are left out.
///
/// - Parameters:
///   - first: A diagram.
///   - second: Another one, on the same device.
///   - bandwidth: s, above 0.
///   - weight: Above 0.
///   - power: Above 0.
/// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for numbers that are not above 0.
/// - Note: G. Kusano, K. Fukumizu, Y. Hiraoka, Persistence weighted Gaussian kernel for topological data analysis, 2016.
public func diagramWeightedGaussianKernel(
    _ first: PersistenceDiagram, _ second: PersistenceDiagram, bandwidth: Double, weight: Double = 1, power: Double = 1
) throws -> Tensor {
    for (name, value) in [("bandwidth", bandwidth), ("weight", weight), ("power", power)] where !(value > 0) {
        throw TensorError.invalidArgument(
            operation: "diagramWeightedGaussianKernel", expected: "a \(name) above 0", actual: "\(value)")
    }
    func weights(_ diagram: PersistenceDiagram) -> Tensor {
        ((power == 1 ? diagram.persistence.absolute() : diagram.persistence.absolute().power(power)) * weight).atan()
    }
    let (births, deaths) = (try first.births.expandedDimensions(at: 1), try first.deaths.expandedDimensions(at: 1))
    let apart = (births - second.births).square() + (deaths - second.deaths).square()
    let similarity = (apart * (-0.5 / (bandwidth * bandwidth))).exp()
    return try (similarity * weights(first).expandedDimensions(at: 1) * weights(second)).sum()
}
