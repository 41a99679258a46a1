import LossKitOps

/// How far a segmentation is from having a known number of components and loops.
///
/// In each dimension `sum over the k that live longest of (1 - l^2) + sum over the others of l^2`, l how long a component or loop of the
/// superlevel sets lives; one that is missing counts 1. The component that never dies lives to 0.
/// Gradient: at the pixels whose values are a class's birth and death; which classes live longest is held fixed.
///
/// - Parameters:
///   - predictions: [n, h, w], probabilities, finite.
///   - components: How many there should be, at least 0.
///   - loops: How many there should be, at least 0.
///   - reduction: Over the images.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``; see
///   also ``cubicalPersistence(_:construction:isSuperlevel:)``.
/// - Note: J. Clough et al., A topological loss function for deep-learning based image segmentation using persistent homology, 2020.
///   Pixels are connected along the axes.
public func bettiNumberPrior(
    predictions: Tensor, components: Int = 1, loops: Int = 0, reduction: Reduction = .mean
) throws -> Tensor {
    let operation = "bettiNumberPrior"
    try requireShape(predictions, [nil, nil, nil], "predictions", operation)
    try require(components >= 0 && loops >= 0, operation, "numbers of at least 0", "\(components) components and \(loops) loops")
    let elements = try (0..<predictions.shape[0]).map { index -> Tensor in
        let image = try predictions.slice(axis: 0, from: index, to: index + 1).squeezed(axes: [0])
        let diagrams = try cubicalPersistence(image, isSuperlevel: true)
        return try zip(diagrams, [components, loops]).reduce(Tensor.zeros([], dtype: image.dtype, on: image.device)) { sum, wanted in
            let (diagram, count) = wanted
            let lifetimes = try Tensor.concatenate([diagram.births - diagram.deaths, diagram.essentialBirths])
            let squares = try lifetimes.square().sorted(descending: true)
            let found = min(count, squares.count)
            let others = try squares.slice(axis: 0, from: found).sum()
            return try sum + (Double(count) - squares.slice(axis: 0, from: 0, to: found).sum()) + others
        }
    }
    guard !elements.isEmpty else { return try reduction(Tensor.zeros([0], dtype: predictions.dtype, on: predictions.device)) }
    return try reduction(Tensor.stack(elements, axis: 0))
}

extension LossDescription {
    static let bettiNumberPriorLoss = LossDescription(
        "bettiNumberPrior", .topology, "Segmentations with known numbers of components and loops",
        reference: "Clough et al., A Topological Loss Function for Deep-Learning based Image Segmentation using Persistent Homology, 2020",
        inputs: [.init("predictions", ["n", "h", "w"], .real(0...1))],
        options: [.integer("components", 1), .integer("loops", 0), .reduction]
    ) {
        try bettiNumberPrior(
            predictions: $0["predictions"], components: $0.integer("components"), loops: $0.integer("loops"), reduction: $0.reduction())
    }
}
