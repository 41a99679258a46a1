/// The Wasserstein distance of two diagrams, to the power of its order: points are matched with each other or with the diagonal.
///
/// `min over matchings of sum |p - q|^order`; classes that never die are matched in the order of their births, and where their numbers
/// differ the distance is infinite. GUDHI's `wasserstein_distance` is the root of that order.
/// Gradient: that of the matched distances, the matching held fixed; at distance 0 it is 0.
///
/// - Parameters:
///   - first: A diagram of finite births and deaths.
///   - second: Another one, on the same device.
///   - order: At least 1 and finite.
///   - norm: Of differences of points.
///   - relativeError: The sum is at most 1 + this times the least one; 0 for that itself.
/// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for the order, the error, or for births and deaths that are not finite.
/// - Note: On the host in float64. Exact by an assignment, O(min(n, m)^2 max(n, m)) work and n m numbers; otherwise by an auction, O(n + m)
///   numbers, with errors down to a thousand-millionth of all distances to the diagonal. As Hera, which means the root's error.
public func diagramWasserstein(
    _ first: PersistenceDiagram, _ second: PersistenceDiagram, order: Double = 2, norm: DiagramNorm = .maximum, relativeError: Double = 0
) throws -> Tensor {
    let operation = "diagramWasserstein"
    guard order >= 1, order.isFinite else {
        throw TensorError.invalidArgument(operation: operation, expected: "a finite order of at least 1", actual: "\(order)")
    }
    guard relativeError >= 0, relativeError.isFinite else {
        throw TensorError.invalidArgument(operation: operation, expected: "a finite relative error of at least 0", actual: "\(relativeError)")
    }
    guard first.essentialCount == second.essentialCount else {
        return try .full([], .infinity, dtype: first.births.dtype, on: first.births.device)
    }
    let matching = try DiagramMatching(
        try .init(first, operation), try .init(second, operation), order: order, norm: norm, relativeError: relativeError, operation)
    func powered(_ lengths: Tensor) throws -> Tensor {
        try (order == 1 ? lengths : order == 2 ? lengths.square() : lengths.power(order)).sum()
    }
    func taken(_ values: Tensor, _ places: [Int]) throws -> Tensor { try values.take(Tensor(places, on: values.device)) }
    let (own, others) = (matching.pairs.map(\.0), matching.pairs.map(\.1))
    let paired = try norm.distance(
        taken(first.births, own) - taken(second.births, others), taken(first.deaths, own) - taken(second.deaths, others))
    var sum = try powered(paired) + powered(norm.distanceToDiagonal(taken(first.persistence, matching.alone.first)))
    sum = try sum + powered(norm.distanceToDiagonal(taken(second.persistence, matching.alone.second)))
    guard first.essentialCount > 0 else { return sum }
    return try sum + powered((first.essentialBirths.sorted() - second.essentialBirths.sorted()).absolute())
}

/// The bottleneck distance of two diagrams: the least number that some matching of points with each other or with the diagonal exceeds
/// nowhere.
///
/// Differences count by the larger of births' and deaths'. Classes that never die are matched in the order of their births, and where
/// their numbers differ the distance is infinite. GUDHI's `bottleneck_distance`.
/// Gradient: that of the one distance that decides; a subgradient where that changes.
///
/// - Parameters:
///   - first: A diagram of finite births and deaths.
///   - second: Another one, on the same device.
///   - error: How much larger the result may be; 0 for the distance itself. GUDHI's `e`, whose results may be smaller too.
/// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for the error and for births and deaths that are not finite.
/// - Note: A search by matchings on the host: exact among all distances, O(n m) memory, otherwise in an interval, O(n + m).
public func diagramBottleneck(_ first: PersistenceDiagram, _ second: PersistenceDiagram, error: Double = 0) throws -> Tensor {
    let device = first.births.device
    guard error >= 0 else {
        throw TensorError.invalidArgument(operation: "diagramBottleneck", expected: "an error of at least 0", actual: "\(error)")
    }
    guard first.essentialCount == second.essentialCount else { return try .full([], .infinity, dtype: first.births.dtype, on: device) }
    let search = BottleneckSearch(
        try .init(first, "diagramBottleneck"), try .init(second, "diagramBottleneck"), error: error)
    func element(_ values: Tensor, _ place: Int) throws -> Tensor {
        try values.slice(axis: 0, from: place, to: place + 1).squeezed(axes: [0])
    }
    let finite: Tensor =
        switch search.decisive {
        case .none: try .zeros([], dtype: first.births.dtype, on: device)
        case .pair(let i, let j):
            try Tensor.maximum(
                (element(first.births, i) - element(second.births, j)).absolute(),
                (element(first.deaths, i) - element(second.deaths, j)).absolute())
        case .first(let i): try element(first.persistence, i).absolute() * 0.5
        case .second(let j): try element(second.persistence, j).absolute() * 0.5
        }
    guard first.essentialCount > 0 else { return finite }
    return try Tensor.maximum(finite, (first.essentialBirths.sorted() - second.essentialBirths.sorted()).absolute().max())
}

/// The sliced Wasserstein distance of two diagrams: the mean over directions of how far their points, completed by the other's projections
/// on the diagonal, lie apart in order along a line.
///
/// `(1 / K) sum over k of |sort(A u_k) - sort(B u_k)|_1`, u_k = (cos t_k, sin t_k), t_k = -pi / 2 + k pi / K, A the first diagram's points
/// and the second's on the diagonal, B the reverse. torch-topological's `SlicedWassersteinDistance`. Classes that never die are left out.
///
/// - Parameters:
///   - first: A diagram.
///   - second: Another one, on the same device.
///   - directions: K, above 0.
/// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for the number of directions.
/// - Note: M. Carriere, M. Cuturi, S. Oudot, Sliced Wasserstein kernel for persistence diagrams, 2017.
public func diagramSlicedWasserstein(
    _ first: PersistenceDiagram, _ second: PersistenceDiagram, directions: Int = 10
) throws -> Tensor {
    guard directions > 0 else {
        throw TensorError.invalidArgument(operation: "diagramSlicedWasserstein", expected: "directions above 0", actual: "\(directions)")
    }
    typealias Points = (births: Tensor, deaths: Tensor)
    func points(_ diagram: PersistenceDiagram) -> Points { (diagram.births.inArithmetic(), diagram.deaths.inArithmetic()) }
    let (own, others) = (points(first), points(second))
    let steps = try Tensor.arange(to: Double(directions), dtype: own.births.dtype, on: own.births.device)
    let angles = steps * (.pi / Double(directions)) - .pi / 2
    func projected(_ points: Points, _ others: Points) throws -> Tensor {
        let middle = (others.births + others.deaths) * 0.5
        let births = try Tensor.concatenate([points.births, middle]).expandedDimensions(at: 1)
        let deaths = try Tensor.concatenate([points.deaths, middle]).expandedDimensions(at: 1)
        return try (births * angles.cos() + deaths * angles.sin()).sorted(axis: 0)
    }
    let apart = try (projected(own, others) - projected(others, own)).absolute().sum() * (1 / Double(directions))
    return apart.asType(first.births.dtype)
}

/// The Fisher distance of two diagrams: the angle between the square roots of their densities, bumps at their points and, for the
/// other's sake, at the other's projections on the diagonal.
///
/// `arccos(sum over z of sqrt(p(z) q(z)))`, p and q the sums of `exp(-|z - u|^2 / (2 s^2))` over the points u of either diagram and the
/// other's projections, at all of these points z, each divided by its sum; GUDHI's `PersistenceFisherDistance`. Classes that never die are
/// left out. At distance 0 the derivative is 0.
///
/// - Parameters:
///   - first: A diagram.
///   - second: Another one, on the same device.
///   - bandwidth: s, above 0.
/// - Returns: In 0...pi / 2; 0 of two diagrams without points.
/// - Throws: ``TensorError/invalidArgument(operation:expected:actual:)`` for the bandwidth.
/// - Note: The angle is taken from both the difference and the sum of the roots, so a small one does not cancel. T. Le, M. Yamada,
///   Persistence Fisher kernel, 2018.
public func diagramFisherDistance(_ first: PersistenceDiagram, _ second: PersistenceDiagram, bandwidth: Double) throws -> Tensor {
    guard bandwidth > 0 else {
        throw TensorError.invalidArgument(operation: "diagramFisherDistance", expected: "a bandwidth above 0", actual: "\(bandwidth)")
    }
    guard first.births.count + second.births.count > 0 else { return try .zeros([], dtype: first.births.dtype, on: first.births.device) }
    func middles(_ diagram: PersistenceDiagram) -> Tensor { (diagram.births + diagram.deaths) * 0.5 }
    func points(_ diagram: PersistenceDiagram, _ other: PersistenceDiagram) throws -> (Tensor, Tensor) {
        (try .concatenate([diagram.births, middles(other)]), try .concatenate([diagram.deaths, middles(other)]))
    }
    let (own, others) = (try points(first, second), try points(second, first))
    let births = try Tensor.concatenate([own.0, others.0]).expandedDimensions(at: 1)
    let deaths = try Tensor.concatenate([own.1, others.1]).expandedDimensions(at: 1)
    func roots(_ points: (Tensor, Tensor)) throws -> Tensor {
        let apart = (births - points.0).square() + (deaths - points.1).square()
        let densities = try (apart * (-0.5 / (bandwidth * bandwidth))).exp().sum(axes: [1])
        return try (densities / densities.sum()).squareRoot()
    }
    let (p, q) = (try roots(own), try roots(others))
    return try (p - q).norm().atan2((p + q).norm()) * 2
}
