import LossKitOps

/// Entropy-maximisation loss for multi-label data with single positive labels.
///
/// With `p = sigmoid(z)`, by the label: 1 (positive) `-log p`; 0 (unknown) `-alpha H(p)`, H the binary entropy; `-q` (pseudo-negative)
/// `beta (-q log p - (1 - q) log(1 - p))`. Gradients `p - 1`, `alpha p (1 - p) z` and `beta (p - q)`.
///
/// - Parameters:
///   - logits: [N, C].
///   - labels: [N, C]: 1, or in -1...0.
///   - alpha: Not negative; the paper has 0.2 for VOC and NUS, 0.1 for COCO, 0.01 for CUB.
///   - beta: Not negative; 0.02, 0.2, 0.9 and 0.4.
///   - reduction: Over all elements.
/// - Throws: Shape mismatches; options below 0.
/// - Note: Finite for every finite logit. Zhou et al., Acknowledging the Unknown for Multi-Label Learning with Single Positive Labels,
///   2022.
public func entropyMaximization(
    logits: Tensor, labels: Tensor, alpha: Double = 0.2, beta: Double = 0.02, reduction: Reduction = .mean
) throws -> Tensor {
    try requireEqualShapes(logits, labels, "entropyMaximization")
    try requireFloatingPoint(logits, "entropyMaximization")
    try require(alpha >= 0 && beta >= 0, "entropyMaximization", "alpha and beta >= 0", (alpha, beta))
    let given = stopGradient(labels)
    let (yes, no) = (logits.softplus(), (-logits).softplus())
    let entropy = logits.sigmoid() * no + (-logits).sigmoid() * yes
    let pseudo = (yes + given * logits) * beta
    let known = Tensor.select(given .> 0, no, pseudo)
    return try reduction(Tensor.select(given .== 0, entropy * -alpha, known))
}

/// Labels with pseudo-negatives added: of each class, the unknown entries that the model holds least likely, with its probabilities as soft
/// labels.
///
/// - Parameters:
///   - labels: [N, C]: 1, 0 (unknown) or negative.
///   - logits: [N, C].
///   - counts: How many entries of each class to take; the paper has `0.9 unknown / (epochs - warm-up)`, rounded down.
/// - Returns: The labels, `-p` at the entries taken.
/// - Note: Asymmetric pseudo-labelling of Zhou et al., 2022: no entry ever becomes positive. The choice is made on the host.
public func addingPseudoNegatives(to labels: Tensor, logits: Tensor, counts: [Int]) throws -> Tensor {
    try requireEqualShapes(labels, logits, "addingPseudoNegatives")
    try requireFloatingPoint(labels, "addingPseudoNegatives")
    try requireShape(labels, [nil, counts.count], "labels", "addingPseudoNegatives")
    var values = try labels.array(of: Float.self)
    let likelihoods = try logits.sigmoid().array(of: Float.self)
    let classes = counts.count
    for (k, count) in counts.enumerated() where count > 0 {
        let unknown = stride(from: k, to: values.count, by: classes).filter { values[$0] == 0 }
        for place in unknown.sorted(by: { (likelihoods[$0], $0) < (likelihoods[$1], $1) }).prefix(count) {
            values[place] = -likelihoods[place]
        }
    }
    return try Tensor(values, shape: labels.shape, on: labels.device).asType(labels.dtype)
}

extension LossDescription {
    static let entropyMaximizationLoss = LossDescription(
        "entropyMaximization", .classification, "Multi-label data with single positives: unknown entries keep their entropy",
        reference: "Zhou et al., Acknowledging the Unknown for Multi-Label Learning with Single Positive Labels, 2022",
        inputs: [.init("logits", ["n", "d"]), .init("labels", ["n", "d"], .real(-1...0), isDifferentiable: false)],
        options: [.number("alpha", 0.2), .number("beta", 0.02), .reduction],
        catalogue: ["acknowledging-the-unknown-for-multi-label-learning-with-single"]
    ) {
        try entropyMaximization(
            logits: $0["logits"], labels: $0["labels"], alpha: $0.number("alpha"), beta: $0.number("beta"), reduction: $0.reduction())
    }
}
