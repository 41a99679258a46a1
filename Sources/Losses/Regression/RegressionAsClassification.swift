import LossKitOps

/// Regression as classification: the mass of each bin is priced by its distance from the target, and entropy keeps the density smooth.
///
/// With `p = softmax(z)`: `sum_k |bin_k - y|^q p_k - tau H(p)`; gradient `p_j ((c_j + tau log p_j) - sum_k p_k (c_k + tau log p_k))` with
/// `c_k = |bin_k - y|^q`. Its minimiser is `p_k` proportional to `exp(-c_k / tau)`.
///
/// - Parameters:
///   - logits: [n, k], floating point.
///   - targets: [n], floating point.
///   - bins: [k], increasing: the places of the classes.
///   - q: Above 0.
///   - tau: At least 0; the authors' code has five times the first term against 1 of the second, so 0.2.
///   - reduction: Over rows; the authors sum.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Guha et al., Conformal Prediction via Regression-as-Classification, 2024.
public func regressionAsClassification(
    logits: Tensor, targets: Tensor, bins: Tensor, q: Double = 0.5, tau: Double = 0.2, reduction: Reduction = .mean
) throws -> Tensor {
    let operation = "regressionAsClassification"
    try requireShape(logits, [nil, nil], "logits", operation)
    try requireFloatingPoint(logits, operation)
    try requireShape(targets, [logits.shape[0]], "targets", operation)
    try requireShape(bins, [logits.shape[1]], "bins", operation)
    try require(q > 0, operation, "q > 0", q)
    try require(tau >= 0, operation, "tau >= 0", tau)
    let logarithms = try logits.inArithmetic().logSoftmax()
    let apart = try (stopGradient(bins) - stopGradient(targets).expandedDimensions(at: 1)).inArithmetic().absolute().power(q)
    return try reduction((logarithms.exp() * (apart + logarithms * tau)).sum(axes: [1])).asType(logits.dtype)
}

/// How well targets conform to densities over bins: the densities [n, k] interpolated at targets [n], 0 outside the bins.
///
/// With `s = (y - bin_0) / step` and j its floor: `(1 - (s - j)) p_j + (s - j) p_(j + 1)`. A set of all y above the alpha-quantile of
/// scores of held-out samples covers 1 - alpha of new ones.
///
/// - Parameters:
///   - probabilities: [n, k], floating point, k >= 2.
///   - targets: [n], floating point.
///   - range: The first and the last bin, evenly spaced between.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Guha et al., Conformal Prediction via Regression-as-Classification, 2024.
public func conformity(probabilities: Tensor, targets: Tensor, range: ClosedRange<Double>) throws -> Tensor {
    try requireShape(probabilities, [nil, nil], "probabilities", "conformity")
    try requireFloatingPoint(probabilities, "conformity")
    try requireShape(targets, [probabilities.shape[0]], "targets", "conformity")
    let bins = probabilities.shape[1]
    try require(bins >= 2 && range.upperBound > range.lowerBound, "conformity", "at least 2 bins over a range", bins)
    let step = (range.upperBound - range.lowerBound) / Double(bins - 1)
    let place = (targets.inArithmetic() - range.lowerBound) / step
    let isOutside = (place .< 0) .|| (place .> Double(bins - 1))
    let floor = place.floor().clamped(min: 0, max: Double(bins - 2))
    let column = try floor.asType(.int64).expandedDimensions(at: 1)
    let low = try probabilities.takeAlongAxis(column, axis: 1).squeezed(axes: [1])
    let high = try probabilities.takeAlongAxis(column + 1, axis: 1).squeezed(axes: [1])
    let share = place - floor
    return try Tensor.select(isOutside, place.constant(0), low * (1 - share) + high * share).asType(probabilities.dtype)
}

extension LossDescription {
    static let regressionAsClassificationLoss = LossDescription(
        "regressionAsClassification", .regression, "Bins priced by their distance from the target, smoothed by entropy",
        reference: "Guha et al., Conformal Prediction via Regression-as-Classification, 2024",
        inputs: [
            .init("logits", ["n", "m"]), .init("targets", ["n"], isDifferentiable: false),
            .init("bins", ["m"], isDifferentiable: false),
        ],
        options: [.number("q", 0.5), .number("tau", 0.2), .reduction],
        catalogue: ["conformal-prediction-via-regression-as-classification"]
    ) {
        try regressionAsClassification(
            logits: $0["logits"], targets: $0["targets"], bins: $0["bins"], q: $0.number("q"), tau: $0.number("tau"),
            reduction: $0.reduction())
    }
}
