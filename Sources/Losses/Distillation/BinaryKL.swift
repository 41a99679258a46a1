import LossKitOps

/// Logit-level distillation with binary divergences, for an auxiliary head (dual-head distillation).
///
/// Normalised: `T^2 sum_k log cosh((s_k - t_k) / (2 T))`, the divergence of `sigmoid((s - t) / T)` from one half; gradient
/// `T / 2 tanh((s - t) / (2 T))`.
/// Else `T^2 sum_k KL(sigmoid(t / T) | sigmoid(s / T))`; gradient `T (sigmoid(s / T) - sigmoid(t / T))`.
///
/// - Parameters:
///   - logits: [N, C], of the student's auxiliary head.
///   - teacherLogits: [N, C]; no derivative is carried to them.
///   - temperature: T, above 0.
///   - isNormalized: Which of the two.
///   - reduction: Over rows.
/// - Throws: Shape mismatches; a temperature of 0 or below.
/// - Note: Finite for every finite logit. Yang et al., Dual-Head Knowledge Distillation, 2024; cross-entropy on the main head is added to
///   it.
public func binaryKLDistillation(
    logits: Tensor, teacherLogits: Tensor, temperature: Double = 2, isNormalized: Bool = true, reduction: Reduction = .mean
) throws -> Tensor {
    try requireEqualShapes(logits, teacherLogits, "binaryKLDistillation")
    try requireFloatingPoint(logits, "binaryKLDistillation")
    try requireShape(logits, [nil, nil], "logits", "binaryKLDistillation")
    try require(temperature > 0, "binaryKLDistillation", "temperature > 0", temperature)
    let teacher = stopGradient(teacherLogits)
    let elements: Tensor
    if isNormalized {
        // log cosh(x / 2) = (softplus(x) + softplus(-x)) / 2 - log 2, near 0 by log1p of cosh - 1 = 2 sinh^2(x / 4).
        let x = (logits - teacher) / temperature
        let isSmall = x.absolute() .< 1
        let zero = try x.constant(0)
        let quarter = Tensor.select(isSmall, x * 0.25, zero)
        let near = (quarter.sinh().square() * 2).log1p()
        let far = (x.softplus() + (-x).softplus()) * 0.5 - 0.6931471805599453
        elements = Tensor.select(isSmall, near, far)
    } else {
        let (s, t) = (logits / temperature, teacher / temperature)
        let yes = t.sigmoid() * ((-s).softplus() - (-t).softplus())
        elements = yes + (-t).sigmoid() * (s.softplus() - t.softplus())
    }
    return try reduction(elements.sum(axes: [1]) * (temperature * temperature))
}

/// Domain alignment by centred kernel alignment: one less the similarity of two sets of features, each step with a learned share.
///
/// With the centred linear kernels K and G of both sets at step t: `sigmoid(c_t) (1 - |<K, G> / (|K| |G| + 1e-7)|)`, the mean over steps.
/// It does not change when either set is turned or scaled.
///
/// - Parameters:
///   - source: [T, N, D].
///   - target: [T, N, E], of the same rows.
///   - coefficients: [T], the steps' logits; zeros where nil.
///   - reduction: Over steps.
/// - Throws: Shape mismatches.
/// - Note: Kernels of N by N are never formed where features are narrower. He et al., An Efficient Knowledge Transfer Strategy for Spiking
///   Neural Networks from Static to Event Domain, 2024; Kornblith et al., Similarity of Neural Network Representations Revisited, 2019.
public func kernelAlignment(
    source: Tensor, target: Tensor, coefficients: Tensor? = nil, reduction: Reduction = .mean
) throws -> Tensor {
    let operation = "kernelAlignment"
    try requireShape(source, [nil, nil, nil], "source", operation)
    try requireFloatingPoint(source, operation)
    try requireShape(target, [source.shape[0], source.shape[1], nil], "target", operation)
    if let coefficients { try requireShape(coefficients, [source.shape[0]], "coefficients", operation) }
    // Scaled, so that fourth powers stay in range; the 1e-7 is scaled with them.
    func centred(_ x: Tensor) throws -> (values: Tensor, magnitude: Tensor) {
        let distances = try x - x.mean(axes: [1], keepDimensions: true)
        let magnitude = try distances.magnitude(axes: [1, 2])
        return (distances / magnitude, try magnitude.reshaped([x.shape[0]]))
    }
    let (first, second) = (try centred(source), try centred(target))
    let (a, b) = (first.values, second.values)
    let unscaled = 1e-7 / first.magnitude / first.magnitude
    let least = unscaled / second.magnitude / second.magnitude
    // <A A^T, B B^T> = |A^T B|^2.
    func product(_ x: Tensor, _ y: Tensor) throws -> Tensor { try x.swappingAxes(1, 2).matmul(y).square().sum(axes: [1, 2]) }
    let lengths = try product(a, a).squareRoot() * product(b, b).squareRoot()
    let similarity = try product(a, b) / (lengths + least)
    let apart = 1 - similarity.absolute()
    return try reduction(coefficients.map { apart * $0.sigmoid() } ?? apart * 0.5)
}

extension LossDescription {
    static let binaryKLDistillationLoss = LossDescription(
        "binaryKLDistillation", .distillation, "Logit-level distillation with binary divergences",
        reference: "Yang et al., Dual-Head Knowledge Distillation, 2024",
        inputs: [.init("logits", ["n", "classes"]), .init("teacherLogits", ["n", "classes"], isDifferentiable: false)],
        options: [.number("temperature", 2), .flag("isNormalized", true), .reduction],
        catalogue: ["dual-head-knowledge-distillation-enhancing-logits-utilization-with-an"]
    ) {
        try binaryKLDistillation(
            logits: $0["logits"], teacherLogits: $0["teacherLogits"], temperature: $0.number("temperature"),
            isNormalized: $0.flag("isNormalized"), reduction: $0.reduction())
    }

    static let kernelAlignmentLoss = LossDescription(
        "kernelAlignment", .distillation, "One less the centred kernel alignment of two sets of features",
        reference: "He et al., An Efficient Knowledge Transfer Strategy for Spiking Neural Networks from Static to Event Domain, 2024",
        inputs: [
            .init("source", ["n", "m", "d"]), .init("target", ["n", "m", "e"]), .init("coefficients", ["n"], isOptional: true),
        ],
        options: [.reduction], catalogue: ["an-efficient-knowledge-transfer-strategy-for-spiking-neural-networks"]
    ) {
        try kernelAlignment(
            source: $0["source"], target: $0["target"], coefficients: $0.optional("coefficients"), reduction: $0.reduction())
    }
}
