import LossKitOps

/// Jensen-Shannon divergence of two distributions given by logits.
///
/// With `p = softmax(logits)`, `q = softmax(targetLogits)` and `m = beta q + (1 - beta) p`: `beta KL(q | m) + (1 - beta) KL(p | m)`;
/// at 1/2 symmetric and at most log 2. Gradient to the logits `(1 - beta) p (r - sum_k p_k r_k)` with `r = log p - log m`, to the others
/// likewise.
///
/// - Parameters:
///   - logits: [..., C], floating point.
///   - targetLogits: The same shape; wrap it in `stopGradient` to hold a teacher still.
///   - beta: Between 0 and 1, the share of the targets in the mixture.
///   - reduction: Over rows.
/// - Throws: ``TensorError/shapeMismatch(operation:expected:actual:)``, ``TensorError/invalidArgument(operation:expected:actual:)``.
/// - Note: Finite for every finite logit: the mixture is formed in logarithms. Lin, Divergence Measures Based on the Shannon Entropy, 1991;
///   with beta, the generalised form of Agarwal et al., On-Policy Distillation of Language Models, 2024.
public func jensenShannon(logits: Tensor, targetLogits: Tensor, beta: Double = 0.5, reduction: Reduction = .mean) throws -> Tensor {
    try requireEqualShapes(logits, targetLogits, "jensenShannon")
    try requireFloatingPoint(logits, "jensenShannon")
    try require(logits.rank >= 1, "jensenShannon", "logits [..., C]", logits.shape)
    try require(beta > 0 && beta < 1, "jensenShannon", "beta between 0 and 1", beta)
    let p = try logits.logSoftmax()
    let q = try targetLogits.logSoftmax()
    // log m relative to each: log(beta q + (1 - beta) p) - log p = log1p(beta (q / p - 1)), whichever way the quotient is at most 1.
    let apart = q - p
    let ratio = (-apart.absolute()).exp()
    let isAbove = apart .> 0
    let mixture = Tensor.select(
        isAbove, q + ((ratio - 1) * (1 - beta)).log1p(), p + ((ratio - 1) * beta).log1p())
    let share = try divergenceTerms(from: mixture, to: q) * beta
    return try reduction((share + divergenceTerms(from: mixture, to: p) * (1 - beta)).sum(axes: [-1]))
}

extension LossDescription {
    static let jensenShannonLoss = LossDescription(
        "jensenShannon", .divergence, "Jensen-Shannon divergence of two distributions given by logits",
        reference: "Lin, Divergence Measures Based on the Shannon Entropy, 1991",
        inputs: [.init("logits", ["n", "classes"]), .init("targetLogits", ["n", "classes"])], options: [.number("beta", 0.5), .reduction]
    ) {
        try jensenShannon(
            logits: $0["logits"], targetLogits: $0["targetLogits"], beta: $0.number("beta"), reduction: $0.reduction())
    }
}
