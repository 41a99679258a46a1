import LossKitOps

/// Relative loss prediction: predicted losses in the order of the true ones, by pairs.
///
/// Over the ordered pairs of a row with `t_i != t_j`: `softplus(-(p_i - p_j))` where `t_i > t_j`, else `softplus(p_i - p_j)`; the mean over
/// all such
/// pairs of the batch. Gradient `2 / V sum_j (sigmoid(p_i - p_j) - [t_i > t_j])`. It does not change when a constant is added to a row.
///
/// - Parameters:
///   - predictions: [N, L].
///   - targets: [N, L], the true losses; no derivative is carried to them.
/// - Returns: A scalar; where no pair differs, 0.
/// - Throws: Shape mismatches.
/// - Note: RankNet's loss. The pairs are never held: memory grows with N L. Burges et al., Learning to Rank Using Gradient Descent, 2005;
///   Wang et al., Bootstrap Masked Visual Modeling via Hard Patches Mining, 2023.
public func relativeLossPrediction(predictions: Tensor, targets: Tensor) throws -> Tensor {
    try requireEqualShapes(predictions, targets, "relativeLossPrediction")
    try requireFloatingPoint(predictions, "relativeLossPrediction")
    try requireShape(predictions, [nil, nil], "predictions", "relativeLossPrediction")
    let held = stopGradient(targets)
    let apart = try predictions.expandedDimensions(at: 2) - predictions.expandedDimensions(at: 1)
    let (first, second) = try (held.expandedDimensions(at: 2), held.expandedDimensions(at: 1))
    let above = (first .> second).asType(predictions.dtype)
    // Both orders of a pair have the same loss: count one and double it.
    let loss = try (above * (-apart).softplus()).sum()
    return try loss / above.sum().clamped(min: 1)
}

/// Absolute loss prediction: predicted losses near the row's standardised true ones.
///
/// The mean of `(p - (t - mean t) / sqrt(var t + 1e-6))^2`, the variance of each row unbiased.
///
/// - Parameters:
///   - predictions: [N, L], L >= 2.
///   - targets: [N, L], the true losses; no derivative is carried to them.
///   - reduction: Over all elements.
/// - Throws: Shape mismatches.
/// - Note: Wang et al., 2023.
public func absoluteLossPrediction(predictions: Tensor, targets: Tensor, reduction: Reduction = .mean) throws -> Tensor {
    try requireEqualShapes(predictions, targets, "absoluteLossPrediction")
    try requireFloatingPoint(predictions, "absoluteLossPrediction")
    try requireShape(predictions, [nil, nil], "predictions", "absoluteLossPrediction")
    try require(predictions.shape[1] >= 2, "absoluteLossPrediction", "rows of at least 2", predictions.shape[1])
    let held = stopGradient(targets)
    let deviation = try (held.variance(axes: [1], keepDimensions: true) + 1e-6).squareRoot()
    return try reduction((predictions - (held - held.mean(axes: [1], keepDimensions: true)) / deviation).square())
}

/// The patches to mask at a stage of training: of all masked ones, a growing share those with the largest predicted loss, the rest at
/// random.
///
/// - Parameters:
///   - predictedLosses: [N, L], by the teacher.
///   - maskRatio: The share of patches to mask, in 0...1.
///   - progress: How far training has come, in 0...1; half of it is the share of masked patches that is chosen by loss.
///   - generator: Draws the rest.
/// - Returns: [N, L], true at masked patches.
/// - Throws: Shape mismatches; shares out of range.
/// - Note: Chosen on the host. Wang et al., 2023.
public func hardPatchMask(
    predictedLosses: Tensor, maskRatio: Double = 0.75, progress: Double, using generator: inout Philox
) throws -> Tensor {
    try requireShape(predictedLosses, [nil, nil], "predicted losses", "hardPatchMask")
    try requireFloatingPoint(predictedLosses, "hardPatchMask")
    try require((0...1).contains(maskRatio) && (0...1).contains(progress), "hardPatchMask", "shares in 0...1", (maskRatio, progress))
    let (rows, length) = (predictedLosses.shape[0], predictedLosses.shape[1])
    let order = try predictedLosses.argSort(descending: true).array(of: Int.self)
    let masked = Int(Double(length) * maskRatio)
    let hard = Int(Double(length) * maskRatio * 0.5 * progress)
    var mask = [TruthValue](repeating: false, count: rows * length)
    for row in 0..<rows {
        let ranked = order[row * length..<(row + 1) * length]
        let others = ranked.dropFirst(hard).shuffled(using: &generator)
        for patch in ranked.prefix(hard) + others.prefix(masked - hard) { mask[row * length + patch] = true }
    }
    return try Tensor(mask, shape: [rows, length], on: predictedLosses.device)
}

/// Mann-Whitney loss: every positive score above every negative one of the whole batch, a smooth bound on 1 - AUC.
///
/// `mean over pairs of softplus(-(s+ - s-) / temperature)`; divided by log 2 at least the area over the ROC curve.
/// Gradient `-sum_n sigmoid(s-_n - s+_p) / (P N)` at positives, the opposite sum at negatives.
///
/// - Parameters:
///   - positives: [P].
///   - negatives: [N], of all queries together.
///   - temperature: Above 0.
/// - Returns: A scalar; where one kind is missing, 0.
/// - Throws: Shape mismatches; a temperature of 0 or below.
/// - Note: The pairs are never held. Optimizing What Matters: AUC-Driven Learning for Robust Neural Retrieval, 2025.
public func mannWhitney(positives: Tensor, negatives: Tensor, temperature: Double = 1) throws -> Tensor {
    try requireShape(positives, [nil], "positives", "mannWhitney")
    try requireFloatingPoint(positives, "mannWhitney")
    try requireShape(negatives, [nil], "negatives", "mannWhitney")
    try require(temperature > 0, "mannWhitney", "temperature > 0", temperature)
    let apart = try negatives - positives.expandedDimensions(at: 1)
    return try (apart / temperature).softplus().sum() / Double(max(1, positives.count * negatives.count))
}

/// The Mann-Whitney loss of a matrix of queries by passages: the diagonal holds the positives, all else negatives.
///
/// - Parameters:
///   - scores: [B, M], M >= B: passage i answers query i; passages from B on answer none.
///   - temperature: Above 0.
/// - Returns: A scalar.
/// - Throws: Shape mismatches; a temperature of 0 or below.
public func mannWhitney(scores: Tensor, temperature: Double = 1) throws -> Tensor {
    try requireShape(scores, [nil, nil], "scores", "mannWhitney")
    try requireFloatingPoint(scores, "mannWhitney")
    let (queries, passages) = (scores.shape[0], scores.shape[1])
    try require(passages >= queries, "mannWhitney", "a passage for each query or more", scores.shape)
    let places = (0..<queries * passages).filter { $0 / max(1, passages) != $0 % max(1, passages) }
    let flat = try scores.flattened()
    let own = try scores.slice(axis: 1, from: 0, to: queries).diagonal()
    return try mannWhitney(positives: own, negatives: flat.rows(at: Tensor(places, on: scores.device)), temperature: temperature)
}

/// Listwise re-ranking with rank regularisation: softmax cross-entropy over a query's candidates, and how far the logits move from the
/// candidates' scores.
///
/// `-log softmax(z)_y + lambda |z - s + 1e-6|_2`; gradient of the second term `lambda (z - s + 1e-6) / |z - s + 1e-6|`.
///
/// - Parameters:
///   - logits: [N, K], a row of candidates for each query.
///   - scores: [N, K], of the candidate generator; no derivative is carried to them.
///   - targets: [N], the right candidate.
///   - counts: [N], how many candidates each query has; the rest of its row counts for nothing. All where nil.
///   - lambda: Weight of the second term.
///   - labelSmoothing: In 0...1, over the row's candidates.
///   - reduction: Over queries.
/// - Throws: ``TensorError/indexOutOfRange(operation:position:index:bound:)`` naming the row; shape and type mismatches.
/// - Note: Borchert et al., xMEN: A Modular Toolkit for Cross-Lingual Medical Entity Normalization, 2023.
public func rankRegularized(
    logits: Tensor, scores: Tensor, targets: Tensor, counts: Tensor? = nil, lambda: Double = 1, labelSmoothing: Double = 0,
    reduction: Reduction = .mean
) throws -> Tensor {
    let operation = "rankRegularized"
    try requireEqualShapes(logits, scores, operation)
    try requireShape(logits, [nil, nil], "logits", operation)
    try require((0...1).contains(labelSmoothing), operation, "labelSmoothing in 0...1", labelSmoothing)
    let rows = try ClassTargets(targets, beside: logits, operation)
    let zero = try logits.constant(0)
    var (kept, offset) = (logits, logits - stopGradient(scores) + 1e-6)
    var size = try logits.constant(Double(max(1, logits.shape[1])))
    if let counts {
        try requireShape(counts, [logits.shape[0]], "counts", operation)
        for (row, (label, count)) in try zip(targets.array(of: Int.self), counts.array(of: Int.self)).enumerated() where label >= count {
            throw TensorError.indexOutOfRange(operation: "\(operation) targets", position: row, index: label, bound: count)
        }
        let position = try Tensor.arange(to: Double(logits.shape[1]), on: logits.device).asType(logits.dtype)
        let extent = try counts.asType(logits.dtype).expandedDimensions(at: 1)
        let isCandidate = position .< extent
        kept = Tensor.select(isCandidate, logits, try logits.constant(-1e30))
        offset = Tensor.select(isCandidate, offset, zero)
        size = counts.asType(logits.dtype)
    }
    let partition = try kept.logSumExp(axes: [1])
    let own = try partition - rows.pick(logits)
    let isMasked = kept .<= -1e30
    let sum = try Tensor.select(isMasked, zero, kept - partition.expandedDimensions(at: 1)).sum(axes: [1])
    let uniform = -(sum / size)
    return try reduction(own * (1 - labelSmoothing) + uniform * labelSmoothing + offset.norm(axes: [1]) * lambda)
}

extension LossDescription {
    private static let patches = "bootstrap-masked-visual-modeling-via-hard-patches-mining"
    private static let patchPaper = "Wang et al., Bootstrap Masked Visual Modeling via Hard Patches Mining, 2023"
    private static let predicted: [Input] = [
        .init("predictions", ["n", "m"]), .init("targets", ["n", "m"], .real(0...2), isDifferentiable: false),
    ]

    static let relativeLossPredictionLoss = LossDescription(
        "relativeLossPrediction", .ranking, "Predicted losses in the order of the true ones, by pairs", reference: patchPaper,
        inputs: predicted, catalogue: [patches]
    ) { try relativeLossPrediction(predictions: $0["predictions"], targets: $0["targets"]) }

    static let absoluteLossPredictionLoss = LossDescription(
        "absoluteLossPrediction", .ranking, "Predicted losses near the row's standardised true ones", reference: patchPaper,
        inputs: predicted, options: [.reduction], catalogue: [patches]
    ) { try absoluteLossPrediction(predictions: $0["predictions"], targets: $0["targets"], reduction: $0.reduction()) }

    static let mannWhitneyLoss = LossDescription(
        "mannWhitney", .ranking, "Every positive score above every negative one: a smooth bound on 1 - AUC",
        reference: "Optimizing What Matters: AUC-Driven Learning for Robust Neural Retrieval, 2025",
        inputs: [.init("positives", ["n"]), .init("negatives", ["m"])], options: [.number("temperature", 1)],
        catalogue: ["optimizing-what-matters-auc-driven-learning-for-robust-neural"]
    ) { try mannWhitney(positives: $0["positives"], negatives: $0["negatives"], temperature: $0.number("temperature")) }

    static let rankRegularizedLoss = LossDescription(
        "rankRegularized", .ranking, "Listwise re-ranking that stays near the candidates' scores",
        reference: "Borchert et al., xMEN: A Modular Toolkit for Cross-Lingual Medical Entity Normalization, 2023",
        inputs: [
            .init("logits", ["n", "classes"]), .init("scores", ["n", "classes"], isDifferentiable: false),
            .init("targets", ["n"], .classes("classes")), .init("counts", ["n"], .lengths("classes"), isOptional: true),
        ],
        options: [.number("lambda", 1), .number("labelSmoothing", 0), .reduction],
        catalogue: ["xmen-a-modular-toolkit-for-cross-lingual-medical-entity"]
    ) {
        try rankRegularized(
            logits: $0["logits"], scores: $0["scores"], targets: $0["targets"], counts: $0.optional("counts"), lambda: $0.number("lambda"),
            labelSmoothing: $0.number("labelSmoothing"), reduction: $0.reduction())
    }
}
