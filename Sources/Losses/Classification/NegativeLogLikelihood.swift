import LossKitOps

/// Negative log-likelihood of class indices under given log-probabilities.
///
/// `-w_y logp_y`; gradient `-w_y` at the row's own class.
///
/// - Parameters:
///   - logProbabilities: [N, C] or [N, C, d1, ...], or [C] for one sample; they need not be normalised.
///   - targets: The same shape without C, integers.
///   - weights: [C], not negative; no derivative is carried to them.
///   - ignoreIndex: Rows with this class index count for nothing.
///   - reduction: The mean divides by the sum of the targets' weights (NaN where every row is ignored).
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row of a class index that is out of range;
///   shape and type mismatches.
/// - Note: PyTorch's `nll_loss`.
public func nll(
    logProbabilities: Tensor, targets: Tensor, weights: Tensor? = nil, ignoreIndex: Int = -100, reduction: Reduction = .mean
) throws -> Tensor {
    let rows = try ClassTargets(targets, beside: logProbabilities, ignoring: ignoreIndex, "nll")
    guard let weights else { return try reduction(-rows.pick(logProbabilities), counts: rows.counts) }
    try requireShape(weights, [logProbabilities.shape[rows.axis]], "weights", "nll")
    var column = [Int](repeating: 1, count: logProbabilities.rank)
    column[rows.axis] = weights.count
    let own = try rows.pick(stopGradient(weights).reshaped(column))
    return try reduction(-rows.pick(logProbabilities) * own, counts: own)
}

extension LossDescription {
    static let nllLoss = LossDescription(
        "nll", .classification, "Negative log-likelihood of class indices under log-probabilities", reference: "PyTorch nll_loss",
        inputs: [
            .init("logProbabilities", ["n", "classes"], .real(-5...(-0.1))), .init("targets", ["n"], .classes("classes")),
            .init("weights", ["classes"], .real(0.5...2), isOptional: true, isDifferentiable: false),
        ],
        options: [.integer("ignoreIndex", -100), .reduction]
    ) {
        try nll(
            logProbabilities: $0["logProbabilities"], targets: $0["targets"], weights: $0.optional("weights"),
            ignoreIndex: $0.integer("ignoreIndex"), reduction: $0.reduction())
    }
}
