import LossKitOps

/// Which of SuGaR's fields ``surfaceAlignment(samples:centers:rotations:scales:opacities:neighbours:distances:extent:form:reduction:)``
/// aligns.
public enum SurfaceField: String, Sendable, CaseIterable {
    /// The distance that the density implies.
    case distance
    /// The density itself.
    case density
}

/// SuGaR's surface alignment: the density of Gaussians should be that of a surface at the samples' distances.
///
/// At a sample p, `d = sum_g opacity_g exp(-|S_g^-1 R_g^T (p - mu_g)|^2 / 2)` over its neighbours, divided by its own value, held still,
/// where it is 1 or more; `beta` the mean of the neighbours' smallest scales and `f = beta sqrt(-2 log max(d, 1e-16))`. With distances h
/// the loss is `min(10 |f - |h|| / extent, 10 extent)`, or `|d - exp(-h^2 / (2 beta^2))|` of the density.
///
/// - Parameters:
///   - samples: [m, 3], floating point, drawn in the Gaussians.
///   - centers: [n, 3].
///   - rotations: [n, 3, 3], whose columns are the axes.
///   - scales: [n, 3], above 0.
///   - opacities: [n], in 0...1.
///   - neighbours: [m, k], integers: the Gaussians next to each sample; the authors take 16.
///   - distances: [m], signed distance estimates: rendered depth less the sample's.
///   - extent: The scene's, above 0.
///   - form: Distances or densities.
///   - reduction: Over samples.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the neighbour; shape and type mismatches.
/// - Note: Guedon and Lepetit, SuGaR: Surface-Aligned Gaussian Splatting for Efficient 3D Mesh Reconstruction, 2024.
public func surfaceAlignment(
    samples: Tensor, centers: Tensor, rotations: Tensor, scales: Tensor, opacities: Tensor, neighbours: Tensor, distances: Tensor,
    extent: Double = 1, form: SurfaceField = .distance, reduction: Reduction = .mean
) throws -> Tensor {
    let operation = "surfaceAlignment"
    let neighbours = try checkedNeighbours(neighbours, of: samples, centers, rotations, scales, operation)
    try requireShape(opacities, [centers.shape[0]], "opacities", operation)
    try requireShape(distances, [samples.shape[0]], "distances", operation)
    try require(extent > 0 && extent.isFinite, operation, "extent > 0", extent)
    let shares = try densities(samples, centers, rotations, scales, opacities, neighbours)
    let raw = try shares.sum(axes: [1])
    let density = Tensor.select(raw .>= 1, raw / (stopGradient(raw) + 1e-12), raw)
    let beta = try scales.inArithmetic().min(axes: [1]).take(neighbours, axis: 0).mean(axes: [1])
    switch form {
    case .density: return try reduction((density - ((distances / beta).square() * -0.5).exp()).absolute()).asType(samples.dtype)
    case .distance:
        let implied = beta * (density.clamped(min: 1e-16, max: 1).log() * -2).squareRoot()
        let apart = (implied - distances.absolute()).absolute() * (10 / extent)
        return try reduction(apart.clamped(max: 10 * extent)).asType(samples.dtype)
    }
}

/// SuGaR's normal consistency: each sample's Gaussian should face as those around it do.
///
/// `|n - sum_g w_g n_g|^2` with n_g the axis of the smallest scale, turned (held still) to the side of the sample's own, and w the
/// densities times `|(p - mu_g) . n_g|` over the square of the smallest scale (at least 1e-6), held still and of the sum 1.
///
/// - Parameters:
///   - samples: [m, 3], floating point.
///   - owners: [m], integers: the Gaussian each sample was drawn in.
///   - centers: [n, 3].
///   - rotations: [n, 3, 3], whose columns are the axes.
///   - scales: [n, 3], above 0.
///   - opacities: [n], in 0...1.
///   - neighbours: [m, k], integers.
///   - reduction: Over samples.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the neighbour; shape and type mismatches.
/// - Note: Guedon and Lepetit, SuGaR: Surface-Aligned Gaussian Splatting for Efficient 3D Mesh Reconstruction, 2024.
public func normalConsistency(
    samples: Tensor, owners: Tensor, centers: Tensor, rotations: Tensor, scales: Tensor, opacities: Tensor, neighbours: Tensor,
    reduction: Reduction = .mean
) throws -> Tensor {
    let operation = "normalConsistency"
    let neighbours = try checkedNeighbours(neighbours, of: samples, centers, rotations, scales, operation)
    try requireShape(opacities, [centers.shape[0]], "opacities", operation)
    let owners = try checkedClasses(owners, shape: [samples.shape[0]], below: centers.shape[0], "normalConsistency owners")
    let thinnest = try scales.argMin(axis: 1).oneHot(classes: 3, dtype: rotations.dtype)
    let normals = try (rotations.inArithmetic() * thinnest.expandedDimensions(at: 1)).sum(axes: [2])
    let own = try normals.take(owners, axis: 0)
    let others = try normals.take(neighbours, axis: 0)
    let side = try stopGradient((others * own.expandedDimensions(at: 1)).sum(axes: [2], keepDimensions: true))
    let aligned = Tensor.select(side .< 0, -others, others)
    let offset = try samples.inArithmetic().expandedDimensions(at: 1) - centers.take(neighbours, axis: 0)
    let height = try (offset * others).sum(axes: [2]).absolute()
    let thickness = try scales.min(axes: [1]).clamped(min: 1e-6).take(neighbours, axis: 0)
    let raw = try stopGradient(densities(samples, centers, rotations, scales, opacities, neighbours) * height / thickness.square())
    let weights = try raw / raw.sum(axes: [1], keepDimensions: true).clamped(min: 1e-30)
    let mean = try (aligned * weights.expandedDimensions(at: 2)).sum(axes: [1])
    return try reduction((own - mean).square().sum(axes: [1])).asType(rotations.dtype)
}

/// The densities [m, k] of each sample's neighbours at it.
private func densities(
    _ samples: Tensor, _ centers: Tensor, _ rotations: Tensor, _ scales: Tensor, _ opacities: Tensor, _ neighbours: Tensor
) throws -> Tensor {
    let offset = try samples.inArithmetic().expandedDimensions(at: 1) - centers.take(neighbours, axis: 0)
    let turned = try (offset.expandedDimensions(at: 3) * rotations.take(neighbours, axis: 0)).sum(axes: [2])
    let form = try (turned / scales.take(neighbours, axis: 0)).square().sum(axes: [2]).clamped(max: 1e8)
    return try (form * -0.5).exp() * opacities.take(neighbours, axis: 0)
}

/// The neighbours among the Gaussians that were asked for, everything else being checked as well.
private func checkedNeighbours(
    _ given: Tensor, of samples: Tensor, _ centers: Tensor, _ rotations: Tensor, _ scales: Tensor, _ operation: String
) throws -> Tensor {
    try requireShape(samples, [nil, 3], "samples", operation)
    try requireFloatingPoint(samples, operation)
    try requireFloatingPoint(rotations, operation)
    try requireShape(centers, [nil, 3], "centers", operation)
    try requireShape(rotations, [centers.shape[0], 3, 3], "rotations", operation)
    try requireEqualShapes(centers, scales, operation)
    try requireShape(given, [samples.shape[0], nil], "neighbours", operation)
    try require(given.shape[1] > 0, operation, "at least one neighbour", 0)
    return try checkedClasses(given, shape: given.shape, below: centers.shape[0], operation)
}
