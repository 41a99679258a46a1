import LossKitOps

/// ObjectSDF++'s object distinction: only one object may be inside itself at a point.
///
/// With `m = min_o sdf_o`, held still, the sum over all other objects of `max(0, -sdf_o - m)`; gradient -1 where that is above 0.
///
/// - Parameters:
///   - distances: [n, o], floating point: every object's signed distance at each point.
///   - reduction: Over points.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Of equal distances the first object is the one that may be there. Wu et al., ObjectSDF++: Improved Object-Compositional Neural
///   Implicit Surfaces, 2023.
public func objectDistinction(distances: Tensor, reduction: Reduction = .mean) throws -> Tensor {
    try requireShape(distances, [nil, nil], "distances", "objectDistinction")
    try requireFloatingPoint(distances, "objectDistinction")
    try require(distances.shape[1] > 0, "objectDistinction", "at least one object", 0)
    let isNearest = try distances.argMin(axis: 1).oneHot(classes: distances.shape[1], dtype: distances.dtype)
    let overlap = try (-distances - stopGradient(distances).min(axes: [1], keepDimensions: true)).relu()
    return try reduction((overlap * (1 - isNearest)).sum(axes: [1]))
}

/// ObjectSDF++'s opacity loss: binary cross-entropy of rendered object opacities, held within 1e-4 of 0 and 1, against segmentations.
///
/// Gradient `(o - t) / (o (1 - o))`, 0 where the opacity is held.
///
/// - Parameters:
///   - opacities: [n, o], floating point: each ray's rendered opacity of every object, occlusion included.
///   - labels: [n], integers: the object each ray meets.
///   - reduction: Over rays and objects.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the ray; shape and type mismatches.
/// - Note: Wu et al., ObjectSDF++: Improved Object-Compositional Neural Implicit Surfaces, 2023.
public func objectOpacity(opacities: Tensor, labels: Tensor, reduction: Reduction = .mean) throws -> Tensor {
    try requireShape(opacities, [nil, nil], "opacities", "objectOpacity")
    try requireFloatingPoint(opacities, "objectOpacity")
    let labels = try checkedClasses(labels, shape: [opacities.shape[0]], below: opacities.shape[1], "objectOpacity")
    let held = opacities.inArithmetic().clamped(min: 1e-4, max: 1 - 1e-4)
    let isOwn = try labels.expandedDimensions(at: 1) .== Tensor.arange(to: Double(opacities.shape[1]), on: opacities.device)
    return try reduction(-Tensor.select(isOwn, held, 1 - held).log()).asType(opacities.dtype)
}

extension LossDescription {
    private static let objects = "Wu et al., ObjectSDF++: Improved Object-Compositional Neural Implicit Surfaces, 2023"
    private static let objectsRow = ["objectsdf-improved-object-compositional-neural-implicit-surfaces"]

    static let objectDistinctionLoss = LossDescription(
        "objectDistinction", .geometry, "Only one object is inside itself at a point", reference: objects,
        inputs: [.init("distances", ["n", "m"])], options: [.reduction], catalogue: objectsRow
    ) { try objectDistinction(distances: $0["distances"], reduction: $0.reduction()) }

    static let objectOpacityLoss = LossDescription(
        "objectOpacity", .geometry, "Rendered opacities are the segmentation's", reference: objects,
        inputs: [.init("opacities", ["n", "classes"], .real(0.05...0.95)), .init("labels", ["n"], .classes("classes"))],
        options: [.reduction], catalogue: objectsRow
    ) { try objectOpacity(opacities: $0["opacities"], labels: $0["labels"], reduction: $0.reduction()) }
}
